//! How drygate is called from where a person stands.
//! Invariant: every command that is printed is built by [`CommandLine`]; what is recorded or exported is built with its
//! default, which names no place of this machine (test `what_is_recorded_and_exported_names_no_place_of_this_machine` of
//! tests/integration/printed.rs).

use std::borrow::Cow;
use std::fmt::Display;

/// The program, and the data directory where it has to be named, as words of a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    program: String,
    data_dir: Option<String>,
}

impl Default for CommandLine {
    fn default() -> Self {
        Self::new("drygate", None)
    }
}

impl CommandLine {
    /// `program`: a name that the shell finds, or a path. `data_dir`: only where drygate would not come to it by itself.
    pub fn new(program: &str, data_dir: Option<&str>) -> Self {
        Self {
            program: shell_word(program).into_owned(),
            data_dir: data_dir.map(|path| shell_word(path).into_owned()),
        }
    }

    /// The command that carries out `words` on the runs of this data directory: `drygate resume 8a941203`.
    pub fn to(&self, words: impl Display) -> String {
        let command = self.anywhere(words);
        match &self.data_dir {
            Some(path) => format!("{command} --data-dir {path}"),
            None => command,
        }
    }

    /// The command that carries out `words`, which have nothing to do with the runs of a data directory.
    pub fn anywhere(&self, words: impl Display) -> String {
        format!("{} {words}", self.program)
    }
}

/// A text as one word of a POSIX shell.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::CommandLine;

    #[test]
    fn a_command_names_program_and_data_directory_where_it_must() {
        let recorded = CommandLine::default();
        assert_eq!(recorded.to("resume 8a941203"), "drygate resume 8a941203");
        let here = CommandLine::new("/w/target/debug/drygate", Some("/srv/it's here"));
        assert_eq!(
            here.to("resume 8a941203"),
            r"/w/target/debug/drygate resume 8a941203 --data-dir '/srv/it'\''s here'"
        );
        assert_eq!(here.anywhere("demo"), "/w/target/debug/drygate demo");
    }
}

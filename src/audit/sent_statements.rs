//! Which texts that we sent could have written. A git command that is not known to read counts as writing; SQL is compared with
//! a list of writing words and the pinned names.

const WRITING_WORDS: [&str; 26] = [
    "ALTER", "ANALYZE", "CALL", "CLUSTER", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE", "DO",
    "DROP", "END", "EXECUTE", "GRANT", "IMPORT", "INSERT", "LISTEN", "LOCK", "MERGE", "NOTIFY",
    "REINDEX", "REVOKE", "SECURITY", "TRUNCATE", "UPDATE", "VACUUM",
];

const READING_GIT: [&str; 12] = [
    "cat-file",
    "describe",
    "diff",
    "for-each-ref",
    "log",
    "ls-files",
    "ls-tree",
    "rev-list",
    "rev-parse",
    "show",
    "show-ref",
    "status",
];

/// The subcommand of `git -C dir --option subcommand ..`.
fn subcommand(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace().filter(|word| *word != "git");
    while let Some(word) = words.next() {
        if matches!(word, "-C" | "-c" | "--git-dir" | "--work-tree") {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word);
        }
    }
    None
}

/// Whether a git command can only read.
pub(super) fn reads_only(command: &str) -> bool {
    match subcommand(command) {
        // `git symbolic-ref NAME` reads; with a second argument it writes.
        Some("symbolic-ref") => {
            let behind = command
                .split_once("symbolic-ref")
                .map_or("", |(_, rest)| rest);
            let names = behind
                .split_whitespace()
                .filter(|word| !word.starts_with('-'));
            names.count() == 1 && !behind.contains(" -d") && !behind.contains("--delete")
        }
        Some(word) => READING_GIT.contains(&word),
        None => command.contains("--version"),
    }
}

/// Whether a SQL statement begins with a word that writes, commits or signals.
pub(super) fn writes(statement: &str) -> bool {
    let first: String = statement
        .trim_start()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    WRITING_WORDS.contains(&first.to_ascii_uppercase().as_str())
}

/// Whether a text calls a function: the name as a word, perhaps quoted, and an opening parenthesis behind it.
pub(super) fn calls(statement: &str, name: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    lower.match_indices(&name).any(|(at, _)| {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let before = lower[..at].chars().next_back();
        let after = lower[at + name.len()..]
            .trim_start_matches('"')
            .trim_start();
        !name.is_empty() && !before.is_some_and(part_of_word) && after.starts_with('(')
    })
}

#[cfg(test)]
mod tests {
    use super::{calls, reads_only, writes};

    #[test]
    fn writing_statements_and_calls_are_seen() {
        for sent in [
            "INSERT INTO t VALUES (1)",
            " commit",
            "Do $$ $$",
            "CALL p()",
        ] {
            assert!(writes(sent), "{sent}");
        }
        for sent in [
            "SELECT 1",
            "ROLLBACK TO s",
            "DECLARE c CURSOR FOR SELECT 1",
            "BEGIN READ ONLY",
        ] {
            assert!(!writes(sent), "{sent}");
        }
        for sent in [
            "SELECT public.fn_iu_enact('x')",
            "select FN_IU_ENACT ($1)",
            "SELECT \"fn_iu_enact\"(1)",
        ] {
            assert!(calls(sent, "fn_iu_enact"), "{sent}");
        }
        for sent in [
            "SELECT 'fn_iu_enact'",
            "SELECT my_fn_iu_enact(1)",
            "SELECT fn_iu_enact_md5(1)",
        ] {
            assert!(!calls(sent, "fn_iu_enact"), "{sent}");
        }
    }

    #[test]
    fn only_known_reading_git_commands_read() {
        for command in [
            "git -C push rev-parse HEAD",
            "git --no-optional-locks status --porcelain",
            "symbolic-ref --short HEAD",
            "git --version",
            "for-each-ref refs/tags",
        ] {
            assert!(reads_only(command), "{command}");
        }
        for command in [
            "git push",
            "git -C d tag v1",
            "symbolic-ref HEAD refs/heads/x",
            "git symbolic-ref -d HEAD",
            "git unknown",
            "git",
        ] {
            assert!(!reads_only(command), "{command}");
        }
    }
}

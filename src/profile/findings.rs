//! Collects what is wrong with a profile, with positions. Invariant: the problem that stands first in the file is the one that
//! is reported (`Findings::first`; test `the_first_problem_of_a_file_is_the_one_that_is_told`).

use super::{PathStep, Problem, TomlDocument, printable};

/// The problems of one document, in the order in which the rules found them.
pub(super) struct Findings<'d, 't> {
    document: &'d TomlDocument<'t>,
    problems: Vec<Problem>,
}

impl<'d, 't> Findings<'d, 't> {
    /// No problems yet.
    pub fn of(document: &'d TomlDocument<'t>) -> Self {
        Self {
            document,
            problems: Vec::new(),
        }
    }

    /// Refuses what stands at a path.
    pub fn refuse(&mut self, path: &[PathStep<'_>], message: impl Into<String>) {
        self.problems.push(Problem {
            position: self.document.position(path),
            message: printable(&message.into()),
        });
    }

    /// Refuses a text that is empty or blank.
    pub fn not_blank(&mut self, path: &[PathStep<'_>], text: &str) {
        if text.trim().is_empty() {
            self.refuse(path, format!("{} must not be empty", named(path)));
        }
    }

    /// Refuses a name that PostgreSQL could not have: any other is quoted and taken as it is.
    pub fn identifier(&mut self, path: &[PathStep<'_>], name: &str) {
        if name.is_empty() || name.contains('\0') {
            self.refuse(
                path,
                format!("{} must be a name in the database, not empty", named(path)),
            );
        // PostgreSQL cuts a longer name off (NAMEDATALEN is 64 with its terminating zero), so it would silently name something
        // else.
        } else if name.len() > 63 {
            self.refuse(
                path,
                format!(
                    "{} is longer than the 63 bytes of a name in PostgreSQL",
                    named(path)
                ),
            );
        }
    }

    /// Refuses the second of two equal texts of a list.
    pub fn distinct<'a>(
        &mut self,
        list: &[PathStep<'_>],
        texts: impl IntoIterator<Item = &'a str>,
    ) {
        let mut seen: Vec<&str> = Vec::new();
        for (index, text) in texts.into_iter().enumerate() {
            if seen.contains(&text) {
                let path = [list, &[PathStep::Index(index)]].concat();
                self.refuse(&path, format!("{} has {text:?} twice", named(list)));
            }
            seen.push(text);
        }
    }

    /// The problem that stands first in the file.
    pub fn first(self) -> Result<(), Problem> {
        let by_position = |problem: &Problem| (problem.position.line, problem.position.column);
        self.problems
            .into_iter()
            .min_by_key(by_position)
            .map_or(Ok(()), Err)
    }
}

/// The keys of a path: `target.color`.
fn named(path: &[PathStep<'_>]) -> String {
    let keys: Vec<&str> = path
        .iter()
        .filter_map(|step| match step {
            PathStep::Key(key) => Some(*key),
            PathStep::Index(_) => None,
        })
        .collect();
    keys.join(".")
}

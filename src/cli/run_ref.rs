//! How a person names a run: `last`, or the beginning or end of its id. Invariant: a part that fits two runs is an error
//! (`RunRef::resolve`; test `a_run_is_found_by_either_end_and_never_guessed`).

use std::fmt;
use std::str::FromStr;

use super::CliError;
use crate::run::RunId;

/// `last`, or an unambiguous prefix or suffix of a run id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunRef {
    /// The run that was started last.
    Last,
    /// A whole id, or its beginning or end.
    Part(String),
}

/// A word that cannot name a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("names no run: a run id, its beginning or its end, or `last`")]
pub struct RunRefError;

impl FromStr for RunRef {
    type Err = RunRefError;

    fn from_str(text: &str) -> Result<Self, RunRefError> {
        let legal = |c: u8| c.is_ascii_digit() || c.is_ascii_lowercase() || b"TZ-".contains(&c);
        // The screens shorten a run id to `..` and its end, which can be pasted as it is.
        match text.trim_start_matches("..") {
            "last" => Ok(Self::Last),
            part if !part.is_empty() && part.bytes().all(legal) => Ok(Self::Part(part.to_owned())),
            _ => Err(RunRefError),
        }
    }
}

impl fmt::Display for RunRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Part(part) => f.write_str(part),
        }
    }
}

impl RunRef {
    /// Whether the word, given without a command, can only be meant as a run and not as a misspelt command.
    pub(super) fn is_clearly_a_run(&self) -> bool {
        match self {
            Self::Last => true,
            Self::Part(part) => {
                // Commands are lower-case words: a digit, a `-` or hex letters alone mean an id.
                let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
                part.bytes().any(|c| c.is_ascii_digit() || c == b'-') || part.bytes().all(hex)
            }
        }
    }

    /// The one run that is meant, of those that exist; an error where there is none or more than one.
    pub fn resolve(&self, runs: &[RunId]) -> Result<RunId, CliError> {
        let part = match self {
            Self::Last => return newest(runs).cloned().ok_or(CliError::NoRuns),
            Self::Part(part) => part,
        };
        // A whole id may also be the end of another one; the whole one wins.
        if let Some(exact) = runs.iter().find(|run| run.to_string() == *part) {
            return Ok(exact.clone());
        }
        let fits = |run: &&RunId| {
            let id = run.to_string();
            id.starts_with(part.as_str()) || id.ends_with(part.as_str())
        };
        let mut fitting: Vec<&RunId> = runs.iter().filter(fits).collect();
        fitting.sort();
        match fitting.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(CliError::UnknownRun(part.clone())),
            several => Err(CliError::AmbiguousRun {
                part: part.clone(),
                runs: several.iter().map(ToString::to_string).collect(),
            }),
        }
    }
}

/// The run with the latest time stamp; of the same second the later in the list.
fn newest(runs: &[RunId]) -> Option<&RunId> {
    runs.iter()
        .max_by_key(|run| run.to_string().split('-').nth(1).map(ToOwned::to_owned))
}

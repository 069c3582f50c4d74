//! Errors of the command line and of settings. Invariant: every error has a sentence, a hint and an exit code, and no text of
//! it holds a password (`CliError`, `redact`; test `no_error_repeats_a_password_from_where_it_does_not_belong`).

use std::io;

use thiserror::Error;

use super::secret::redact;
use crate::profile::{BUILT_IN, ProfileError};
use crate::run::{CommandLine, LiveRefused, ModeError, StopCode, exit};

/// Why a command cannot start. `main` prints the sentence and the hint on stderr and exits with the code.
#[derive(Debug, Error)]
pub enum CliError {
    /// `--help` or `--version`: no error, the text goes to stdout.
    #[error("{0}")]
    Information(String),
    /// The command line is not understood.
    #[error("{message}")]
    Usage {
        /// What is wrong, in one sentence.
        message: String,
        /// What to do instead.
        hint: String,
    },
    /// LIVE, or execution, was asked for.
    #[error("{0}")]
    Live(#[from] LiveRefused),
    /// A password on the command line.
    #[error(
        "--database-url holds a password, which everybody on this machine could read in the process list"
    )]
    PasswordArgument,
    /// `last` was asked for and the data directory has no run.
    #[error("there are no runs yet")]
    NoRuns,
    /// No run fits the name.
    #[error("no run begins or ends with {0:?}")]
    UnknownRun(String),
    /// Several runs fit the name.
    #[error("{part:?} fits {} runs: {}", .runs.len(), .runs.join(", "))]
    AmbiguousRun {
        /// The part of a run id that was given.
        part: String,
        /// The runs that fit.
        runs: Vec<String>,
    },
    /// A variable, or a configuration file, says something that cannot be.
    #[error("{place}: {message}")]
    Configuration {
        /// Variable, or file, line and column.
        place: String,
        /// What is wrong, and with which value.
        message: String,
        /// What is allowed there.
        hint: String,
    },
    /// A variable that is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    /// The current directory is gone or cannot be read.
    #[error("the current directory cannot be read: {0}")]
    CurrentDirectory(#[source] io::Error),
    /// The platform has no data directory.
    #[error("there is no home directory to keep runs in")]
    NoDataDirectory,
    /// The profile cannot be used.
    #[error("{}", redact(&.0.to_string()))]
    Profile(ProfileError),
}

impl CliError {
    pub(super) fn usage(message: impl AsRef<str>, hint: impl Into<String>) -> Self {
        Self::Usage {
            message: redact(message.as_ref()),
            hint: redact(&hint.into()),
        }
    }

    pub(super) fn configuration(
        place: impl Into<String>,
        message: impl AsRef<str>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Configuration {
            place: place.into(),
            message: redact(message.as_ref()),
            hint: hint.into(),
        }
    }

    /// The exit code: 0 for help and version, 64 for a usage error, 78 for configuration, and that of STOP_LIVE_REFUSED.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Information(_) => exit::OK,
            Self::Usage { .. }
            | Self::PasswordArgument
            | Self::NoRuns
            | Self::UnknownRun(_)
            | Self::AmbiguousRun { .. } => exit::USAGE,
            Self::Live(_) => StopCode::StopLiveRefused.exit_code(),
            Self::Configuration { .. }
            | Self::NotUtf8(_)
            | Self::CurrentDirectory(_)
            | Self::NoDataDirectory
            | Self::Profile(_) => exit::CONFIGURATION,
        }
    }

    /// The stop that belongs to it, if one does.
    pub fn stop_code(&self) -> Option<StopCode> {
        matches!(self, Self::Live(_)).then_some(StopCode::StopLiveRefused)
    }

    /// What to do next, in one sentence; empty for what is no error. Its commands are those of `call`.
    pub fn hint(&self, call: &CommandLine) -> String {
        let says = match self {
            Self::Information(_) => "",
            Self::Usage { hint, .. } | Self::Configuration { hint, .. } => hint,
            Self::Live(_) => {
                "Leave it out: every run is a dry run, and nothing in drygate can carry out a live one."
            }
            Self::PasswordArgument => {
                "Put it into DRYGATE_DATABASE_URL, a passfile (~/.pgpass, PGPASSFILE) or a service file."
            }
            Self::NoRuns => {
                let (run, demo) = (call.to("run"), call.anywhere("demo"));
                return format!("Start one with `{run}`, or look at `{demo}`.");
            }
            Self::UnknownRun(_) => {
                let runs = call.to("runs");
                return format!("`{runs}` lists them; --data-dir says where they are kept.");
            }
            Self::AmbiguousRun { .. } => "Give more of the run id.",
            Self::NotUtf8(_) => "Set it to UTF-8 text, or unset it.",
            Self::CurrentDirectory(_) => "Change to a directory that exists.",
            Self::NoDataDirectory => "Name a directory with --data-dir or DRYGATE_DATA_DIR.",
            Self::Profile(_) => {
                let (list, show) = (
                    call.anywhere("profile list"),
                    call.anywhere(format!("profile show {}", BUILT_IN[0].0)),
                );
                return format!(
                    "`{list}` names the built-in profiles; `{show}` prints one as an example."
                );
            }
        };
        says.to_owned()
    }

    /// The text for stdout where this is the answer to `--help` or `--version` and no error.
    pub fn to_stdout(&self) -> Option<&str> {
        match self {
            Self::Information(text) => Some(text),
            _ => None,
        }
    }
}

impl From<ProfileError> for CliError {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::LiveRefused { file, key } => LiveRefused {
                way: redact(&format!("{file}: {key}")),
            }
            .into(),
            other => Self::Profile(other),
        }
    }
}

/// The error for a word that is no mode: LIVE keeps its own stop, any other word becomes what `otherwise` makes of it.
pub(super) fn mode_error(error: ModeError, otherwise: impl FnOnce(String) -> CliError) -> CliError {
    match error {
        ModeError::Live(refused) => refused.into(),
        unknown @ ModeError::Unknown { .. } => otherwise(unknown.to_string()),
    }
}

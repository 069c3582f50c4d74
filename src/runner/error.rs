//! Errors that end the runner, with their stop code, exit code and hint. `RunnerError::stop_code` matches every variant; those
//! without a stop code have exit code 1, or 64, 71 and 78 for usage, want of resources and configuration.

use thiserror::Error;

use super::SHORTAGE_HINT;
use super::target::TargetError;
use crate::journal::JournalError;
use crate::report::ReportError;
use crate::run::{Illegal, StopCode, exit};
use crate::survey::Digest;

/// Why the runner had to end before the run did.
#[derive(Debug, Error)]
pub enum RunnerError {
    /// Journal, blob, ledger or lock.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database could not be used, or its session is not what was asked for.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Another server or database was reached than the run surveyed: nothing of it was read.
    #[error("{0}")]
    OtherServer(String),
    /// The server to be surveyed is the one that the run store is on.
    #[error("the run store is on the server that is to be surveyed: runs are kept on another one")]
    StoreIsTarget,
    /// The repository of the run could not be looked at; the approval took no effect.
    #[error("{0}")]
    RepositoryUnread(String),
    /// A file of the change could not be read.
    #[error("the change: {0}")]
    ChangeUnread(String),
    /// The fresh process of G4 could not use the storage: that says nothing of the run.
    #[error("the process that resumes a copy of the run could not use the storage: {0}")]
    CopyNotResumed(String),
    /// An event that is illegal now: a bug, never a person's fault.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// A gate was to be finished with other checks than it must have: a bug, never a person's fault.
    #[error("a gate was not finished, its checks are not those of the table: {0}")]
    OtherChecks(String),
    /// The journal on disk holds an event that was illegal when it was written.
    #[error("journal.jsonl, line {line}: {illegal}")]
    IllegalJournal {
        /// Line, from 1.
        line: u64,
        /// Why the event is not legal in the state that the lines before it lead to.
        illegal: Illegal,
    },
    /// Reports that cannot be rendered.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A document that cannot be written as JSON.
    #[error("a document of the run cannot be written: {0}")]
    Encode(#[from] serde_json::Error),
    /// What the journal must hold where the run stands.
    #[error("the journal holds no {0}, which this step needs")]
    Missing(&'static str),
    /// A blob that is not what the journal says of it.
    #[error("blobs/{blob}: {source}")]
    Blob {
        /// SHA-256 by which the journal names the blob.
        blob: Digest,
        /// Why it cannot be read.
        source: serde_json::Error,
    },
    /// The recorder was given up at the seal; nothing may be recorded any more.
    #[error("the run is sealed")]
    Sealed,
    /// The runner's thread panicked.
    #[error("the runner panicked")]
    Panicked,
    /// The run's own profile does not parse any more.
    #[error(transparent)]
    Profile(#[from] crate::profile::ProfileError),
    /// A thread, a process or an event loop could not be started, or something could not be looked at, because this machine gives no
    /// more: nothing is judged by that.
    #[error("this machine gives no more files, processes or threads to this process: {0}")]
    Shortage(#[from] std::io::Error),
    /// A person quit, or a signal came, in the middle of a task.
    #[error("interrupted")]
    Interrupted,
}

impl RunnerError {
    /// The stop code of this error; `None` for usage errors and for bugs.
    pub fn stop_code(&self) -> Option<StopCode> {
        match self {
            Self::Journal(error) => match error {
                JournalError::Corrupt(_) | JournalError::NewerVersion { .. } => {
                    Some(StopCode::StopEvidenceCorrupt)
                }
                JournalError::Locked { .. }
                | JournalError::LockLost { .. }
                | JournalError::TakenOver { .. } => Some(StopCode::StopRunLocked),
                JournalError::NotFound { .. } | JournalError::InStore { .. } => None,
                _ => Some(StopCode::StopStorageFailed),
            },
            Self::Target(TargetError::Unavailable(_)) => Some(StopCode::StopDatabaseUnavailable),
            Self::Target(_) => Some(StopCode::StopGateFailed),
            Self::OtherServer(_) | Self::RepositoryUnread(_) | Self::ChangeUnread(_) => {
                Some(StopCode::StopApprovalRefused)
            }
            Self::CopyNotResumed(_) => Some(StopCode::StopStorageFailed),
            Self::IllegalJournal { .. }
            | Self::Missing(_)
            | Self::Blob { .. }
            | Self::Report(ReportError::NotCreated) => Some(StopCode::StopEvidenceCorrupt),
            Self::Interrupted => Some(StopCode::StopInterrupted),
            Self::Illegal(_)
            | Self::OtherChecks(_)
            | Self::Report(_)
            | Self::Encode(_)
            | Self::Sealed
            | Self::Panicked
            | Self::Profile(_)
            | Self::StoreIsTarget
            | Self::Shortage(_) => None,
        }
    }

    /// The exit code of the process: that of the stop code, where there is one.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Journal(JournalError::NotFound { .. }) => exit::USAGE,
            Self::Profile(_)
            | Self::StoreIsTarget
            | Self::Journal(JournalError::InStore { .. }) => exit::CONFIGURATION,
            Self::Shortage(_) => exit::SHORTAGE,
            _ => self
                .stop_code()
                .map_or(exit::UNEXPECTED, StopCode::exit_code),
        }
    }

    /// What to do next, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Target(TargetError::Unavailable(why)) => Some(why.hint.clone()),
            Self::OtherServer(_) => Some(
                "Reach the server that the run surveyed, or start a new run against this one."
                    .to_owned(),
            ),
            Self::RepositoryUnread(_) => Some(
                "Make git answer there for this account, or approve through a process that may read it."
                    .to_owned(),
            ),
            Self::ChangeUnread(_) => Some(
                "Put the file back, or start a new run with the files that are there.".to_owned(),
            ),
            Self::Shortage(_) => Some(SHORTAGE_HINT.to_owned()),
            Self::Journal(JournalError::Locked { .. }) => {
                Some("Wait for it, or decide through it: approve and reject reach the process that holds the run.".to_owned())
            }
            Self::Journal(JournalError::Storage(error)) if error.is_of_store() => Some(
                "Nothing after the last line of the run store counts. When it takes lines, resume.".to_owned(),
            ),
            Self::CopyNotResumed(_)
            | Self::Journal(JournalError::Storage(_) | JournalError::Poisoned { .. }) => {
                Some("Nothing after the last durable line counts. Make room or repair the disk, then resume.".to_owned())
            }
            _ => None,
        }
    }
}

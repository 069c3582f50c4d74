//! Errors of storage and journal, with the file or run that they are about where there is one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// An operation of the storage failed.
#[derive(Debug, Error)]
pub struct StorageError {
    /// What was tried, as a verb.
    pub operation: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The error of the system.
    pub source: io::Error,
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        // A file of this machine says nothing of a store.
        if !self.is_of_store() {
            write!(f, " {}", self.path.display())?;
        }
        write!(f, ": {}", self.source)
    }
}

impl StorageError {
    pub(crate) fn new(operation: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self {
            operation,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// What is tried with a run store, as a verb.
    pub(crate) const COMMIT: &str = "commit to the run store";
    /// The same the other way.
    pub(crate) const BRING: &str = "bring from the run store";

    /// What cannot be done any more where another machine took the run over. The path is its id, the error of the system who has it.
    pub(crate) const LOST: &str = "write the run of another process";

    /// Whether it is the run store that failed, and not the disk.
    pub fn is_of_store(&self) -> bool {
        [Self::COMMIT, Self::BRING].contains(&self.operation)
    }

    pub(crate) fn refused(operation: &'static str, path: &Path, why: &'static str) -> Self {
        let source = io::Error::new(io::ErrorKind::InvalidInput, why);
        Self::new(operation, path, source)
    }
}

/// A file that does not have the bytes that were written: `STOP_EVIDENCE_CORRUPT`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Corrupt {
    /// The file, relative to the directory of the run.
    pub file: String,
    /// Number of the line, from 1; `None`: the damage is not in one line.
    pub line: Option<u64>,
    /// Offset in the file, from 0: of the damaged byte where it can be found, else of the damaged line; `None`: unknown.
    pub byte: Option<u64>,
    /// What is wrong there, in words.
    pub what: String,
}

impl Corrupt {
    pub(super) fn file(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            byte: None,
            what: what.into(),
        }
    }

    pub(super) fn at(
        file: impl Into<String>,
        line: u64,
        byte: u64,
        what: impl Into<String>,
    ) -> Self {
        Self {
            line: Some(line),
            byte: Some(byte),
            ..Self::file(file, what)
        }
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(byte) = self.byte {
            write!(f, ", byte {byte}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Why an operation on a journal or run failed.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Something could not be read or made durable: `STOP_STORAGE_FAILED`.
    #[error(transparent)]
    Storage(StorageError),
    /// The evidence does not verify: `STOP_EVIDENCE_CORRUPT`.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Another process owns the run: `STOP_RUN_LOCKED`.
    #[error("run {run} is held by {}{}", holder(*pid, host.as_deref()), lease(*lease_s))]
    Locked {
        /// Name of the directory of the run.
        run: String,
        /// Process id of the holder; `None`: its LOCK does not say.
        pid: Option<u32>,
        /// Host of the holder; `None`: its LOCK does not say.
        host: Option<String>,
        /// How long the lease of a holder on another machine still runs, in seconds; `None`: it is on this machine.
        lease_s: Option<u64>,
    },
    /// LOCK was deleted, linked or replaced while we held it: `STOP_RUN_LOCKED`.
    #[error(
        "{}: the lock was deleted, linked or replaced while this process held it",
        path.display()
    )]
    LockLost {
        /// Path of the LOCK or journal.
        path: PathBuf,
    },
    /// Another machine took the run over through the store: `STOP_RUN_LOCKED`.
    #[error("run {run} was taken over by {by}: this process writes nothing more of it")]
    TakenOver {
        /// Name of the directory of the run.
        run: String,
        /// Role, process and host, as the store has them.
        by: String,
    },
    /// An earlier write or sync failed, so this process writes nothing more.
    #[error("the journal takes no more lines after an earlier failure: {first}")]
    Poisoned {
        /// The message of the first failure.
        first: String,
    },
    /// The run is sealed and can never be written again.
    #[error("run {run} is sealed; nothing is ever appended to it")]
    Sealed {
        /// Name of the directory of the run.
        run: String,
    },
    /// The run came out of an archive, so its owner is elsewhere.
    #[error("run {run} was imported from an archive: it is read only here")]
    Imported {
        /// Name of the directory of the run.
        run: String,
    },
    /// The run is kept in a run store, and none is named here.
    #[error(
        "run {run} is kept in a run store, and none is named here: put its url into [store] of drygate.toml, or into DRYGATE_STORE_URL"
    )]
    InStore {
        /// Name of the directory of the run.
        run: String,
    },
    /// A seal was asked for before `run_sealed` was written.
    #[error("run {run} cannot be sealed before its run_sealed line is durable")]
    NotEnded {
        /// Name of the directory of the run.
        run: String,
    },
    /// The journal was written by a newer drygate.
    #[error(
        "the journal has format version {found} and this drygate reads up to version {supported}; open the run with the drygate that wrote it, or a newer one"
    )]
    NewerVersion {
        /// The version of the journal.
        found: u32,
        /// The newest version this program reads.
        supported: u32,
    },
    /// An event could not be written as a journal line.
    #[error("an event cannot be written as a journal line: {0}")]
    Encode(String),
    /// No run matches the query.
    #[error("no run matches {query:?}")]
    NotFound {
        /// The text that was asked for.
        query: String,
    },
}

impl From<StorageError> for JournalError {
    fn from(error: StorageError) -> Self {
        if error.operation != StorageError::LOST {
            return Self::Storage(error);
        }
        Self::TakenOver {
            run: error.path.display().to_string(),
            by: error.source.to_string(),
        }
    }
}

fn lease(seconds: Option<u64>) -> String {
    let ends = |seconds| format!("; if it is dead, its lease ends within {seconds} s");
    seconds.map_or_else(String::new, ends)
}

fn holder(pid: Option<u32>, host: Option<&str>) -> String {
    match (pid, host) {
        (Some(pid), Some(host)) => format!("process {pid} on {host}"),
        (Some(pid), None) => format!("process {pid}"),
        _ => "a process that its LOCK does not name".to_owned(),
    }
}

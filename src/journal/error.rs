//! What can go wrong below the journal. Invariant: every variant names the file, so that a person can go and look.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// An operation of the storage failed.
#[derive(Debug, Error)]
#[error("cannot {operation} {}: {source}", path.display())]
pub struct StorageError {
    /// What was tried, as a verb.
    pub operation: &'static str,
    /// The file or directory it was tried on.
    pub path: PathBuf,
    /// What the system answered.
    pub source: io::Error,
}

impl StorageError {
    pub(crate) fn new(operation: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self {
            operation,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    pub(crate) fn refused(operation: &'static str, path: &Path, why: &'static str) -> Self {
        let source = io::Error::new(io::ErrorKind::InvalidInput, why);
        Self::new(operation, path, source)
    }
}

/// A file that is not what was written: `STOP_EVIDENCE_CORRUPT`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Corrupt {
    /// The file, relative to the directory of the run.
    pub file: String,
    /// The line, counted from 1, where the damage is known to be in one.
    pub line: Option<u64>,
    /// The byte in the file, counted from 0: the damaged one where it can be found, else the first of the damaged line.
    pub byte: Option<u64>,
    /// What is wrong there.
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

/// Why the journal could not do what it was asked.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Something could not be read or made durable: `STOP_STORAGE_FAILED`.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The evidence does not verify: `STOP_EVIDENCE_CORRUPT`.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Another process owns the run: `STOP_RUN_LOCKED`.
    #[error("run {run} is held by {}", holder(*pid, host.as_deref()))]
    Locked {
        /// The directory of the run.
        run: String,
        /// The process that holds it, where its LOCK says so.
        pid: Option<u32>,
        /// The host of that process, where its LOCK says so.
        host: Option<String>,
    },
    /// The LOCK of a run that we hold was deleted, linked or replaced by somebody: `STOP_RUN_LOCKED`.
    #[error(
        "{}: the lock was deleted, linked or replaced while this process held it",
        path.display()
    )]
    LockLost {
        /// The LOCK file.
        path: PathBuf,
    },
    /// An earlier write or sync failed, so nothing more is written by this process.
    #[error("the journal takes no more lines after an earlier failure: {first}")]
    Poisoned {
        /// The failure that came first.
        first: String,
    },
    /// The run is sealed; nothing is ever appended to it.
    #[error("run {run} is sealed; nothing is ever appended to it")]
    Sealed {
        /// The directory of the run.
        run: String,
    },
    /// The run came out of an archive: whoever owns it is elsewhere.
    #[error("run {run} was imported from an archive: it is read only here")]
    Imported {
        /// The directory of the run.
        run: String,
    },
    /// A seal was asked for before `run_sealed` was written.
    #[error("run {run} cannot be sealed before its run_sealed line is durable")]
    NotEnded {
        /// The directory of the run.
        run: String,
    },
    /// The journal was written by a newer drygate.
    #[error(
        "the journal has format version {found} and this drygate reads up to version {supported}; open the run with the drygate that wrote it, or a newer one"
    )]
    NewerVersion {
        /// The version found.
        found: u32,
        /// The newest version this program reads.
        supported: u32,
    },
    /// An event could not be written as a journal line.
    #[error("an event cannot be written as a journal line: {0}")]
    Encode(String),
    /// No run has this id.
    #[error("no run matches {query:?}")]
    NotFound {
        /// What was asked for.
        query: String,
    },
}

fn holder(pid: Option<u32>, host: Option<&str>) -> String {
    match (pid, host) {
        (Some(pid), Some(host)) => format!("process {pid} on {host}"),
        (Some(pid), None) => format!("process {pid}"),
        _ => "a process that its LOCK does not name".to_owned(),
    }
}

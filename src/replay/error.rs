//! Why a run cannot be retold. Invariant: each names the line, or what cannot be read.

use thiserror::Error;

use crate::journal::JournalError;
use crate::run::Illegal;

/// Why a run cannot be retold.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The journal cannot be read, or does not chain.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal holds an event that could not have happened.
    #[error("journal.jsonl, line {line}: {illegal}")]
    Illegal {
        /// The line, from 1.
        line: u64,
        /// Which and why.
        illegal: Illegal,
    },
    /// The journal has no line.
    #[error("journal.jsonl has no line: nothing of this run was written")]
    Empty,
    /// There is no such line.
    #[error("there is no record {seq}: this run has 0 to {last}")]
    NoSuchRecord {
        /// What was asked for.
        seq: u64,
        /// The last one.
        last: u64,
    },
    /// Neither a number of a record nor a time.
    #[error("{0:?} is neither a record (212) nor a time (09:33, 09:33:06, 2026-11-22T09:33:06Z)")]
    Unreadable(String),
}

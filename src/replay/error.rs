//! Errors of a replay, each with the line or the text that it is about.

use thiserror::Error;

use crate::journal::JournalError;
use crate::run::Illegal;
use crate::survey::UtcTime;

/// Why a run cannot be played back.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The journal cannot be read, or does not chain.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal holds an event that is not legal where it stands.
    #[error("journal.jsonl, line {line}: {illegal}")]
    Illegal {
        /// Number of the line, from 1.
        line: u64,
        /// Which event it is, and why it is not legal.
        illegal: Illegal,
    },
    /// The journal has no line.
    #[error("journal.jsonl has no line: nothing of this run was written")]
    Empty,
    /// The run has no record of this number.
    #[error("there is no record {seq}: this run has 0 to {last}")]
    NoSuchRecord {
        /// The number that was asked for.
        seq: u64,
        /// The number of the last record.
        last: u64,
    },
    /// A time before the run or after it.
    #[error("no record is of {text}: this run has records from {first} to {last}")]
    NoSuchTime {
        /// The time as it was asked for.
        text: String,
        /// The time of the first record.
        first: UtcTime,
        /// The time of the last record.
        last: UtcTime,
    },
    /// A place that is neither the number of a record nor a time.
    #[error("{0:?} is neither a record (212) nor a time (09:33, 09:33:06, 2026-11-22T09:33:06Z)")]
    Unreadable(String),
}

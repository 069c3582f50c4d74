//! A run as it was at one line of its journal. Invariant: made by `apply` alone, from the first line on, each event legal where it stands.

use super::ReplayError;
use crate::compare::ComparisonRecord;
use crate::journal::JournalEntry;
use crate::run::{Event, RunState, legal};
use crate::survey::{Digest, UtcTime};

/// Everything that a frame is drawn from, at one line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunMoment {
    /// The run.
    pub run: RunState,
    /// What of it can be compared.
    pub record: ComparisonRecord,
    /// SHA-256 of the line.
    pub head: Option<Digest>,
}

impl RunMoment {
    /// Takes the next line; `head` is its SHA-256.
    pub fn apply(&mut self, entry: &JournalEntry<Event>, head: Digest) -> Result<(), ReplayError> {
        legal(&self.run, &entry.event).map_err(|illegal| ReplayError::Illegal {
            line: entry.seq + 1,
            illegal,
        })?;
        self.run.apply(entry.seq, entry.at, &entry.event);
        self.run.set_reads_aside_after(&entry.event);
        self.record.apply(entry.at, &entry.event);
        self.head = Some(head);
        Ok(())
    }

    /// Number and time of the line; `None` before the first.
    pub fn line(&self) -> Option<(u64, UtcTime)> {
        self.run.last
    }
}

//! Histories kept on the way through a journal, so that any line is a short fold away.

use crate::journal::ChainPosition;
use crate::run::History;
use crate::survey::UtcTime;

/// Lines between two checkpoints, at most: that many are folded for a seek.
pub(super) const LINES: usize = 512;
/// Bytes between two checkpoints, but for a line that is longer.
pub(super) const BYTES: u64 = 512 << 10;

/// A place between two lines, and the fold of the lines before it. What is large in a history is shared between its copies.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    /// Before the next line.
    pub position: ChainPosition,
    /// The lines before.
    pub history: History,
}

/// Checkpoints in the order of the journal; the first is before its first line.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints {
    kept: Vec<Checkpoint>,
}

impl Checkpoints {
    pub(super) fn new() -> Self {
        Self {
            kept: vec![Checkpoint {
                position: ChainPosition::start(),
                history: History::without_clean_reads(),
            }],
        }
    }

    pub(super) fn push(&mut self, position: ChainPosition, history: History) {
        self.kept.push(Checkpoint { position, history });
    }

    /// The number of the last checkpoint before line `seq`.
    pub(super) fn before(&self, seq: u64) -> usize {
        let after = self.kept.partition_point(|kept| kept.position.seq() <= seq);
        after.saturating_sub(1)
    }

    /// The number of the last checkpoint whose lines before it were all written by `at`.
    pub(super) fn before_time(&self, at: UtcTime) -> usize {
        let earlier = |kept: &Checkpoint| kept.history.last().is_none_or(|(_, time)| time <= at);
        self.kept.partition_point(earlier).saturating_sub(1)
    }

    pub(super) fn get(&self, number: usize) -> &Checkpoint {
        &self.kept[number]
    }
}

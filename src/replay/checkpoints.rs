//! Checkpoints: folded histories at regular places of a journal, so that a seek folds a few lines and not the whole journal.

use crate::journal::ChainPosition;
use crate::run::History;
use crate::survey::UtcTime;

/// Lines between two checkpoints, at most. A seek folds no more than that; fewer lines would mean more checkpoints in memory.
pub(super) const LINES: usize = 512;
/// Bytes after which a checkpoint follows even if there were fewer lines, so that a part with long lines stays small in memory.
pub(super) const BYTES: u64 = 512 << 10;

/// A place between two lines, and the fold of all lines before it. Copies of a history share their large parts.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    /// The position before the next line.
    pub position: ChainPosition,
    /// The fold of the lines before that position.
    pub history: History,
}

/// Checkpoints in the order of the journal. The first one is before the first line, so there always is one.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints {
    kept: Vec<Checkpoint>,
}

impl Checkpoints {
    pub(super) fn new() -> Self {
        Self {
            kept: vec![Checkpoint {
                position: ChainPosition::start(),
                // Proofs of clean live reads are reduced to number and cost: a run that waits for days has
                // hundreds of thousands of them.
                history: History::without_clean_reads(),
            }],
        }
    }

    pub(super) fn push(&mut self, position: ChainPosition, history: History) {
        self.kept.push(Checkpoint { position, history });
    }

    /// The number of the last checkpoint before line `seq`.
    pub(super) fn before(&self, seq: u64) -> usize {
        // Binary search: positions grow with their number.
        let after = self.kept.partition_point(|kept| kept.position.seq() <= seq);
        after.saturating_sub(1)
    }

    /// The number of the last checkpoint whose lines before it were all written by `at`.
    pub(super) fn before_time(&self, at: UtcTime) -> usize {
        // The wanted line is then behind this checkpoint and at or before the next one. Time in a journal never goes back.
        let earlier = |kept: &Checkpoint| kept.history.last().is_none_or(|(_, time)| time <= at);
        self.kept.partition_point(earlier).saturating_sub(1)
    }

    pub(super) fn get(&self, number: usize) -> &Checkpoint {
        &self.kept[number]
    }
}

//! Moments kept on the way, so that any other is a short fold away. Invariant: a checkpoint is the fold of all lines before it.

use super::Moment;
use crate::journal::Position;
use crate::survey::UtcTime;

/// Lines between two checkpoints, at most.
pub(super) const LINES: usize = 512;
/// Bytes between two checkpoints, but for a line that is longer.
pub(super) const BYTES: u64 = 512 << 10;

/// A place between two lines, and the run there.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    /// Before the next line.
    pub position: Position,
    /// The fold of the lines before.
    pub moment: Moment,
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
                position: Position::start(),
                moment: Moment::default(),
            }],
        }
    }

    pub(super) fn push(&mut self, position: Position, moment: Moment) {
        self.kept.push(Checkpoint { position, moment });
    }

    /// The number of the last checkpoint before line `seq`.
    pub(super) fn before(&self, seq: u64) -> usize {
        let after = self.kept.partition_point(|kept| kept.position.seq() <= seq);
        after.saturating_sub(1)
    }

    /// The number of the last checkpoint whose lines before it were all written by `at`.
    pub(super) fn before_time(&self, at: UtcTime) -> usize {
        let earlier = |kept: &Checkpoint| kept.moment.line().is_none_or(|(_, time)| time <= at);
        self.kept.partition_point(earlier).saturating_sub(1)
    }

    pub(super) fn get(&self, number: usize) -> &Checkpoint {
        &self.kept[number]
    }
}

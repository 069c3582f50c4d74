//! Moments kept on the way, so that any other is a short fold away. Invariant: a checkpoint is the fold of all lines before it.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::RunMoment;
use crate::journal::ChainPosition;
use crate::run::{Costs, EventRow, LiveView, ReadsAside, Transaction};
use crate::survey::{Digest, UtcTime};

/// Lines between two checkpoints, at most.
pub(super) const LINES: usize = 512;
/// Bytes between two checkpoints, but for a line that is longer.
pub(super) const BYTES: u64 = 512 << 10;

/// What changes with nearly every line of a run that waits.
#[derive(Debug, Clone, Default)]
struct Moving {
    last: Option<(u64, UtcTime)>,
    live: Option<LiveView>,
    transactions: Vec<Transaction>,
    reads_aside: ReadsAside,
    costs: Costs,
    rows: VecDeque<EventRow>,
    rows_dropped: u64,
    head: Option<Digest>,
}

impl Moving {
    /// Changes places with what of it is in a moment.
    fn swap(&mut self, moment: &mut RunMoment) {
        let RunMoment { run, head, .. } = moment;
        mem::swap(&mut self.last, &mut run.last);
        mem::swap(&mut self.live, &mut run.live);
        mem::swap(&mut self.transactions, &mut run.transactions);
        mem::swap(&mut self.reads_aside, &mut run.reads_aside);
        mem::swap(&mut self.costs, &mut run.costs);
        mem::swap(&mut self.rows, &mut run.rows);
        mem::swap(&mut self.rows_dropped, &mut run.rows_dropped);
        mem::swap(&mut self.head, head);
    }
}

/// A place between two lines, and the run there.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    /// Before the next line.
    pub position: ChainPosition,
    moving: Moving,
    /// The fold of the lines before without what moves; shared with the checkpoint before where it stayed the same.
    still: Arc<RunMoment>,
}

impl Checkpoint {
    /// The fold of the lines before.
    pub(super) fn moment(&self) -> RunMoment {
        let mut moment = (*self.still).clone();
        self.moving.clone().swap(&mut moment);
        moment
    }
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
                moving: Moving::default(),
                still: Arc::default(),
            }],
        }
    }

    pub(super) fn push(&mut self, position: ChainPosition, mut moment: RunMoment) {
        let mut moving = Moving::default();
        moving.swap(&mut moment);
        let last = self.kept.last().map(|last| &last.still);
        let still = match last {
            Some(last) if **last == moment => Arc::clone(last),
            _ => Arc::new(moment),
        };
        self.kept.push(Checkpoint {
            position,
            moving,
            still,
        });
    }

    /// The number of the last checkpoint before line `seq`.
    pub(super) fn before(&self, seq: u64) -> usize {
        let after = self.kept.partition_point(|kept| kept.position.seq() <= seq);
        after.saturating_sub(1)
    }

    /// The number of the last checkpoint whose lines before it were all written by `at`.
    pub(super) fn before_time(&self, at: UtcTime) -> usize {
        let earlier = |kept: &Checkpoint| kept.moving.last.is_none_or(|(_, time)| time <= at);
        self.kept.partition_point(earlier).saturating_sub(1)
    }

    pub(super) fn get(&self, number: usize) -> &Checkpoint {
        &self.kept[number]
    }
}

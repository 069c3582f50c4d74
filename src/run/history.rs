//! One run as its journal tells it: state, surveys, timeline and head. Runner, resume, replay, watcher, verify, list, page and
//! tests all hold this value.

use std::sync::Arc;

use super::{
    ApprovalGate, ApprovalPolicy, Decision, Event, Illegal, Person, RunState, Surveys,
    TerminalSize, Timeline, legal,
};
use crate::survey::{Digest, UtcTime};

/// The fold of a journal. [`History::take`] is the only way that it changes:
///
/// ```compile_fail,E0616
/// let mut history = drygate::run::History::default();
/// history.run = drygate::run::RunState::default();
/// ```
///
/// ```compile_fail,E0594
/// let mut history = drygate::run::History::default();
/// history.run().state = drygate::run::State::Rejected;
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    run: RunState,
    surveys: Arc<Surveys>,
    timeline: Arc<Timeline>,
    drops_clean_reads: bool,
}

impl History {
    /// A history for a screen, which counts reads in any case: a run that waits for days reads by the hundred thousand. Who
    /// audits or reports begins with [`History::default`], which keeps each proof where the run does not say that it counts them.
    pub fn without_clean_reads() -> Self {
        Self {
            drops_clean_reads: true,
            ..Self::default()
        }
    }

    /// Takes journal line `seq`, written at `at`; `head` is the SHA-256 of the line. An illegal event changes nothing.
    pub fn take(
        &mut self,
        seq: u64,
        at: UtcTime,
        event: &Event,
        head: &Digest,
    ) -> Result<(), Illegal> {
        // Before any change: an error leaves the history as it was.
        legal(&self.run, at, event)?;
        self.run.apply(seq, at, event);
        self.run.head = Some(head.clone());
        if let (Event::StopRaised(_), Some(raised)) = (event, self.run.stops.last_mut()) {
            raised.sha256 = Some(head.clone());
        }
        if self.drops_clean_reads || self.run.counts_reads() {
            self.run.set_read_aside(event);
        }
        Surveys::take(&mut self.surveys, at, event);
        Timeline::take(&mut self.timeline, seq, at, event);
        Ok(())
    }

    /// The same with a line as it was told.
    pub fn take_recorded(&mut self, told: &RecordedEvent) -> Result<(), Illegal> {
        self.take(told.seq, told.at, &told.event, &told.head)
    }

    /// The same run, if its policy asked nothing of who approves.
    #[must_use]
    pub fn for_any_account(mut self) -> Self {
        if let Some(created) = &mut self.run.created {
            Arc::make_mut(created).approvals = ApprovalPolicy::default();
        }
        self
    }

    /// The state of the run.
    pub fn run(&self) -> &RunState {
        &self.run
    }

    /// Its surveys, sheets and drifts, in order.
    pub fn surveys(&self) -> &Arc<Surveys> {
        &self.surveys
    }

    /// Marks and facts over time.
    pub fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }

    /// SHA-256 of the last line; `None` before the first.
    pub fn head(&self) -> Option<&Digest> {
        self.run.head.as_ref()
    }

    /// Number and time of the last line; `None` before the first.
    pub fn last(&self) -> Option<(u64, UtcTime)> {
        self.run.last
    }

    /// The blob with the last PASS that the newest sheet was compared with.
    pub fn last_pass(&self) -> Option<&Digest> {
        let newest = self.surveys.evidence.last()?;
        newest.sheet.last_pass.as_ref().map(|(_, _, blob)| blob)
    }

    /// The run alone, for who writes about it.
    pub fn into_run(self) -> RunState {
        self.run
    }
}

/// A recorded decision, and the run as it was right before it.
#[derive(Debug, Clone)]
pub struct DecisionContext {
    /// The fold of all lines before the decision.
    pub history: Arc<History>,
    /// The gate that was decided on.
    pub gate: ApprovalGate,
    /// Whether it was approved, rejected or withdrawn.
    pub decision: Decision,
    /// Digest of the evidence that was decided on.
    pub evidence: Digest,
    /// The person who decided.
    pub by: Person,
    /// When the decision was recorded.
    pub at: UtcTime,
    /// When the facts were read again for the open sheet and were equal to the pin; `None`: a rejection, a withdrawal, or a
    /// decision without a sheet.
    pub equal_at: Option<UtcTime>,
    /// Size of the terminal that the sheet was open on; `None`: no sheet, or the journal does not record it.
    pub size: Option<TerminalSize>,
}

/// An event with its place in the journal, as runner, follower and replay tell it to a screen.
#[derive(Debug, Clone)]
pub struct RecordedEvent {
    /// Sequence number of the journal line, from 0.
    pub seq: u64,
    /// Time of the event in the run.
    pub at: UtcTime,
    /// The parsed event of that line.
    pub event: Arc<Event>,
    /// SHA-256 of the line: the head of the journal.
    pub head: Digest,
}

//! The parts of a folded run, made from events alone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    ApprovalGate, Check, Decision, Event, EvidenceSheet, LiveChange, Person, Purpose, Stop,
    SurveyPurpose, Verdict,
};
use crate::simulate::{PredictedEffect, SimulatedStep, StepCounts};
use crate::survey::{
    Digest, FactChange, RoleFinding, ServerIdentity, Survey, TransactionProof, UtcTime,
};

use super::LedgerRef;

/// One gate, as far as it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRun {
    /// When its checks began.
    pub started_at: UtcTime,
    /// How often it was begun: more than once after a crash or drift.
    pub attempts: u32,
    /// Checks recorded so far.
    pub checks: Arc<Vec<Check>>,
    /// Verdict and time, once finished.
    pub finished: Option<(Verdict, UtcTime)>,
}

/// The evidence that a gate waits with.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The gate that asks.
    pub gate: ApprovalGate,
    /// Round of the evidence.
    pub round: u32,
    /// Digest of the sheet.
    pub digest: Digest,
    /// The evidence sheet.
    pub sheet: Arc<EvidenceSheet>,
    /// Time when it was taken.
    pub taken_at: UtcTime,
    /// Until when an approval is good.
    pub expires_at: UtcTime,
    /// When it was shown last.
    pub shown_at: UtcTime,
    /// Boot id of the machine that showed it last.
    pub shown_boot: String,
    /// Milliseconds for which that machine ran then, where they were recorded.
    pub shown_uptime_ms: Option<u64>,
}

/// What has become of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// Recorded; takes effect with the `state_changed` of its gate.
    Pending,
    /// Took effect: its gate opened.
    Consumed,
    /// Voided by drift.
    Void,
    /// Withdrawn before it took effect.
    Withdrawn,
    /// A rejection, which ends the run.
    Rejection,
}

/// One decision of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// The gate that was decided.
    pub gate: ApprovalGate,
    /// Approve, reject or withdraw.
    pub decision: Decision,
    /// Digest of the evidence that was decided on.
    pub evidence: Digest,
    /// Reason; required for a rejection.
    pub reason: Option<String>,
    /// The person who decided.
    pub by: Person,
    /// When it was recorded.
    pub at: UtcTime,
    /// Boot id of the machine then.
    pub boot_id: String,
    /// What has become of it.
    pub status: ApprovalStatus,
}

/// A drift that stands until new evidence is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Gate whose approval it voided; `None`: at closeout.
    pub gate: Option<ApprovalGate>,
    /// The facts that differ from the pin.
    pub changes: Vec<FactChange>,
    /// Time of the event that records it.
    pub at: UtcTime,
}

/// A stop with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct RaisedStop {
    /// The stop as it was recorded.
    pub stop: Stop,
    /// Sequence number of its journal line.
    pub seq: u64,
    /// SHA-256 of that line; `None`: it is not folded from a journal.
    pub sha256: Option<Digest>,
    /// Time of the event.
    pub at: UtcTime,
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq)]
pub enum TransactionEnd {
    /// Still open, or its process died.
    Open,
    /// Its end was seen, with this proof.
    Closed(Arc<TransactionProof>),
    /// Its end was not seen; the sentence says why.
    Unseen(String),
}

/// One transaction of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// Number in the run, from 1.
    pub id: u64,
    /// Purpose it was opened for.
    pub purpose: Purpose,
    /// When it was journalled, before its BEGIN.
    pub opened_at: UtcTime,
    /// How it ended, as far as known.
    pub end: TransactionEnd,
    /// When a process of the run gave up seeing its end. `None`: it was seen, or its process died first.
    pub given_up_at: Option<UtcTime>,
    /// A survey that was read in it is recorded.
    pub gave_survey: bool,
}

impl Transaction {
    /// Whether it ended in our sight and had this nonce.
    pub fn is_of(&self, nonce: &str) -> bool {
        matches!(&self.end, TransactionEnd::Closed(proof) if proof.nonce == nonce)
    }
}

/// What is kept of every full survey: who answered, and what the role could have done. Its facts are kept for pin, latest and
/// post alone.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveySummary {
    /// What it was taken for.
    pub purpose: SurveyPurpose,
    /// Nonce of its transaction.
    pub nonce: String,
    /// The server that answered.
    pub server: ServerIdentity,
    /// Whether the role was read only; `None`: not fully answered.
    pub read_only: Option<bool>,
    /// The ways to write that were found.
    pub ways_to_write: Vec<String>,
    /// The questions that were not answered.
    pub unanswered: Vec<String>,
    /// How many warnings were named.
    pub warnings: u64,
    /// How many of them every server gives: nobody can act on them.
    pub of_every_server: u64,
    /// The others, as far as the survey names them.
    pub named_warnings: Vec<String>,
    /// SHA-256 of the JSON of the whole survey; `None`: it has none.
    pub sha256: Option<Digest>,
}

impl SurveySummary {
    /// What is kept of `survey`.
    pub fn of(purpose: SurveyPurpose, survey: &Survey) -> Self {
        Self {
            purpose,
            nonce: survey.snapshot.nonce.clone(),
            server: survey.server.clone(),
            read_only: survey.role.is_read_only(),
            ways_to_write: survey.role.ways_to_write().map(RoleFinding::line).collect(),
            unanswered: survey.role.unanswered.clone(),
            warnings: survey.role.warnings_count(),
            of_every_server: survey.role.of_every_server_count(),
            named_warnings: survey
                .role
                .warnings_to_act_on()
                .map(RoleFinding::line)
                .collect(),
            sha256: Digest::of_json(survey).ok(),
        }
    }
}

/// What was read last while waiting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveView {
    /// When facts were read last; `None`: no read has succeeded yet.
    pub read_at: Option<UtcTime>,
    /// Values that differ from the pin.
    pub changed: Vec<LiveChange>,
    /// All facts were read then, not only the live ones.
    pub complete: bool,
    /// Why nothing could be read, and since when.
    pub failed: Option<(String, UtcTime)>,
    /// How many reads there were.
    pub reads: u64,
}

/// A step that was simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct StepDone {
    /// The simulated step.
    pub step: SimulatedStep,
    /// Round in which it was simulated.
    pub round: u32,
    /// Counts of units by decision.
    pub counts: StepCounts,
    /// Rows it would have changed.
    pub effect: PredictedEffect,
    /// File with the decisions unit by unit.
    pub ledger: LedgerRef,
    /// Time of the event.
    pub at: UtcTime,
}

/// One row of the events pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Sequence number of the journal line.
    pub seq: u64,
    /// Time of the event.
    pub at: UtcTime,
    /// Name of the event.
    pub name: &'static str,
    /// One line of text; not escaped for a terminal.
    pub text: Arc<str>,
    /// How many rows are folded into this one.
    pub folded: u64,
}

/// Whether an event shows that the run goes on; stops, refusals and hooks do not.
pub(super) fn is_work(event: &Event) -> bool {
    !matches!(
        event,
        Event::StopRaised(_)
            | Event::ProgramReplaced(_)
            | Event::RepositoryMoved(_)
            | Event::ChangeMoved(_)
            | Event::ApprovalRefused(_)
            | Event::HookStarted(_)
            | Event::HookRan(_)
    )
}

//! The state of a run: the document of `run`, `resume`, `approve`, `reject`, `watch` and of errors, and what `replay` adds to
//! it. What is absent is null or empty, unless a member says that it is left out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::SchemaVersion;
use crate::run::{
    ApprovalGate, ChangeEvidence, ClaimVerdict, Gate, JournalHead, NonMutationVerdict, Obstacle,
    RunId, State, StopCode, Verdict,
};
use crate::survey::{Derived, Digest, FactChange, Provenance, Simulated, UtcTime, named_enum};

/// A run, or the error that a command ended with; then only `stop_code`, `message` and `next` say something.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run.
    pub run_id: Option<RunId>,
    /// State.
    pub state: Option<State>,
    /// The stop that the run stands at, or that the command ended with.
    pub stop_code: Option<StopCode>,
    /// The approval gate that waits, or that the stop is about.
    pub gate: Option<ApprovalGate>,
    /// Digest of the evidence that waits for a decision.
    pub evidence: Option<Digest>,
    /// Result with the prefix of the profile; null: not sealed.
    pub result: Option<String>,
    /// The gates that were begun, in order.
    pub gates: Vec<GateVerdict>,
    /// Facts of the last survey, by key.
    pub facts: BTreeMap<String, FactValue>,
    /// Digest over the facts of the last survey.
    pub facts_digest: Option<Digest>,
    /// The four counters of a run; null where there is no run.
    pub counters: Option<Counters>,
    /// Each time that the run came back to a person.
    pub returns: Vec<RunReturn>,
    /// Verdict and claims; null while the run is neither judged nor sealed.
    pub non_mutation: Option<NonMutationDocument>,
    /// The drift that stands, or what differed at closeout.
    pub drift: Vec<FactChange>,
    /// What the last survey differs in from the pin beside the change: it voids nothing. Left out where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<FactChange>,
    /// The last line of the journal, for `verify --head`; null where there is no run.
    pub head: Option<JournalHead>,
    /// The change, the tables that may be copied for it, and what it did when it was rehearsed last. Left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeEvidence>,
    /// What keeps the run from ending as PASS while it waits. Left out where nothing is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cannot_pass: Vec<Obstacle>,
    /// One sentence for people: why it stopped, or how it ended.
    pub message: Option<String>,
    /// What to do next.
    pub next: Option<String>,
}

/// A gate and its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GateVerdict {
    /// Gate.
    pub gate: Gate,
    /// Verdict over its checks; null: begun and not finished.
    pub verdict: Option<Verdict>,
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FactValue {
    /// The value in the type of the fact; null: unknown.
    #[cfg_attr(test, schemars(extend("type" = ["string", "integer", "boolean", "null"])))]
    pub value: Value,
    /// LIVE or DERIVED; null: unknown.
    pub provenance: Option<Provenance>,
    /// Why it is unknown; left out where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// The counters of the contract, section 3; null where the run has not come so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counters {
    /// Units that the simulated VERIFY confirmed.
    pub candidate_count_confirmed: Option<Simulated<u64>>,
    /// Units that are enacted already or that ENACT would enact.
    pub lifecycle_enacted_count: Option<Simulated<u64>>,
    /// `sidecar_state` of a sealed run.
    pub sidecar_state_final: Option<Derived<SidecarState>>,
    /// Reports of a sealed run.
    pub local_kb_markdown_files: Option<Derived<usize>>,
}

named_enum! {
    /// The state of a run in one word, for programs that need no more.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum SidecarState {
        /// A process works on it, or could.
        Running = "running",
        /// It waits for a person.
        Waiting = "waiting",
        /// Sealed, and PASS.
        Success = "success",
        /// Sealed: a person rejected it.
        Rejected = "rejected",
        /// Sealed, with any other result.
        Failed = "failed",
    }
}

/// One return of the run to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunReturn {
    /// Number of the return, from 1.
    pub r: usize,
    /// State.
    pub state: State,
    /// Stop code; null at closeout.
    pub stop_code: Option<StopCode>,
}

/// The non-mutation verdict and its claims.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NonMutationDocument {
    /// Verdict.
    pub verdict: NonMutationVerdict,
    /// The claims that were judged, by name: `A` to `E`.
    pub claims: BTreeMap<&'static str, ClaimDocument>,
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClaimDocument {
    /// Verdict.
    pub verdict: ClaimVerdict,
    /// What it says.
    pub says: &'static str,
    /// One sentence of what was measured.
    pub measured: String,
    /// What it cannot see.
    pub cannot_see: &'static str,
    /// The raw values, of any form; only in the twin of the reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
}

/// `sidecar.json`: state for other programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SidecarDocument {
    /// The run.
    pub run_id: Option<RunId>,
    /// State.
    pub state: State,
    /// The stop that it stands at.
    pub stop_code: Option<StopCode>,
    /// The approval gate that waits.
    pub gate: Option<ApprovalGate>,
    /// Digest of the last evidence.
    pub evidence: Option<Digest>,
    /// Result with the prefix of the profile; null: not sealed.
    pub result: Option<String>,
    /// All of it in one word.
    pub sidecar_state: SidecarState,
}

/// `replay`: a run as it stood at one record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReplayDocument {
    /// The run as it stood.
    #[serde(flatten)]
    pub run: RunDocument,
    /// The record, and what the screen shows of it.
    pub replay: ReplayMoment,
}

/// One record of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReplayMoment {
    /// Number of the record, from 0.
    pub seq: u64,
    /// When it was written.
    pub at: Option<UtcTime>,
    /// SHA-256 of its line.
    pub head: Option<Digest>,
    /// How many records the run has.
    pub records: Option<u64>,
    /// The line of the journal: `journal.schema.json`.
    #[cfg_attr(test, schemars(extend("type" = ["object", "null"])))]
    pub event: Option<Value>,
    /// The status band.
    pub band: ReplayBand,
    /// The screen, a text for each line.
    pub frame: Vec<String>,
}

/// The status band of the run screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReplayBand {
    /// Its title.
    pub title: String,
    /// Its right side.
    pub right: String,
    /// Its sentences.
    pub lines: Vec<String>,
}

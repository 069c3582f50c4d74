//! Documents of `verify` and `recheck`: whether the evidence of a run is intact, and whether the database still agrees with it.

use serde::Serialize;

use super::SchemaVersion;
use crate::audit::{After, ChangeAfter};
use crate::compare::ReviewNote;
use crate::run::{CarriedOut, JournalHead, RunId, StopCode};
use crate::survey::{Digest, FactChange, FactKey, ServerIdentity, Snapshot, TransactionProof};

/// `verify`: whether the files of a run hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VerifyDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run; empty where its journal does not begin.
    pub run_id: String,
    /// Whether nothing was found.
    pub intact: bool,
    /// `STOP_EVIDENCE_CORRUPT` where something was found.
    pub stop_code: Option<StopCode>,
    /// Records of the journal.
    pub records: u64,
    /// Blobs.
    pub blobs: u64,
    /// Whether the run has its seal.
    pub sealed: bool,
    /// The last line of the journal; null: it does not read.
    pub head: Option<JournalHead>,
    /// The head of `--head` as the journal has it; null: none was given, or it is not there.
    pub kept_head: Option<JournalHead>,
    /// What does not hold, a sentence each.
    pub findings: Vec<String>,
    /// What is no evidence of the run, or not yet, and is not as it should be, a sentence each. It condemns nothing.
    pub beside: Vec<String>,
    /// What could not be looked at, a sentence each.
    pub not_checked: Vec<String>,
    /// The checks that only the values that they recorded themselves can tell.
    pub by_recorded_values: Vec<String>,
    /// What the stamps of the run store bear out, where it was asked; left out where not, or where they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Notes of reviewers.
    pub notes: Vec<ReviewNote>,
}

/// `recheck`: a sealed run against a survey of now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecheckDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run.
    pub run_id: RunId,
    /// Its result with the prefix of the profile; `none`: it has none.
    pub result: String,
    /// Whether the run was a PASS and still holds; with `--after`, whether the prediction came true.
    pub holds: bool,
    /// The stop that this recheck ends with.
    pub stop_code: Option<StopCode>,
    /// Exit code of this process.
    pub exit_code: u8,
    /// The last survey of the run.
    pub compared_with: SurveyReference,
    /// The survey of now.
    pub survey: RecheckedSurvey,
    /// Why it is another server, database, timeline or role; empty: it is the same.
    pub server: Vec<String>,
    /// The facts that differ.
    pub drift: Vec<FactChange>,
    /// The facts that differ beside the change: they do not undo what was rehearsed.
    pub beside: Vec<FactChange>,
    /// The facts that were digested in another evidence format: neither equal nor different.
    pub not_comparable: Vec<FactKey>,
    /// The prediction against what happened since; null: not asked for.
    pub after: Option<After>,
    /// The rows of the rehearsed change against production; null: not asked for, or no change was rehearsed.
    pub change_after: Option<ChangeAfter>,
    /// What came of the real change; null: not asked for, or it cannot be said.
    pub carried_out: Option<CarriedOut>,
    /// The line of `outcomes.jsonl` that says so, from 1; null: it was not recorded.
    pub recorded_in_line: Option<u64>,
    /// What was measured of the transaction of this recheck; null: its end was not seen.
    pub proof: Option<TransactionProof>,
    /// One sentence for people.
    pub message: String,
    /// What to do next.
    pub next: String,
}

/// A survey by its snapshot and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SurveyReference {
    /// Which transaction.
    pub snapshot: Snapshot,
    /// Digest over its facts.
    pub facts_digest: Digest,
}

/// The survey of a recheck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecheckedSurvey {
    /// Which transaction.
    pub snapshot: Snapshot,
    /// Digest over its facts.
    pub facts_digest: Digest,
    /// Which server and database.
    pub server: ServerIdentity,
}

/// `recheck` of a run whose evidence does not verify: nothing was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecheckRefused {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run.
    pub run_id: RunId,
    /// False.
    pub holds: bool,
    /// `STOP_EVIDENCE_CORRUPT`.
    pub stop_code: StopCode,
    /// What does not hold, a sentence each.
    pub findings: Vec<String>,
    /// One sentence for people.
    pub message: String,
    /// What to do next.
    pub next: String,
}

//! Rows that the report templates and the JSON twin share, with texts as the reports print them.

use serde::Serialize;

use crate::run::{HookPoint, Purpose, Verdict};
use crate::survey::{Digest, FactKey};

/// Evidence, decisions, refusals, stops and drift: report 12.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalsReport {
    /// Evidence that was shown, the last one at the end.
    pub evidence: Vec<EvidenceReport>,
    /// What persons decided.
    pub decisions: Vec<DecisionReport>,
    /// Decisions that were refused.
    pub refusals: Vec<EventLine>,
    /// The stops.
    pub stops: Vec<StopReport>,
    /// Every drift, the one that stands at the end.
    pub drifts: Vec<DriftReport>,
    /// The records of drift and of new evidence.
    pub drift_events: Vec<EventLine>,
    /// What the profile asks of approvals, as lines `key=value`.
    pub policy: Vec<String>,
    /// What sharing the run means; null: it is not shared.
    pub shared: Option<String>,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidenceReport {
    /// `SG1` or `SG2`.
    pub gate: &'static str,
    /// Digest of the sheet.
    pub digest: Digest,
    /// Earlier or last, with its times.
    pub note: String,
}

/// A decision of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DecisionReport {
    /// `SG1` or `SG2`.
    pub gate: &'static str,
    /// Label of the gate: `allow CUT`.
    pub label: String,
    /// `approve`, `reject` or `withdraw`.
    pub decision: &'static str,
    /// What came of it.
    pub status: &'static str,
    /// Who, when, on what and why, as lines `key=value`.
    pub lines: Vec<String>,
}

/// A record of the journal in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EventLine {
    /// Number of the record, from 0.
    pub seq: u64,
    /// When it was written.
    pub at: String,
    /// Name of the event.
    pub name: &'static str,
    /// The event in words.
    pub text: String,
}

/// A stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StopReport {
    /// Stop code.
    pub code: &'static str,
    /// `SG1`, `SG2` or `None`.
    pub gate: &'static str,
    /// State.
    pub state: &'static str,
    /// Digest of the evidence, or `None`.
    pub evidence: String,
    /// Its line of the journal, as `verify --head` takes it.
    pub head: String,
    /// When.
    pub at: String,
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub next: String,
}

/// A drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DriftReport {
    /// `SG1`, `SG2` or `closeout`.
    pub gate: &'static str,
    /// When.
    pub at: String,
    /// What differs.
    pub changes: Vec<ChangeReport>,
}

/// A fact that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeReport {
    /// Key.
    pub key: FactKey,
    /// The approved value, or `(none)`.
    pub approved: String,
    /// The value that was found, `(none)`, or why it is unknown.
    pub found: String,
    /// The rows behind it.
    pub rows: Vec<RowReport>,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowReport {
    /// Key of the row.
    pub key: String,
    /// The approved row, or `(none)`.
    pub approved: String,
    /// The row that was found, or `(none)`.
    pub found: String,
}

/// A row of the forbidden-action audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AuditRow {
    /// What it is about, in the words of the source report.
    pub words: String,
    /// The answer, in the words of the source report.
    pub answer: String,
    /// Verdict of its check.
    pub verdict: Verdict,
    /// Name of its check, or `none`.
    pub check: String,
    /// What looked for it.
    pub detector: String,
    /// What that gave, a text for each line.
    pub output: Vec<String>,
    /// One sentence; empty where it would repeat `words`.
    pub says: String,
}

/// A transaction of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TransactionReport {
    /// Number within the run, from 1.
    pub id: u64,
    /// What it was opened for.
    pub purpose: Purpose,
    /// When it was opened.
    pub opened_at: String,
    /// How it ended.
    pub end: TransactionStatus,
    /// What was measured, as lines `key=value`.
    pub lines: Vec<String>,
}

/// Reads while the run waited that are counted and not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReadsNotListed {
    /// Reads that wrote nothing and left nothing.
    pub clean: u64,
    /// Reads that were not fully measured, beyond those that are listed.
    pub unmeasured: u64,
    /// Reads whose end was not seen, beyond those that are listed.
    pub unseen: u64,
    /// SHA-256 over number and end of all of them, in order.
    pub sha256: Digest,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum TransactionStatus {
    /// Its end is not recorded.
    #[serde(rename = "open")]
    Open,
    /// Its end was not seen.
    #[serde(rename = "unseen")]
    Unseen,
    /// It wrote nothing and left nothing.
    #[serde(rename = "clean")]
    Clean,
    /// Nothing speaks against it, and something was not measured.
    #[serde(rename = "not fully measured")]
    NotFullyMeasured,
    /// Something speaks against it.
    #[serde(rename = "NOT CLEAN")]
    NotClean,
}

/// A hook that was started before the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookReport {
    /// When it is run.
    pub hook: HookPoint,
    /// Its program, without arguments.
    pub program: String,
    /// When it was started.
    pub at: String,
    /// Record of its start, from 0.
    pub seq: u64,
    /// The stop that it was told, or `not recorded`.
    pub stop: &'static str,
    /// How it ended.
    pub end: String,
    /// How long it took, in milliseconds, or `-`.
    pub took_ms: String,
}

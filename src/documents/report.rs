//! Document of `report --json` and `kb/report.json`: the machine-readable twin of the thirteen reports.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::report_parts::{
    ApprovalsReport, AuditRow, HookReport, ReadsNotListed, TransactionReport,
};
use super::{Counters, FactValue, NonMutationDocument, RunReturn, SchemaVersion};
use crate::run::{
    ChangeFile, ChangeRehearsed, Check, ContextPins, Gate, RunId, State, TableToCopy, ToolIdentity,
    Verdict,
};
use crate::simulate::{ExpectedRows, PredictedEffect, StepCounts};
use crate::survey::{Declared, Digest, FactChange, FactKey, Footprint};

/// Everything that the reports of a run say.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// Version of the templates of the reports.
    pub template_version: u32,
    /// The run.
    pub run_id: Option<RunId>,
    /// State.
    pub state: State,
    /// Result with the prefix of the profile; null: not sealed.
    pub result: Option<String>,
    /// Exit code of the run; null: not sealed.
    pub exit_code: Option<u8>,
    /// The target.
    pub target: Option<ReportTarget>,
    /// The profile.
    pub profile: Option<ReportProfile>,
    /// The binary that started the run.
    pub tool: Option<ToolIdentity>,
    /// What the run is pinned to; null: G2 was not reached.
    pub context: Option<ContextPins>,
    /// What G0 saw of the repository.
    pub code: CodeOutcome,
    /// The gates that were begun, in order.
    pub gates: Vec<GateReport>,
    /// The facts of the pin and of the post survey, by key.
    pub facts: PrePost<BTreeMap<String, FactValue>>,
    /// Digests over these facts; null: no such survey.
    pub facts_digest: PrePost<Option<Digest>>,
    /// The facts of the pin beside those of the post survey; empty without both.
    pub pairs: Vec<FactPair>,
    /// What a live run would change; null: not predicted.
    pub predicted: Option<PredictionReport>,
    /// The change and its rehearsals; left out where the run has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<RehearsedChange>,
    /// The four counters.
    pub counters: Counters,
    /// Each time that the run came back to a person.
    pub returns: Vec<RunReturn>,
    /// Test runs that others made.
    pub tests: DeclaredTestRuns,
    /// Evidence, decisions, refusals, stops and drift.
    pub approvals: ApprovalsReport,
    /// The drift that stands, or what differed at closeout.
    pub drift: Vec<FactChange>,
    /// What the last survey differs in from the pin beside the change: it voids nothing.
    pub beside: Vec<FactChange>,
    /// Verdict and claims; null while the run is neither judged nor sealed.
    pub non_mutation: Option<NonMutationDocument>,
    /// The transactions of the run, but for the reads of a wait that are only counted.
    pub transactions: Vec<TransactionReport>,
    /// The reads that are counted and not listed; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads_not_listed: Option<ReadsNotListed>,
    /// What all of them cost together.
    pub footprint: Footprint,
    /// The forbidden-action audit: nine rows, then others.
    pub audit: Vec<AuditRow>,
    /// The note of the profile; null: it has none.
    pub or_td_note: Option<Declared<String>>,
    /// The last words of the profile.
    pub handover: Declared<String>,
    /// The reports.
    pub reports: Vec<ReportFile>,
    /// The hooks that were started before the seal; left out where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookReport>,
}

/// The change of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsedChange {
    /// The role that it runs as.
    pub role: String,
    /// Its files as they were read.
    pub files: Vec<ChangeFile>,
    /// The rows that it is expected to change; null: nothing is expected of them.
    pub expect: Option<Vec<ExpectedRows>>,
    /// The tables whose rows may be copied.
    pub copy: Vec<TableToCopy>,
    /// The rehearsals of the last round, in order, without their rows.
    pub rehearsals: Vec<ChangeRehearsed>,
}

/// A target, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportTarget {
    /// Label of the profile: `PRODUCTION`.
    pub label: String,
    /// Host or socket directory.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: String,
    /// User.
    pub user: String,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportProfile {
    /// Name.
    pub name: String,
    /// SHA-256 of its text.
    pub sha256: Digest,
}

/// The section "Code outcome": `None` where git has none, `NOT CHECKED` where git was not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CodeOutcome {
    /// The first 7 digits of the commit, and its subject.
    pub commit: String,
    /// Branch.
    pub branch: String,
    /// Verdict of the check that main is where G0 saw it.
    pub main_unchanged: String,
    /// `main_HEAD=...` and `feature_HEAD=...`.
    pub heads: Vec<String>,
}

/// A gate with its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GateReport {
    /// Gate.
    pub gate: Gate,
    /// Its title in the source report.
    pub title: String,
    /// Verdict over its checks; null: begun and not finished.
    pub verdict: Option<Verdict>,
    /// Its checks.
    pub checks: Vec<Check>,
}

/// A value of the pin and one of the post survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PrePost<T> {
    /// Of the last pin.
    pub pre: T,
    /// Of the post survey.
    pub post: T,
}

/// A fact of the pin beside that of the post survey.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FactPair {
    /// Key.
    pub key: FactKey,
    /// The value of the pin; null: unknown.
    #[cfg_attr(test, schemars(extend("type" = ["string", "integer", "boolean", "null"])))]
    pub pre: Value,
    /// The value of the post survey; null: unknown, or it has no such fact.
    #[cfg_attr(test, schemars(extend("type" = ["string", "integer", "boolean", "null"])))]
    pub post: Option<Value>,
    /// Both known and equal.
    pub equal: bool,
}

/// What a live run would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PredictionReport {
    /// Rows for each table.
    pub effect: PredictedEffect,
    /// Decisions on the units.
    pub counts: StepCounts,
}

/// Test runs that others made: DECLARED, nothing here ran them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeclaredTestRuns {
    /// The full test run; null: the profile names no result that could be read.
    pub full_discover: Option<DeclaredTests>,
}

/// The result of a test run, as a file states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeclaredTests {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// The file, as the profile names it.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Age of the file when it was read, in seconds.
    pub age_seconds: u64,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportFile {
    /// File name.
    pub name: String,
    /// SHA-256 of the file; null: the run is not sealed.
    pub sha256: Option<Digest>,
}

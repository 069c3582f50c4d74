//! Document of `runs`. Directories that are no readable run are listed too, with the reason (`OtherRow`).

use serde::Serialize;

use super::SchemaVersion;
use crate::run::{
    ApprovalGate, CarriedOut, ChangeFile, JournalHead, ListedCommand, RunResult, State, StopCode,
};
use crate::survey::{Digest, UtcTime};

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunsDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The names among the runs, in the order that was asked for.
    pub runs: Vec<RunsEntry>,
}

/// One name among the runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum RunsEntry {
    /// A run that reads.
    Run(Box<RunsRow>),
    /// A sealed run that was removed.
    Removed(Box<RemovedRow>),
    /// Anything else.
    Other(OtherRow),
}

/// What is no run that reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OtherRow {
    /// Name of the directory: a run id, or what somebody put there.
    pub run_id: String,
    /// What it is: `damaged`, `newer format`, `foreign`, `unreadable`.
    pub standing: &'static str,
    /// Why it is no run that reads.
    pub error: Option<String>,
    /// Null.
    pub state: (),
    /// Null.
    pub stop_code: (),
    /// Null.
    pub waits_at: (),
    /// Null.
    pub result: (),
}

/// What a journal says of its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "members of a document, each with its own meaning"
)]
pub struct RunsRow {
    /// The run: the name of its directory.
    pub run_id: String,
    /// `run`, or `removed`.
    pub standing: &'static str,
    /// Null.
    pub error: (),
    /// State.
    pub state: State,
    /// The stop that it stands at.
    pub stop_code: Option<StopCode>,
    /// The approval gate that waits.
    pub waits_at: Option<ApprovalGate>,
    /// Since when it waits.
    pub waiting_since: Option<UtcTime>,
    /// How long it waits, in seconds.
    pub waiting_s: Option<i64>,
    /// Digest of the evidence that waits.
    pub evidence: Option<Digest>,
    /// Until when an approval of it is good.
    pub expires_at: Option<UtcTime>,
    /// Result with the prefix of the profile; null: not sealed.
    pub result: Option<String>,
    /// The result without that prefix.
    pub outcome: Option<RunResult>,
    /// A run of `drygate demo`, which cannot be resumed once its server is gone.
    pub demo: bool,
    /// Facts differed from what was approved or pinned, now or at any time.
    pub drifted: bool,
    /// It ended with a failure.
    pub failed: bool,
    /// Rows that were copied for a rehearsal are on the disk of its machine: it runs, or its process was killed and none was started
    /// there since.
    pub copies_on_disk: bool,
    /// When it was started.
    pub started_at: UtcTime,
    /// When its last record was written.
    pub last_at: UtcTime,
    /// From its start to its last record, in seconds.
    pub duration_s: i64,
    /// Records of its journal.
    pub records: u64,
    /// The last line of its journal, for `verify --head`.
    pub head: Option<JournalHead>,
    /// Name of the profile.
    pub profile: String,
    /// Label of the target.
    pub target_label: String,
    /// `user@host/database`, with the port where it is not 5432.
    pub target: String,
    /// The account that started it.
    pub started_by: String,
    /// Its uid.
    pub started_by_uid: u32,
    /// The uid that had logged in, where the kernel said.
    pub started_by_login_uid: Option<u32>,
    /// The host that it was started on.
    pub host: String,
    /// Who approved what; approvals that are void or withdrawn are left out.
    pub approvals: Vec<RunApproval>,
    /// Who rejected it.
    pub rejected_by: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// The files of the change, as they were read last; empty: it has none.
    pub change: Vec<ChangeFile>,
    /// The program that carries the change out; null: psql does, or there is no change.
    pub change_command: Option<ListedCommand>,
    /// What came of the real change, as `recheck --after` found it last; null: nobody looked.
    pub carried_out: Option<CarriedOut>,
}

/// An approval of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunApproval {
    /// Gate.
    pub gate: ApprovalGate,
    /// The account.
    pub by: String,
    /// Its uid.
    pub uid: u32,
    /// The uid that had logged in, where the kernel said.
    pub login_uid: Option<u32>,
    /// The host that it was given on.
    pub host: String,
    /// When.
    pub at: UtcTime,
}

/// A run that `runs remove` took away: what its journal said, and by what a copy of it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemovedRow {
    /// What the list said of it; `standing` is `removed`.
    #[serde(flatten)]
    pub run: RunsRow,
    /// Sequence number of its last journal line.
    pub head_seq: u64,
    /// SHA-256 of its last journal line.
    pub head_sha256: Digest,
    /// SHA-256 of its manifest.
    pub manifest_sha256: Digest,
    /// When it was removed.
    pub removed_at: UtcTime,
    /// The account that removed it.
    pub removed_by: String,
    /// Its uid.
    pub removed_by_uid: u32,
}

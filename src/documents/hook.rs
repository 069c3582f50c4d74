//! The JSON document that a hook reads on its standard input. It holds no password and no connection URL: the target is
//! `user@host/database`.

use serde::Serialize;

use super::SchemaVersion;
use crate::run::{ApprovalGate, HookPoint, JournalHead, RunId, State, StopCode};
use crate::survey::{Digest, UtcTime};

/// The stop, or the end, that a hook is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// When it is run.
    pub hook: HookPoint,
    /// The run.
    pub run_id: Option<RunId>,
    /// State at the stop.
    pub state: State,
    /// The stop; null: the run ended without one.
    pub stop_code: Option<StopCode>,
    /// The gate of the stop.
    pub gate: Option<ApprovalGate>,
    /// Its label: `allow CUT`.
    pub gate_label: Option<String>,
    /// Digest of the evidence of the stop.
    pub evidence: Option<Digest>,
    /// Until when an approval of it is good.
    pub evidence_expires_at: Option<UtcTime>,
    /// Keys of the facts that differ, where a drift stands.
    pub drift: Option<Vec<String>>,
    /// Result with the prefix of the profile; null: not sealed.
    pub result: Option<String>,
    /// Exit code of the run; null: not sealed.
    pub exit_code: Option<u8>,
    /// One sentence for people.
    pub message: String,
    /// What to do next.
    pub next: String,
    /// Name of the profile.
    pub profile: Option<String>,
    /// The target.
    pub target: Option<HookTarget>,
    /// The account that started the run.
    pub started_by: Option<String>,
    /// When it was started.
    pub started_at: Option<UtcTime>,
    /// When the stop was raised, or the last record was written.
    pub at: Option<UtcTime>,
    /// The host that the hook runs on.
    pub host: String,
    /// The last line of the journal: what a later copy of it is held against.
    pub head: Option<JournalHead>,
}

/// A target, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookTarget {
    /// Label of the profile: `PRODUCTION`.
    pub label: String,
    /// `user@host/database`, with the port where it is not 5432.
    pub address: String,
}

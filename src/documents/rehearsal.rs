//! Document of `rehearse`: what the change did on the shadow.

use serde::Serialize;

use super::SchemaVersion;
use crate::run::{ChangeFile, RehearsalCheck, RehearsalOutcome, Verdict};
use crate::survey::{ServerIdentity, TransactionProof};

/// `rehearse`: a change that was carried out on a throwaway copy of the database. Every number of it is REHEARSED.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsalDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// Verdict over the checks.
    pub verdict: Verdict,
    /// The checks, in order.
    pub checks: Vec<RehearsalCheck>,
    /// The files of the change, in the order in which they ran.
    pub files: Vec<ChangeFile>,
    /// The role that the change ran as.
    pub role: String,
    /// Production, which was read.
    pub production: Option<ServerIdentity>,
    /// What was measured of the one transaction on production.
    pub proof: Option<TransactionProof>,
    /// Every statement that production was sent, once each.
    pub statements: Vec<String>,
    /// What happened on the shadow; null: nothing of the change ran.
    pub rehearsed: Option<RehearsalOutcome>,
}

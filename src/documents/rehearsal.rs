//! Document of `rehearse`: what the change did on the shadow.

use serde::Serialize;

use super::SchemaVersion;
use crate::run::{ChangeCommand, ChangeFile, RehearsalCheck, RehearsalOutcome, Verdict};
use crate::survey::{FactChange, ServerIdentity, TransactionProof};

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
    /// The files of the change, in the order in which they ran; all files of its directory where a program carried it out.
    pub files: Vec<ChangeFile>,
    /// The program that carried it out; null: psql.
    pub command: Option<ChangeCommand>,
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
    /// An earlier rehearsal that it was compared with; null: not asked for.
    pub against: Option<RehearsalAgainst>,
}

/// An earlier rehearsal, and in what this one differs: effect by table, schema, commands, locks, how the script ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsalAgainst {
    /// The run, or the file with the document of an earlier `rehearse --json`.
    pub name: String,
    /// Whether both carried out the same files, byte by byte.
    pub same_files: bool,
    /// What is another one: `approved` there, `found` here.
    pub differences: Vec<FactChange>,
}

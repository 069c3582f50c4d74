//! Document of `rehearse`: what the change did on the shadow.

use serde::{Deserialize, Serialize};

use super::{DoctorLine, SchemaVersion};
use crate::run::Verdict;
use crate::survey::{Digest, ServerIdentity, TransactionProof};

/// `rehearse`: a change that was carried out on a throwaway copy of the database. Every number of it is REHEARSED.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsalDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// Verdict over the checks.
    pub verdict: Verdict,
    /// The checks, in order.
    pub checks: Vec<DoctorLine>,
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
    pub rehearsed: Option<Rehearsed>,
}

/// A file of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeFile {
    /// Its path, as it was named.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// What happened on the shadow. All of it was measured there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rehearsed {
    /// Version of the shadow's server.
    pub version: String,
    /// How often the change was tried until it asked for no further table.
    pub passes: u32,
    /// The tables whose rows were copied.
    pub seeded: Vec<SeededTable>,
    /// How the change ended.
    pub script: ScriptEnd,
    /// What it did to each table; tables that it did not touch are left out.
    pub effect: Vec<RehearsedTable>,
    /// SHA-256 over the effect without its volatile columns.
    pub effect_sha256: Option<Digest>,
    /// The sequences that it moved.
    pub sequences: Vec<SequenceMove>,
    /// How the schema differs afterwards: lines of `pg_dump --schema-only`, each with `-` or `+` in front.
    pub schema_changes: Vec<String>,
    /// Why a second run on the same rows had another effect; empty: it had the same.
    pub not_reproducible: Vec<String>,
    /// Whether a row that was written after the change was found by the same reading that found its effect.
    pub sentinel_found: bool,
    /// What this rehearsal cannot say, each with its reason.
    pub not_checked: Vec<String>,
    /// In what the shadow differs from production without a known effect on the result.
    pub differences: Vec<String>,
}

/// A table whose rows were copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SeededTable {
    /// Schema and name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// How a script ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScriptEnd {
    /// Whether it ran to its end.
    pub succeeded: bool,
    /// The first error, with file and line; null: none. Its detail, which can hold values of rows, is left out.
    pub error: Option<String>,
    /// The statement that failed.
    pub statement: Option<String>,
    /// How long it took, in milliseconds, on this machine.
    pub took_ms: u64,
}

/// What the change did to one table, with its partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsedTable {
    /// Schema and name.
    pub table: String,
    /// The columns that identify a row; empty: there is no key, and an update is a deletion and an insertion.
    pub key: Vec<String>,
    /// Rows inserted.
    pub inserted: u64,
    /// Rows updated.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
    /// Rows written again with the values that they had; not counted where the whole table was written anew.
    pub touched: u64,
    /// The columns that the updates changed.
    pub columns: Vec<String>,
    /// The columns whose values differ from one run to the next.
    pub volatile: Vec<String>,
    /// Whether the definition or the file of the table is another one than before.
    pub redefined: bool,
    /// The rows, at most 10,000.
    pub rows: Vec<RehearsedRow>,
    /// How many more rows there are.
    pub rows_left_out: u64,
}

/// What the change did to one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsedRow {
    /// SHA-256 of its key with a salt of this rehearsal, in hex.
    pub key: String,
    /// What was done.
    pub operation: RowOperation,
    /// The columns that an update changed.
    pub columns: Vec<String>,
}

/// What was done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RowOperation {
    /// It is new.
    Insert,
    /// Values of it changed.
    Update,
    /// It is gone.
    Delete,
    /// It was written again with the values that it had.
    Touch,
}

/// A sequence that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SequenceMove {
    /// Schema and name.
    pub sequence: String,
    /// Its last value before; null: none was handed out, or it did not exist.
    pub before: Option<i64>,
    /// Its last value afterwards; null: none was handed out, or it is gone.
    pub after: Option<i64>,
}

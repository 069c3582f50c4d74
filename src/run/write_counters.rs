//! What the counters of the server say that a rehearsed change wrote, and how its tables were defined before.
//! They count operations on rows, as the same counters do in production: a row that is updated twice counts twice.

use serde::{Deserialize, Serialize};

use crate::survey::{Digest, Rehearsed};

/// Rows that the phases of a change wrote, by the server's own counters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WriteCounters {
    /// By phase, in order; a change without phases is one. Tables without a count are left out.
    pub phases: Vec<Vec<TableCounters>>,
    /// What the counters cannot see of it, each with its reason; empty: nothing is known of that kind.
    pub blind: Vec<String>,
}

/// Rows that one phase wrote in a table, with its partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableCounters {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// Rows inserted.
    pub inserted: Rehearsed<u64>,
    /// Rows updated.
    pub updated: Rehearsed<u64>,
    /// Rows deleted.
    pub deleted: Rehearsed<u64>,
}

/// How a table of production is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableDefinition {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// SHA-256 of its columns, constraints, indexes, triggers with their code, and rules.
    pub sha256: Digest,
}

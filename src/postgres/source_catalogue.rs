//! What a rehearsal reads of production's catalogue. Invariant: what this role may not read is told as such, and never as empty.

use std::collections::BTreeMap;

use crate::survey::TableDefinition;

/// A table, view or the like of production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRelation {
    pub(super) oid: String,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `relkind`: r table, p partitioned table, v view, m materialized view, f foreign table.
    pub kind: String,
    /// Why its rows cannot be read whole; `None`: they can.
    pub unreadable: Option<String>,
    /// Its columns that are not generated, quoted, separated by commas.
    pub columns: String,
    /// About how many rows it has, by the catalogue; `None`: nobody counted yet.
    pub rows: Option<u64>,
    /// About how many bytes its rows take, by the catalogue.
    pub bytes: u64,
}

/// Where a sequence of production stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSequence {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Schema, table and column that it belongs to.
    pub owner: Option<[String; 3]>,
    /// Its last value, and whether it was handed out; `None`: this role may not read it.
    pub last: Option<(i64, bool)>,
}

/// What is read of production's catalogue before anything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceCatalogue {
    /// SQL that makes its roles.
    pub roles: Vec<String>,
    /// Names of its roles, and whether they may log in.
    pub logins: BTreeMap<String, bool>,
    /// SQL that gives the database its owner, its privileges and the settings of roles in it.
    pub database: Vec<String>,
    /// Encoding, collation and character type of the database.
    pub environment: [String; 3],
    /// Name and version of each extension.
    pub extensions: Vec<(String, String)>,
    /// Its tables, views and the like, without those of the system.
    pub relations: Vec<SourceRelation>,
    /// Its sequences.
    pub sequences: Vec<SourceSequence>,
    /// How each of its tables is defined.
    pub definitions: Vec<TableDefinition>,
}

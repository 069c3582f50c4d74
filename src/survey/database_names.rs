//! What there is by name in a database: to propose a profile, and to find the names of a profile that are not there.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The names of a database, without those of PostgreSQL itself but for its functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseNames {
    /// Schemas.
    pub schemas: BTreeSet<String>,
    /// Tables, views and foreign tables, by schema and name.
    pub relations: Vec<NamedRelation>,
    /// Functions and procedures: schema and name.
    pub functions: BTreeSet<(String, String)>,
    /// Roles of the server, and whether they may log in.
    pub roles: BTreeMap<String, bool>,
}

/// A table, view or foreign table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRelation {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// The rest.
    pub details: RelationDetails,
}

/// What is known of a relation beyond its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RelationDetails {
    /// A table that is no partition of another.
    pub is_table: bool,
    /// Its name as the server writes it in SQL.
    pub written: String,
    /// The partitioned table that it is a part of, written in the same way.
    pub partition_of: Option<String>,
    /// Rows, by the estimate of the server; less than 0: it has none.
    pub rows: i64,
    /// Whether its rows are filtered by policies.
    pub row_security: bool,
    /// Whether the session's role may read it.
    pub may_be_read: bool,
    /// Columns, in their order; none: it has no column.
    pub columns: Option<Vec<String>>,
    /// Columns of each unique index that covers every row and takes no NULL, that of the primary key first.
    /// `None`: it is no table.
    pub unique_keys: Option<Vec<Vec<String>>>,
}

impl DatabaseNames {
    /// The relation of that schema and name.
    pub fn relation(&self, schema: &str, name: &str) -> Option<&NamedRelation> {
        let mut relations = self.relations.iter();
        relations.find(|relation| relation.schema == schema && relation.name == name)
    }
}

//! The rows of the tables that a change writes, as they were to be afterwards by its rehearsal: one JSON document a line, in the
//! order of the keys, a blob of the run. `recheck --after` reads it again beside production.
//! Invariant: no value of a row is in it but those of the columns in `rehearsal.show` (`value_mark`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RowOperation;
use crate::survey::{Digest, Hasher};

/// Hex digits of a key and of a value that are kept: enough to tell rows and values apart, and short where there are many.
const KEY_DIGITS: usize = 32;
const MARK_DIGITS: usize = 16;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowLedgerLine {
    /// The first line.
    Head(RowLedgerHead),
    /// A table; its rows follow.
    Table(RowLedgerTable),
    /// A row.
    Row(RowLedgerRow),
}

/// What the whole ledger is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLedgerHead {
    /// Version of the shadow's server: another one may write values otherwise.
    pub version: String,
    /// How many transactions the change has by itself: one for each phase.
    pub phases: usize,
    /// A mark of each line of the schema before.
    pub schema_before: Vec<String>,
    /// The same afterwards; left out where the change does not alter it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_after: Option<Vec<String>>,
    /// The lines that are other ones afterwards, with their marks; the text of no other line is kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub schema_lines: BTreeMap<String, String>,
}

/// A table that the change writes or defines anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLedgerTable {
    /// Schema.
    pub schema: String,
    /// Name.
    pub table: String,
    /// Schema and name of the tables that hold its rows and were copied, or that the change made: itself, or partitions.
    pub holding: Vec<(String, String)>,
    /// Its columns, of before and afterwards.
    pub columns: Vec<String>,
    /// The columns that identify a row; empty: all of them together.
    pub key: Vec<String>,
    /// The columns whose values differ from one run to the next, by their place.
    pub volatile: Vec<usize>,
    /// Whether the rows that it changes are listed; there can be too many.
    pub changes_listed: bool,
    /// Whether all its other rows are listed as well.
    pub others_listed: bool,
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLedgerRow {
    /// The first digits of the hash of its key; empty where another run gives it another key.
    pub key: String,
    /// What the change does to it; left out where it does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<RowOperation>,
    /// The transaction of the rehearsal that wrote it: rows with the same one were written together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<u32>,
    /// The columns that it changes, by their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<usize>,
    /// A mark of the value that each of these has before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// A mark of each value afterwards; of a row whose key another run gives otherwise one of all that is stable, of a row that is not
    /// changed one of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Its key in clear, where every column of it may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The values that may be shown: the place of the column, before and afterwards; of a row that is not changed only afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<(usize, Option<String>, Option<String>)>,
}

impl RowLedgerTable {
    /// Schema and name, for people.
    pub fn shown(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    /// Whether another run gives the rows that it inserts other keys.
    pub fn has_volatile_key(&self) -> bool {
        let is_volatile = |column: &String| {
            let mut volatile = self.volatile.iter();
            volatile.any(|at| self.columns.get(*at) == Some(column))
        };
        let whole_row = self.key.is_empty() && !self.volatile.is_empty();
        whole_row || self.key.iter().any(is_volatile)
    }

    /// Whether a column has the same value in each run.
    pub fn is_stable(&self, column: usize) -> bool {
        !self.volatile.contains(&column)
    }
}

/// What is kept of the hash of a key.
pub fn short_key(key: &str) -> &str {
    key.get(..KEY_DIGITS).unwrap_or(key)
}

/// What is kept of a value instead of it: salted, and with its row and column, so that equal values are not seen to be equal.
pub fn value_mark(salt: &str, key: &str, column: &str, value: &Digest) -> String {
    mark([salt, short_key(key), column, value.as_str()].into_iter())
}

/// What is kept of a line of the schema.
pub fn line_mark(salt: &str, line: &str) -> String {
    mark([salt, line].into_iter())
}

/// One mark of a whole row.
pub fn row_mark<'a>(
    salt: &str,
    key: &str,
    values: impl Iterator<Item = (&'a String, &'a Digest)>,
) -> String {
    let values: Vec<_> = values.collect();
    let values = values
        .iter()
        .flat_map(|(column, value)| [column.as_str(), value.as_str()]);
    mark([salt, short_key(key)].into_iter().chain(values))
}

fn mark<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Hasher::new();
    for part in parts {
        // With its length in front no two lists of parts are the same bytes.
        hasher.update(format!("{} {part}", part.len()).as_bytes());
    }
    let digest = hasher.finish();
    digest.as_str()[..MARK_DIGITS].to_owned()
}

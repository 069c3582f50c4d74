//! The rows that one rehearsal of a run changed and another one did not. Invariant: rows are compared only where both have all of
//! them and the same salt, so that nothing is listed that did not move (`MovedRows::between`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{RehearsalOutcome, RehearsedTable, RowOperation};

/// How many keys are listed on each side.
const LISTED_MAX: usize = 1_000;

/// Rows of one table, and what the change does to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MovedRows {
    /// Schema and name.
    pub table: String,
    /// What is done to them.
    pub operation: RowOperation,
    /// The hashes of the keys of rows that only the later rehearsal changed so, at most 1,000.
    pub joined: Vec<String>,
    /// The same of rows that only the earlier one changed so, at most 1,000.
    pub left: Vec<String>,
    /// How many more there are of both.
    pub left_out: u64,
}

impl MovedRows {
    /// The rows in which two rehearsals differ, by table and operation.
    pub fn between(was: &RehearsalOutcome, is: &RehearsalOutcome) -> Vec<Self> {
        if was.key_salt_sha256.is_none() || was.key_salt_sha256 != is.key_salt_sha256 {
            return Vec::new();
        }
        let none = RehearsedTable::default();
        let tables = was.effect.iter().chain(&is.effect);
        let names: BTreeSet<&str> = tables.map(|table| table.table.as_str()).collect();
        let mut moved = Vec::new();
        for name in names {
            let (one, two) = (
                was.table(name).unwrap_or(&none),
                is.table(name).unwrap_or(&none),
            );
            if one.rows_left_out + two.rows_left_out > 0 {
                continue;
            }
            for operation in [
                RowOperation::Insert,
                RowOperation::Update,
                RowOperation::Delete,
            ] {
                if operation == RowOperation::Insert
                    && (has_volatile_key(one) || has_volatile_key(two))
                {
                    continue;
                }
                moved.extend(Self::of(name, operation, one, two));
            }
        }
        moved
    }

    fn of(
        name: &str,
        operation: RowOperation,
        was: &RehearsedTable,
        is: &RehearsedTable,
    ) -> Option<Self> {
        let keys = |table: &RehearsedTable| -> BTreeSet<String> {
            let rows = table.rows.iter().filter(|row| row.operation == operation);
            rows.map(|row| row.key.clone()).collect()
        };
        let (was, is) = (keys(was), keys(is));
        let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
            one.difference(other).take(LISTED_MAX).cloned().collect()
        };
        let all = was.symmetric_difference(&is).count();
        let (joined, left) = (only(&is, &was), only(&was, &is));
        (all > 0).then(|| Self {
            table: name.to_owned(),
            operation,
            left_out: (all - joined.len() - left.len()) as u64,
            joined,
            left,
        })
    }

    /// A line for each row.
    pub fn lines(&self) -> Vec<String> {
        let line = |word: &str, key: &String| {
            format!("{} {} {word}: key {key}", self.table, self.operation.name())
        };
        let joined = self.joined.iter().map(|key| line("joined", key));
        let mut lines: Vec<String> = joined
            .chain(self.left.iter().map(|key| line("left", key)))
            .collect();
        if self.left_out > 0 {
            lines.push(format!(
                "{} {}: {} more",
                self.table,
                self.operation.name(),
                self.left_out
            ));
        }
        lines
    }
}

/// Whether another run gives the rows that it inserts other keys.
fn has_volatile_key(table: &RehearsedTable) -> bool {
    let whole_row = table.key.is_empty() && !table.volatile.is_empty();
    whole_row
        || table
            .key
            .iter()
            .any(|column| table.volatile.contains(column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RehearsedRow;
    use crate::survey::Digest;

    fn outcome(keys: &[&str], salt: &str) -> RehearsalOutcome {
        let row = |key: &&str| RehearsedRow {
            key: (*key).to_owned(),
            operation: RowOperation::Update,
            columns: Vec::new(),
            values: Vec::new(),
        };
        let table = RehearsedTable {
            table: "s.t".to_owned(),
            rows: keys.iter().map(row).collect(),
            ..RehearsedTable::default()
        };
        RehearsalOutcome {
            effect: vec![table],
            key_salt_sha256: Some(Digest::of(salt)),
            ..RehearsalOutcome::default()
        }
    }

    #[test]
    fn rows_of_one_rehearsal_alone_are_named_where_the_salt_is_the_same() {
        let was = outcome(&["a", "b"], "salt");
        let moved = MovedRows::between(&was, &outcome(&["b", "c"], "salt"));
        assert_eq!(moved.len(), 1);
        assert_eq!(
            (&moved[0].joined[..], &moved[0].left[..]),
            (&["c".to_owned()][..], &["a".to_owned()][..])
        );
        assert_eq!(moved[0].lines()[0], "s.t update joined: key c");
        assert_eq!(MovedRows::between(&was, &outcome(&["b", "c"], "other")), []);
        let mut partly = outcome(&["b", "c"], "salt");
        partly.effect[0].rows_left_out = 1;
        assert_eq!(MovedRows::between(&was, &partly), []);
    }
}

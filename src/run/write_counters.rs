//! What the counters of the server say that a rehearsed change wrote.
//! They count operations on rows, as the same counters do in production: a row that is updated twice counts twice.

use serde::{Deserialize, Serialize};

use super::{RehearsalOutcome, RehearsedTable, RunChange};
use crate::simulate::{ExpectedRows, RowRange};
use crate::survey::Rehearsed;

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

/// Rows that may be written in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedRows {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// Rows inserted, updated and deleted, as the server counts them.
    pub rows: [RowRange; 3],
}

impl RunChange {
    /// The rows that one phase may write: as many as when it was rehearsed, or within the range of `expect`. The error says why the
    /// server's counters cannot tell.
    pub fn approved_rows(
        &self,
        outcome: &RehearsalOutcome,
        phase: usize,
    ) -> Result<Vec<ApprovedRows>, String> {
        let counters = outcome.counters.as_ref();
        let counters = counters.ok_or("the rehearsal of this run recorded no counters")?;
        if !counters.blind.is_empty() {
            return Err(format!(
                "the server's counters do not see all of it: {}",
                counters.blind.join("; ")
            ));
        }
        let counted = counters.phases.get(phase);
        let counted = counted.ok_or("the rehearsal of this run did not count this phase")?;
        let none = RehearsedTable::default();
        let mut approved: Vec<ApprovedRows> = Vec::new();
        for one in counted {
            let name = format!("{}.{}", one.schema, one.table);
            let found = outcome.table(&name).unwrap_or(&none).rows_changed();
            let ranges = self.range_of(&name);
            let counts = [one.inserted, one.updated, one.deleted].map(|rows| *rows.get());
            let range = |at: usize| match ranges {
                // A range is one of rows in the end: it says something of the counter where both are the same.
                Some(ranges) if *found[at].1.get() == counts[at] => ranges[at],
                _ => RowRange {
                    least: counts[at],
                    most: counts[at],
                },
            };
            approved.push(ApprovedRows {
                schema: one.schema.clone(),
                table: one.table.clone(),
                rows: [0, 1, 2].map(range),
            });
        }
        // No row of it was written, and the range has none as well as some.
        let counted_at_all = |rows: &&ExpectedRows| {
            let mut all = counters.phases.iter().flatten();
            !all.any(|one| format!("{}.{}", one.schema, one.table) == rows.table)
        };
        for rows in self.expect.iter().flatten().filter(counted_at_all) {
            if let Some((schema, table)) = rows.table.split_once('.') {
                approved.push(ApprovedRows {
                    schema: schema.to_owned(),
                    table: table.to_owned(),
                    rows: [rows.insert, rows.update, rows.delete],
                });
            }
        }
        Ok(approved)
    }

    fn range_of(&self, table: &str) -> Option<[RowRange; 3]> {
        let mut expected = self.expect.iter().flatten();
        let rows = expected.find(|rows| rows.table == table)?;
        Some([rows.insert, rows.update, rows.delete])
    }
}

//! The effects of two runs on the same rows: which columns differ from run to run, and whether anything else does.
//! Invariant: an effect is called reproducible only where both runs changed the same rows, apart from the values of columns that
//! are named as volatile (`RepeatedRun::of`).

use std::collections::{BTreeMap, BTreeSet};

use super::effect::{ChangedTable, RunEffect};
use super::message::QualifiedName;
use super::rows::ChangedRow;
use super::shadow_database::shown;
use crate::run::{RehearsedRow, RehearsedTable, RowOperation, ShownValue};
use crate::survey::{Digest, Hasher, Rehearsed};

/// Rows of a table that are listed.
const LISTED_MAX: usize = 10_000;

/// What two runs have in common.
#[derive(Debug, Default)]
pub(super) struct RepeatedRun {
    /// By table, the columns that are volatile.
    pub(super) volatile: BTreeMap<QualifiedName, BTreeSet<usize>>,
    /// What else differs.
    pub(super) differs: Vec<String>,
}

impl RepeatedRun {
    /// Compares two runs.
    pub(super) fn of(first: &RunEffect, second: &RunEffect) -> Self {
        let mut found = Self::default();
        let names: BTreeSet<&QualifiedName> =
            first.tables.keys().chain(second.tables.keys()).collect();
        for name in names {
            let (Some(one), Some(two)) = (first.tables.get(name), second.tables.get(name)) else {
                let in_which = if first.tables.contains_key(name) {
                    "first"
                } else {
                    "second"
                };
                found.differs.push(format!(
                    "{}: touched by the {in_which} run only",
                    shown(name)
                ));
                continue;
            };
            match volatile(one, two) {
                Ok(columns) => {
                    found.volatile.insert(name.clone(), columns);
                }
                Err(why) => found.differs.push(format!("{}: {why}", shown(name))),
            }
        }
        found
    }
}

fn volatile(one: &ChangedTable, two: &ChangedTable) -> Result<BTreeSet<usize>, String> {
    if one.columns != two.columns {
        return Err("its columns are other ones in a second run".to_owned());
    }
    let mut columns = BTreeSet::new();
    for (operation, word) in [
        (RowOperation::Update, "updated"),
        (RowOperation::Delete, "deleted"),
        (RowOperation::Touch, "touched"),
        (RowOperation::Insert, "inserted"),
    ] {
        let of = |touched: &ChangedTable| -> Vec<ChangedRow> {
            let rows = touched.rows.iter();
            rows.filter(|row| row.operation == operation)
                .cloned()
                .collect()
        };
        let (a, b) = (of(one), of(two));
        if a.len() != b.len() {
            return Err(format!(
                "{} rows {word}, {} in a second run",
                a.len(),
                b.len()
            ));
        }
        let same_keys = a.iter().zip(&b).all(|(a, b)| a.key == b.key);
        if same_keys {
            for (a, b) in a.iter().zip(&b) {
                let values = a.after.iter().zip(&b.after).enumerate();
                columns.extend(values.filter_map(|(at, (a, b))| (a != b).then_some(at)));
                let in_one = |at: &usize| a.changed.contains(at) != b.changed.contains(at);
                columns.extend((0..one.columns.len()).filter(in_one));
            }
        } else if operation == RowOperation::Insert {
            columns.extend(of_inserts(&a, &b, one.columns.len())?);
        } else {
            return Err(format!("other rows are {word} in a second run"));
        }
    }
    Ok(columns)
}

/// The volatile columns of rows whose keys are volatile themselves: without them both runs inserted the same rows.
fn of_inserts(
    a: &[ChangedRow],
    b: &[ChangedRow],
    columns: usize,
) -> Result<BTreeSet<usize>, String> {
    let column = |rows: &[ChangedRow], at: usize| {
        let mut values: Vec<Digest> = rows
            .iter()
            .filter_map(|row| row.after.get(at).cloned())
            .collect();
        values.sort();
        values
    };
    let volatile: BTreeSet<usize> = (0..columns)
        .filter(|at| column(a, *at) != column(b, *at))
        .collect();
    let stable = |rows: &[ChangedRow]| {
        let mut left: Vec<Vec<Digest>> = rows.iter().map(|row| without(row, &volatile)).collect();
        left.sort();
        left
    };
    if volatile.is_empty() || stable(a) != stable(b) {
        return Err("other rows are inserted in a second run".to_owned());
    }
    Ok(volatile)
}

fn without(row: &ChangedRow, volatile: &BTreeSet<usize>) -> Vec<Digest> {
    let values = row.after.iter().enumerate();
    let kept = values.filter(|(at, _)| !volatile.contains(at));
    kept.map(|(_, value)| value.clone()).collect()
}

/// SHA-256 over an effect without its volatile columns.
pub(super) fn digest(effect: &RunEffect, repeated: &RepeatedRun) -> Digest {
    let mut hasher = Hasher::new();
    let none = BTreeSet::new();
    for (name, touched) in &effect.tables {
        let volatile = repeated.volatile.get(name).unwrap_or(&none);
        let in_key = |at: &usize| touched.key.contains(&touched.columns[*at]);
        let key_is_volatile =
            touched.key.is_empty() && !volatile.is_empty() || volatile.iter().any(in_key);
        let mut lines: Vec<String> = Vec::with_capacity(touched.rows.len());
        for row in &touched.rows {
            let inserted = row.operation == RowOperation::Insert;
            let key = if inserted && key_is_volatile {
                ""
            } else {
                row.key.as_str()
            };
            let changed: Vec<&str> = (row.changed.iter())
                .filter(|at| !volatile.contains(at))
                .map(|at| touched.columns[*at].as_str())
                .collect();
            let values: Vec<String> = without(row, volatile)
                .iter()
                .map(ToString::to_string)
                .collect();
            lines.push(format!(
                "{:?} {key} {changed:?} {values:?}\n",
                row.operation
            ));
        }
        lines.sort();
        hasher.update(format!("{name:?} {}\n", touched.redefined).as_bytes());
        for line in lines {
            hasher.update(line.as_bytes());
        }
    }
    hasher.finish()
}

/// The effect on each table, as it is shown.
pub(super) fn table_effects(effect: &RunEffect, repeated: &RepeatedRun) -> Vec<RehearsedTable> {
    let tables = effect.tables.iter();
    tables
        .map(|(name, touched)| {
            let count = |operation: RowOperation| {
                let rows = touched.rows.iter().filter(|row| row.operation == operation);
                Rehearsed::new(rows.count() as u64)
            };
            let named = |columns: &BTreeSet<usize>| -> Vec<String> {
                let names = columns
                    .iter()
                    .filter_map(|at| touched.columns.get(*at).cloned());
                names.collect()
            };
            let changed: BTreeSet<usize> = touched
                .rows
                .iter()
                .flat_map(|row| row.changed.iter().copied())
                .collect();
            let rows: Vec<RehearsedRow> = (touched.rows.iter().take(LISTED_MAX))
                .map(|row| RehearsedRow {
                    key: row.key.clone(),
                    operation: row.operation,
                    columns: named(&row.changed.iter().copied().collect()),
                    values: (row.shown.iter())
                        .map(|(at, before, after)| ShownValue {
                            column: touched.columns[*at].clone(),
                            before: before.clone(),
                            after: after.clone(),
                        })
                        .collect(),
                })
                .collect();
            RehearsedTable {
                table: shown(name),
                key: touched.key.clone(),
                inserted: count(RowOperation::Insert),
                updated: count(RowOperation::Update),
                deleted: count(RowOperation::Delete),
                touched: count(RowOperation::Touch),
                columns: named(&changed),
                volatile: repeated.volatile.get(name).map(named).unwrap_or_default(),
                redefined: touched.redefined,
                rows_left_out: (touched.rows.len() - rows.len()) as u64,
                rows,
            }
        })
        .collect()
}

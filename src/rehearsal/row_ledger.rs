//! Writes what the rows of the written tables were to be afterwards: the ledger that `recheck --after` reads beside production.
//! Invariant: a row is in it once, and a table of which the change writes too many rows is said to be left out (`RowLedgerTable`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::catalogue::TableShape;
use super::effect::{ChangedTable, RunEffect};
use super::message::QualifiedName;
use super::repeated::RepeatedRun;
use super::rows::{ChangedRow, Row, RowComparison, ShownCell, Which, digests};
use super::rows_after::holding_rows;
use super::shadow_database::{BASE, ShadowDatabase, shown};
use crate::run::{
    RehearsalOutcome, RowLedgerHead, RowLedgerLine, RowLedgerRow, RowLedgerTable, RowOperation,
    SeededTable, line_mark, row_mark, short_key, value_mark,
};
use crate::survey::Digest;

/// Rows of all tables that the change writes: they lie in memory. Those that it leaves alone are passed from the one side to the other.
const CHANGES_MAX: usize = 100_000;

/// What a ledger is written from: a run, and the second one that tells which columns are volatile.
pub(super) struct LedgerSource<'a> {
    /// The shadow.
    pub(super) shadow: &'a ShadowDatabase,
    /// The database of the run.
    pub(super) run: &'a str,
    /// Its tables.
    pub(super) tables: &'a BTreeMap<QualifiedName, TableShape>,
    /// What it did.
    pub(super) effect: &'a RunEffect,
    /// What a second run has in common with it.
    pub(super) repeated: &'a RepeatedRun,
}

impl LedgerSource<'_> {
    /// Writes the ledger; `before` is the schema before.
    pub(super) fn write(
        &self,
        found: &RehearsalOutcome,
        before: &[String],
        file: &Path,
    ) -> Result<(), String> {
        let file = File::options().write(true).open(file);
        let file =
            file.map_err(|error| format!("the ledger of rows cannot be written: {error}"))?;
        let mut to = LedgerWriter(BufWriter::with_capacity(1 << 16, file));
        to.put(&RowLedgerLine::Head(self.head(found, before)?))?;
        let mut room = CHANGES_MAX;
        for (name, changed) in &self.effect.tables {
            let listed = changed.rows.len() <= room;
            let volatile = self.repeated.volatile.get(name).into_iter();
            let table = RowLedgerTable {
                schema: name.0.clone(),
                table: name.1.clone(),
                holding: self.holding(&found.seeded, name)?,
                columns: changed.columns.clone(),
                key: changed.key.clone(),
                volatile: volatile.flatten().copied().collect(),
                changes_listed: listed,
                others_listed: listed,
            };
            to.put(&RowLedgerLine::Table(table.clone()))?;
            if listed {
                room -= changed.rows.len();
                self.rows(&table, name, changed, &mut to)?;
            }
        }
        let end = to.0.flush();
        end.map_err(|error| format!("the ledger of rows cannot be written: {error}"))
    }

    fn head(&self, found: &RehearsalOutcome, before: &[String]) -> Result<RowLedgerHead, String> {
        let salt = &self.shadow.plan().key_salt;
        let marks = |lines: &[String]| lines.iter().map(|line| line_mark(salt, line)).collect();
        let mut head = RowLedgerHead {
            version: found.version.clone(),
            phases: self.shadow.plan().phases.len(),
            schema_before: marks(before),
            schema_after: None,
            schema_lines: BTreeMap::new(),
        };
        if found.schema_changes.is_empty() {
            return Ok(head);
        }
        let after = self.shadow.schema_text_loaded_again(self.run)?;
        head.schema_after = Some(marks(&after));
        let before: BTreeSet<&String> = before.iter().collect();
        let new = after.iter().filter(|line| !before.contains(line));
        head.schema_lines = new
            .map(|line| (line_mark(salt, line), line.clone()))
            .collect();
        Ok(head)
    }

    /// A partition that was there, and whose rows were not copied, is read by nothing of the change.
    fn holding(
        &self,
        seeded: &[SeededTable],
        name: &QualifiedName,
    ) -> Result<Vec<QualifiedName>, String> {
        let before = holding_rows(self.shadow, BASE, std::slice::from_ref(name))?;
        let mut after = holding_rows(self.shadow, self.run, std::slice::from_ref(name))?;
        let is_copied = |one: &QualifiedName| {
            let name = shown(one);
            seeded.iter().any(|seeded| seeded.table == name)
        };
        after.retain(|one| !before.contains(one) || is_copied(one));
        Ok(after)
    }

    /// The rows that it changes and all others, merged by key.
    fn rows(
        &self,
        table: &RowLedgerTable,
        name: &QualifiedName,
        changed: &ChangedTable,
        to: &mut LedgerWriter,
    ) -> Result<(), String> {
        let salt = &self.shadow.plan().key_salt;
        let is_free =
            |row: &ChangedRow| row.operation == RowOperation::Insert && table.has_volatile_key();
        // First those that are not found by their key.
        for row in changed.rows.iter().filter(|row| is_free(row)) {
            to.put(&line(table, salt, row))?;
        }
        let show = self.shadow.plan().shown_columns(name, &table.columns);
        let reading = RowComparison {
            shadow: self.shadow,
            name,
            columns: &table.columns,
            key: &table.key,
            show: &show,
            boundary: 0,
        };
        let shape = self.tables.get(name).map(|shape| (self.run, shape));
        let mut there = reading.open(shape, Which::All)?;
        let mut listed = changed.rows.iter().peekable();
        while let Some(row) = there.next()? {
            while let Some(gone) = listed.next_if(|change| change.key < row.key) {
                to.put(&line(table, salt, gone))?;
            }
            // Of a table without a key the same row can be there once more and be deleted once.
            let same = |change: &&ChangedRow| {
                change.key == row.key && change.operation != RowOperation::Delete
            };
            match listed.next_if(same) {
                Some(change) if is_free(change) => {}
                Some(change) if change.operation != RowOperation::Touch => {
                    to.put(&line(table, salt, change))?;
                }
                _ => to.put(&kept(
                    table,
                    salt,
                    &row,
                    &reading.shown(Some(&row), Some(&row)),
                ))?,
            }
        }
        for gone in listed.filter(|row| !is_free(row)) {
            to.put(&line(table, salt, gone))?;
        }
        Ok(())
    }
}

struct LedgerWriter(BufWriter<File>);

impl LedgerWriter {
    fn put(&mut self, line: &RowLedgerLine) -> Result<(), String> {
        let mut text = serde_json::to_vec(line).map_err(|error| error.to_string())?;
        text.push(b'\n');
        let written = self.0.write_all(&text);
        written.map_err(|error| format!("the ledger of rows cannot be written: {error}"))
    }
}

/// The key in clear, where each of its columns may be shown.
pub(super) fn key_in_clear(table: &RowLedgerTable, shown: &[ShownCell]) -> Option<String> {
    let part = |column: &String| {
        let mut shown = shown.iter();
        let (_, before, after) = shown.find(|(at, ..)| table.columns.get(*at) == Some(column))?;
        let value = after.as_ref().or(before.as_ref());
        Some(format!("{column}={}", value.map_or("NULL", String::as_str)))
    };
    let parts: Option<Vec<String>> = table.key.iter().map(part).collect();
    parts
        .filter(|parts| !parts.is_empty())
        .map(|parts| parts.join(", "))
}

/// A row that the change leaves alone.
fn kept(table: &RowLedgerTable, salt: &str, row: &Row, shown: &[ShownCell]) -> RowLedgerLine {
    let digests = digests(&row.cells);
    let name = key_in_clear(table, shown);
    // There are many such rows: a value that is the same before and afterwards is kept once, and a key that is in the name not again.
    let is_named = |at: &usize| name.is_some() && table.key.contains(&table.columns[*at]);
    let shown = shown.iter().filter(|(at, ..)| !is_named(at));
    let shown = shown.map(|(at, _, value)| (*at, None, value.clone()));
    RowLedgerLine::Row(RowLedgerRow {
        key: short_key(&row.key).to_owned(),
        after: vec![row_mark(salt, &row.key, table.columns.iter().zip(&digests))],
        shown: shown.collect(),
        name,
        ..RowLedgerRow::default()
    })
}

fn line(table: &RowLedgerTable, salt: &str, row: &ChangedRow) -> RowLedgerLine {
    let is_free = row.operation == RowOperation::Insert && table.has_volatile_key();
    let after = if is_free {
        vec![stable_mark(table, salt, &row.after)]
    } else {
        let values = table.columns.iter().zip(&row.after);
        values
            .map(|(column, value)| value_mark(salt, &row.key, column, value))
            .collect()
    };
    let before = row.changed.iter().zip(&row.before);
    let before = before.map(|(at, value)| value_mark(salt, &row.key, &table.columns[*at], value));
    RowLedgerLine::Row(RowLedgerRow {
        key: if is_free { "" } else { short_key(&row.key) }.to_owned(),
        operation: Some(row.operation),
        by: row.by,
        changed: row.changed.clone(),
        before: before.collect(),
        after,
        name: if is_free {
            None
        } else {
            key_in_clear(table, &row.shown)
        },
        shown: row.shown.clone(),
    })
}

/// A mark of everything of a row that another run gives the same value.
pub(super) fn stable_mark(table: &RowLedgerTable, salt: &str, values: &[Digest]) -> String {
    let values = table.columns.iter().zip(values).enumerate();
    let stable = values.filter(|(at, _)| table.is_stable(*at));
    row_mark(salt, "", stable.map(|(_, value)| value))
}

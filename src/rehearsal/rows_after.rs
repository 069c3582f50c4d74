//! Production after the real change, copied to a shadow, beside the ledger of the rehearsal: what became of each row.
//! Invariant: rows are paired by key where there is one that each run gives alike, and every row of both sides is counted once
//! (`Comparing::merge`).

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;

use super::attribution::{AlikeRows, TableWriters, attribute};
use super::catalogue::{Catalogue, TableShape};
use super::message::QualifiedName;
use super::row_ledger::{key_in_clear, stable_mark};
use super::rows::{Row, RowComparison, ShownCell, Which, digests};
use super::shadow_database::{BASE, ShadowDatabase, literal, quoted_name};
use crate::run::{
    RowAfter, RowLedgerHead, RowLedgerLine, RowLedgerRow, RowLedgerTable, RowOperation, RowOutcome,
    RowsAfter, SchemaOutcome, TableRowsAfter, ValueAfter, line_mark, row_mark, short_key,
    value_mark,
};
use crate::survey::{Digest, line_hunks};

/// Lines of the schema that are named.
const SCHEMA_LINES_MAX: usize = 1_000;

/// The lines of a ledger.
struct LedgerReader {
    lines: Lines<BufReader<File>>,
    /// A line that was looked at and not taken.
    peeked: Option<RowLedgerLine>,
}

impl LedgerReader {
    fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| format!("no ledger of rows: {error}"))?;
        Ok(Self {
            lines: BufReader::with_capacity(1 << 16, file).lines(),
            peeked: None,
        })
    }

    fn put_back(&mut self, line: RowLedgerLine) {
        self.peeked = Some(line);
    }

    fn next(&mut self) -> Result<Option<RowLedgerLine>, String> {
        if let Some(line) = self.peeked.take() {
            return Ok(Some(line));
        }
        let Some(line) = self.lines.next() else {
            return Ok(None);
        };
        let line = line.map_err(|error| error.to_string())?;
        let line = serde_json::from_str(&line);
        line.map(Some)
            .map_err(|error| format!("the ledger of rows does not read: {error}"))
    }
}

/// The tables whose rows a ledger is about, each partition by itself.
pub(super) fn ledger_tables(path: &Path) -> Result<Vec<QualifiedName>, String> {
    let mut ledger = LedgerReader::open(path)?;
    let mut names = Vec::new();
    while let Some(line) = ledger.next()? {
        if let RowLedgerLine::Table(table) = line {
            names.extend(table.holding);
        }
    }
    Ok(names)
}

/// Compares the base, which holds production's rows of now, with the ledger.
pub(super) fn compare(shadow: &ShadowDatabase, ledger: &Path) -> Result<RowsAfter, String> {
    let mut ledger = LedgerReader::open(ledger)?;
    let Some(RowLedgerLine::Head(head)) = ledger.next()? else {
        return Err("the ledger of rows has no head".to_owned());
    };
    let mut found = RowsAfter::default();
    let version = shadow.version()?;
    if version != head.version {
        found.not_checked.push(format!(
            "it was rehearsed on PostgreSQL {}, and this machine has {version}: values can be written otherwise",
            head.version
        ));
    }
    let schema_now = ShadowDatabase::schema_text(shadow.dump_schema(BASE)?)?;
    (found.schema, found.schema_lines) = schema(&head, &schema_now, &shadow.plan().key_salt);
    let now = Catalogue::of(shadow, BASE)?.tables;
    let mut line = ledger.next()?;
    let mut writers = Vec::new();
    while let Some(one) = line {
        let RowLedgerLine::Table(table) = one else {
            return Err("the ledger of rows has a row of no table".to_owned());
        };
        let name = (table.schema.clone(), table.table.clone());
        let mut comparing = Comparing::new(shadow, &name, &table);
        line = comparing.merge(&mut ledger, now.get(&name))?;
        found.not_checked.extend(comparing.not_checked());
        found.tables.push(comparing.found);
        writers.push(comparing.writers);
    }
    attribute(&mut found.tables, writers, head.phases);
    Ok(found)
}

/// What became of the schema, and the lines that differ from the rehearsed one.
fn schema(head: &RowLedgerHead, lines: &[String], salt: &str) -> (SchemaOutcome, Vec<String>) {
    let now: Vec<String> = lines.iter().map(|line| line_mark(salt, line)).collect();
    let rehearsed = head.schema_after.as_ref().unwrap_or(&head.schema_before);
    let outcome = if *rehearsed == now {
        match head.schema_after {
            Some(_) => SchemaOutcome::AsRehearsed,
            None => SchemaOutcome::Unchanged,
        }
    } else if head.schema_before == now {
        SchemaOutcome::NotDone
    } else {
        SchemaOutcome::Otherwise
    };
    let was: Vec<&str> = rehearsed.iter().map(String::as_str).collect();
    let is: Vec<&str> = now.iter().map(String::as_str).collect();
    let texts: BTreeMap<&String, &String> =
        now.iter().zip(lines).chain(&head.schema_lines).collect();
    let mut differing = Vec::new();
    for hunk in line_hunks(&was, &is) {
        differing.extend(was[hunk.before].iter().map(|mark| {
            let mark = (*mark).to_owned();
            let line = texts
                .get(&mark)
                .map_or("(a line that the change left alone)", |line| line);
            format!("-{line}")
        }));
        differing.extend(lines[hunk.after].iter().map(|line| format!("+{line}")));
    }
    differing.truncate(SCHEMA_LINES_MAX);
    (outcome, differing)
}

/// One table that is compared.
struct Comparing<'a> {
    shadow: &'a ShadowDatabase,
    name: &'a QualifiedName,
    table: &'a RowLedgerTable,
    show: Vec<usize>,
    /// Inserted rows that are not found by their key, by what is stable of them, and the rows there that are like them.
    free: BTreeMap<String, (Vec<RowLedgerRow>, AlikeRows)>,
    writers: TableWriters,
    found: TableRowsAfter,
}

impl<'a> Comparing<'a> {
    fn new(shadow: &'a ShadowDatabase, name: &'a QualifiedName, table: &'a RowLedgerTable) -> Self {
        Self {
            shadow,
            name,
            table,
            show: shadow.plan().shown_columns(name, &table.columns),
            free: BTreeMap::new(),
            writers: TableWriters::default(),
            found: TableRowsAfter {
                table: table.shown(),
                ..TableRowsAfter::default()
            },
        }
    }

    fn not_checked(&self) -> Option<String> {
        let name = self.table.shown();
        if !self.table.changes_listed {
            return Some(format!(
                "{name}: the change writes too many rows of it to follow each"
            ));
        }
        self.writers.not_checked(&name)
    }

    /// Takes the lines of the table; gives the first one that is none of it.
    fn merge(
        &mut self,
        ledger: &mut LedgerReader,
        shape: Option<&TableShape>,
    ) -> Result<Option<RowLedgerLine>, String> {
        let (shadow, table, show) = (self.shadow, self.table, self.show.clone());
        let reading = RowComparison {
            shadow,
            name: self.name,
            columns: &table.columns,
            key: &table.key,
            show: &show,
            boundary: 0,
        };
        let shape = shape
            .filter(|_| table.changes_listed)
            .map(|shape| (BASE, shape));
        let mut there = reading.open(shape, Which::Attributed)?;
        let mut next_row = || there.next();
        let mut row = next_row()?;
        let mut group = self.group(ledger)?;
        loop {
            let Some(listed) = group.pop_front() else {
                group = self.group(ledger)?;
                if group.is_empty() {
                    while let Some(beside) = row {
                        self.beside(&beside, &reading);
                        row = next_row()?;
                    }
                    self.inserts();
                    return ledger.next();
                }
                continue;
            };
            match row.take() {
                Some(beside) if short_key(&beside.key) < listed.key.as_str() => {
                    self.beside(&beside, &reading);
                    row = next_row()?;
                    group.push_front(listed);
                }
                Some(there) if short_key(&there.key) == listed.key => {
                    self.both(&listed, &there, &reading);
                    row = next_row()?;
                }
                later => {
                    row = later;
                    self.gone(&listed);
                }
            }
        }
    }

    /// The next rows of the table that have one key: several, where it has no key. Those that are to be there come first, so that one
    /// that is missing is what the change did. Inserts that are not found by their key are set apart.
    fn group(&mut self, ledger: &mut LedgerReader) -> Result<VecDeque<RowLedgerRow>, String> {
        let mut group: Vec<RowLedgerRow> = Vec::new();
        while let Some(line) = ledger.next()? {
            let row = match line {
                RowLedgerLine::Row(row)
                    if group.first().is_none_or(|first| first.key == row.key) =>
                {
                    row
                }
                later => {
                    ledger.put_back(later);
                    break;
                }
            };
            if row.key.is_empty() {
                let mark = row.after.first().cloned().unwrap_or_default();
                self.free.entry(mark).or_default().0.push(row);
            } else {
                group.push(row);
            }
        }
        group.sort_by_key(|row| match row.operation {
            None | Some(RowOperation::Touch | RowOperation::Update) => 0,
            Some(RowOperation::Insert) => 1,
            Some(RowOperation::Delete) => 2,
        });
        Ok(group.into())
    }

    /// A row of production that the ledger does not have by its key.
    fn beside(&mut self, row: &Row, reading: &RowComparison<'_>) {
        let salt = &self.shadow.plan().key_salt;
        let mark = stable_mark(self.table, salt, &digests(&row.cells));
        let shown = reading.shown(None, Some(row));
        let name = key_in_clear(self.table, &shown).unwrap_or_else(|| key_words(&row.key));
        let values = self.values_of(&shown, |(_, _, now)| (None, now.clone()));
        match (self.free.get_mut(&mark), row.written) {
            (Some((_, alike)), Some(transaction)) => {
                alike.there(transaction, beside(RowOutcome::Inserted, name, values));
            }
            _ => self.add_beside(row, RowOutcome::Inserted, name, values),
        }
    }

    /// A row of the ledger that production does not have.
    fn gone(&mut self, listed: &RowLedgerRow) {
        let outcome = match listed.operation {
            Some(RowOperation::Delete) => RowOutcome::AsRehearsed,
            Some(RowOperation::Insert) => RowOutcome::NotDone,
            Some(RowOperation::Update) => RowOutcome::Otherwise,
            Some(RowOperation::Touch) | None => RowOutcome::Deleted,
        };
        let mut values = self.values_of(&listed.shown, |(_, _, after)| (after.clone(), None));
        if listed.operation == Some(RowOperation::Update) {
            // What it was to become, of columns that may not be shown by their marks.
            let hidden = listed.changed.iter().filter(|at| !self.show.contains(at));
            values.extend(hidden.map(|at| ValueAfter {
                column: self.table.columns[*at].clone(),
                rehearsed: listed.after.get(*at).map(|mark| format!("sha256 {mark}")),
                now: None,
            }));
        }
        self.add(listed.operation, outcome, row_words(listed), values);
    }

    /// The rows that were to be inserted, beside those that are like them.
    fn inserts(&mut self) {
        for (mut listed, alike) in std::mem::take(&mut self.free).into_values() {
            let by = listed.first().and_then(|row| row.by).unwrap_or_default();
            let there = usize::try_from(alike.rows()).unwrap_or(usize::MAX);
            for row in listed.drain(there.min(listed.len())..).collect::<Vec<_>>() {
                let values = self.values_of(&row.shown, |(_, _, after)| (after.clone(), None));
                let name = "a row whose key each run gives anew".to_owned();
                self.add(row.operation, RowOutcome::NotDone, name, values);
            }
            self.found.as_rehearsed += listed.len() as u64;
            self.writers.alike(by, listed.len() as u64, alike);
        }
    }

    /// A row that both have.
    fn both(&mut self, listed: &RowLedgerRow, row: &Row, reading: &RowComparison<'_>) {
        let salt = self.shadow.plan().key_salt.clone();
        let digests = digests(&row.cells);
        let table = self.table;
        let now = |at: usize| {
            let digest = digests.get(at).cloned().unwrap_or_else(|| Digest::of(""));
            value_mark(&salt, &row.key, &table.columns[at], &digest)
        };
        let differs = |at: &usize| listed.after.get(*at).is_none_or(|after| *after != now(*at));
        let shown = reading.shown(Some(row), Some(row));
        let (outcome, columns): (RowOutcome, Vec<usize>) = match listed.operation {
            None | Some(RowOperation::Touch) => {
                let mark = row_mark(&salt, &row.key, table.columns.iter().zip(&digests));
                let same = listed.after.first() == Some(&mark);
                if same {
                    return;
                }
                // One mark of a whole row does not say which columns: those that may be shown are compared themselves.
                let kept = listed.shown.iter();
                let moved = kept.filter(|(at, _, was)| {
                    let now = shown.iter().find(|(place, ..)| place == at);
                    now.is_some_and(|(_, _, is)| is != was)
                });
                (RowOutcome::Changed, moved.map(|(at, ..)| *at).collect())
            }
            Some(RowOperation::Delete) => (RowOutcome::NotDone, Vec::new()),
            Some(RowOperation::Insert | RowOperation::Update) => {
                let stable = (0..table.columns.len()).filter(|at| table.is_stable(*at));
                let other: Vec<usize> = stable.filter(differs).collect();
                let mut before = listed.changed.iter().zip(&listed.before);
                // Where nothing of it is stable, that it changed at all is what can be seen.
                let as_before = listed.operation == Some(RowOperation::Update)
                    && before.all(|(at, before)| *before == now(*at));
                if as_before {
                    (RowOutcome::NotDone, listed.changed.clone())
                } else if other.is_empty() {
                    (RowOutcome::AsRehearsed, other)
                } else {
                    (RowOutcome::Otherwise, other)
                }
            }
        };
        let value = |at: &usize| {
            let text = |cells: &[ShownCell]| {
                let cell = cells.iter().find(|(place, ..)| place == at);
                cell.map(|(_, _, after)| after.clone())
            };
            let marked = |mark: Option<String>| mark.map(|mark| format!("sha256 {mark}"));
            ValueAfter {
                column: table.columns[*at].clone(),
                rehearsed: text(&listed.shown)
                    .unwrap_or_else(|| marked(listed.after.get(*at).cloned())),
                now: text(&shown).unwrap_or_else(|| marked(Some(now(*at)))),
            }
        };
        let values = columns.iter().map(value).collect();
        let name = row_words(listed);
        match outcome {
            RowOutcome::Changed => return self.add_beside(row, outcome, name, values),
            RowOutcome::AsRehearsed => return self.as_rehearsed(listed, row),
            _ => {}
        }
        self.add(listed.operation, outcome, name, values);
    }

    fn values_of(
        &self,
        cells: &[ShownCell],
        sides: impl Fn(&ShownCell) -> (Option<String>, Option<String>),
    ) -> Vec<ValueAfter> {
        let value = |cell: &ShownCell| {
            let (rehearsed, now) = sides(cell);
            ValueAfter {
                column: self.table.columns[cell.0].clone(),
                rehearsed,
                now,
            }
        };
        cells.iter().map(value).collect()
    }

    fn add(
        &mut self,
        operation: Option<RowOperation>,
        outcome: RowOutcome,
        row: String,
        values: Vec<ValueAfter>,
    ) {
        let row = RowAfter {
            row,
            operation,
            outcome,
            values,
        };
        self.found.add(outcome, 1, vec![row]);
    }

    fn as_rehearsed(&mut self, listed: &RowLedgerRow, row: &Row) {
        self.found.as_rehearsed += 1;
        if let Some((by, transaction)) = listed.by.zip(row.written) {
            self.writers.as_rehearsed(by, transaction);
        }
    }

    /// A row that the rehearsal did not write; whose it is, is seen when all rows of the change are.
    fn add_beside(&mut self, by: &Row, outcome: RowOutcome, row: String, values: Vec<ValueAfter>) {
        let row = beside(outcome, row, values);
        match by.written {
            Some(transaction) => self.writers.beside(transaction, row),
            None => self.found.add(RowOutcome::Unattributed, 1, vec![row]),
        }
    }
}

fn beside(outcome: RowOutcome, row: String, values: Vec<ValueAfter>) -> RowAfter {
    RowAfter {
        row,
        operation: None,
        outcome,
        values,
    }
}

fn row_words(listed: &RowLedgerRow) -> String {
    listed
        .name
        .clone()
        .unwrap_or_else(|| key_words(&listed.key))
}

fn key_words(key: &str) -> String {
    format!("key {}", key.chars().take(16).collect::<String>())
}

/// The tables that hold rows of these, where they are there: they, or their partitions.
pub(super) fn holding_rows(
    shadow: &ShadowDatabase,
    database: &str,
    names: &[QualifiedName],
) -> Result<Vec<QualifiedName>, String> {
    let mut found: Vec<QualifiedName> = Vec::new();
    for name in names {
        let table = literal(&quoted_name(name));
        let sql = format!(
            "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind = 'r' AND (c.oid = pg_catalog.to_regclass({table})
                 OR c.oid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass({table})) p))"
        );
        for row in shadow.ask(database, &sql)? {
            let mut cells = row.into_iter().flatten();
            if let (Some(schema), Some(table)) = (cells.next(), cells.next())
                && !found.contains(&(schema.clone(), table.clone()))
            {
                found.push((schema, table));
            }
        }
    }
    Ok(found)
}

//! What one run of the change did, table by table.
//! Invariant: a table is left out only where none of its rows was written, it has as many as before, and its definition is the
//! same (`Counted::is_untouched`); the sentinel is read by the same way.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{TableShape, tables, types};
use super::message::QualifiedName;
use super::rows::{ChangedRow, RowComparison};
use super::shadow_database::{BASE, SENTINEL, ShadowDatabase, quoted_name, shown};
use crate::run::RowOperation;

/// Tables that are counted in one statement.
const COUNTED_AT_ONCE: usize = 200;

/// What a run did to one table.
#[derive(Debug, Clone)]
pub(super) struct ChangedTable {
    /// Its columns, of before and afterwards.
    pub(super) columns: Vec<String>,
    /// The columns that identify a row.
    pub(super) key: Vec<String>,
    /// Whether its definition or file is another one.
    pub(super) redefined: bool,
    /// The rows that were changed.
    pub(super) rows: Vec<ChangedRow>,
}

/// What a run did.
#[derive(Debug, Clone)]
pub(super) struct RunEffect {
    /// By table.
    pub(super) tables: BTreeMap<QualifiedName, ChangedTable>,
    /// Whether the sentinel was found.
    pub(super) sentinel_found: bool,
}

/// The tables that are other ones in a run than in the base, those that are gone among them.
pub(super) fn redefined(
    shadow: &ShadowDatabase,
    run: &str,
) -> Result<BTreeSet<QualifiedName>, String> {
    let (before, after) = (tables(shadow, BASE)?, tables(shadow, run)?);
    let all = types_differ(shadow, run)?;
    let differs = |(name, table): &(&QualifiedName, &TableShape)| {
        all || after
            .get(*name)
            .is_none_or(|now| now.definition != table.definition)
    };
    let names = before.iter().filter(differs).map(|(name, _)| name.clone());
    Ok(names.collect())
}

/// Whether a type whose values are written by its own catalogue entry is another one. One that is only new changes no value.
fn types_differ(shadow: &ShadowDatabase, run: &str) -> Result<bool, String> {
    let after: BTreeSet<String> = types(shadow, run)?.into_iter().collect();
    Ok(types(shadow, BASE)?
        .iter()
        .any(|entry| !after.contains(entry)))
}

impl RunEffect {
    /// Compares a run with the base.
    pub(super) fn of(
        shadow: &ShadowDatabase,
        run: &str,
        boundary: u64,
        salt: &str,
    ) -> Result<Self, String> {
        let (before, after) = (tables(shadow, BASE)?, tables(shadow, run)?);
        let all = types_differ(shadow, run)?;
        let names: BTreeSet<&QualifiedName> = before.keys().chain(after.keys()).collect();
        let mut same = Vec::new();
        let mut read = Vec::new();
        for name in names {
            match (before.get(name), after.get(name)) {
                (Some(was), Some(is)) if was.definition == is.definition && !all => {
                    same.push((name, is));
                }
                _ => read.push((name, true)),
            }
        }
        let counted = counted(shadow, run, boundary, &same)?;
        let untouched = |name: &QualifiedName| counted.get(name).is_some_and(Counted::is_untouched);
        let touched = same.iter().filter(|(name, _)| !untouched(name));
        read.extend(touched.map(|(name, _)| (*name, false)));
        let mut found = BTreeMap::new();
        for (name, redefined) in read {
            let (was, is) = (before.get(name), after.get(name));
            let counts = if redefined { None } else { counted.get(name) };
            let touched = compare(shadow, run, boundary, salt, name, (was, is), counts)?;
            if redefined || !touched.rows.is_empty() {
                found.insert(name.clone(), touched);
            }
        }
        let sentinel = (SENTINEL.to_owned(), "written".to_owned());
        let table = TableShape {
            columns: vec!["at".to_owned(), "says".to_owned()],
            key: vec!["at".to_owned()],
            ..TableShape::default()
        };
        let sides = (Some(&table), Some(&table));
        let counts = Counted {
            before: 0,
            after: 1,
            written: 1,
        };
        let written = compare(shadow, run, boundary, salt, &sentinel, sides, Some(&counts))?;
        let is_insert = |row: &ChangedRow| row.operation == RowOperation::Insert;
        Ok(Self {
            tables: found,
            sentinel_found: written.rows.len() == 1 && written.rows.iter().all(is_insert),
        })
    }
}

/// What a run did to one table. `counted` is there where its definition is the same: then the rows that were written are enough, if with
/// them the numbers of rows come out right.
fn compare(
    shadow: &ShadowDatabase,
    run: &str,
    boundary: u64,
    salt: &str,
    name: &QualifiedName,
    (was, is): (Option<&TableShape>, Option<&TableShape>),
    counted: Option<&Counted>,
) -> Result<ChangedTable, String> {
    let mut columns: Vec<String> = was.map(|was| was.columns.clone()).unwrap_or_default();
    for column in is.into_iter().flat_map(|is| &is.columns) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    // A key must be one on both sides.
    let either = was
        .or(is)
        .map(|table| table.key.clone())
        .unwrap_or_default();
    let has = |table: &&TableShape| either.iter().all(|column| table.columns.contains(column));
    let in_both = was.iter().chain(is.iter()).all(has)
        && was
            .zip(is)
            .is_none_or(|(a, b)| a.key == b.key || b.key.is_empty());
    let key = if in_both { either } else { Vec::new() };
    let may_be_kept = |column: &String| {
        let whole = format!("{}.{column}", shown(name));
        shadow.plan().show.contains(&whole)
    };
    let show: Vec<usize> = (columns.iter().enumerate())
        .filter_map(|(at, column)| may_be_kept(column).then_some(at))
        .collect();
    let reading = RowComparison {
        show: &show,
        shadow,
        name,
        columns: &columns,
        key: &key,
        boundary,
        salt,
    };
    let written = match (was, is, counted) {
        (Some(was), Some(is), Some(counted)) if !key.is_empty() => {
            let rows = reading.written_rows((BASE, was), (run, is))?;
            counted.come_out(&rows).then_some(rows)
        }
        _ => None,
    };
    let mut rows = match written {
        Some(rows) => rows,
        None => reading.changed_rows(was.map(|was| (BASE, was)), is.map(|is| (run, is)))?,
    };
    if was.map(|was| &was.files) != is.map(|is| &is.files) {
        // Where the whole table was written anew, that a row was written says nothing.
        rows.retain(|row| row.operation != RowOperation::Touch);
    }
    Ok(ChangedTable {
        columns,
        key,
        redefined: counted.is_none(),
        rows,
    })
}

/// How many rows a table has in the base and in a run, and how many of these the run wrote.
#[derive(Debug, Clone, Copy)]
struct Counted {
    before: u64,
    after: u64,
    written: u64,
}

impl Counted {
    fn is_untouched(&self) -> bool {
        self.before == self.after && self.written == 0
    }

    /// Whether these are all rows that were changed: none is gone beside them.
    fn come_out(&self, rows: &[ChangedRow]) -> bool {
        let count = |operation| {
            let rows = rows.iter().filter(|row| row.operation == operation);
            rows.count() as u64
        };
        self.before + count(RowOperation::Insert) == self.after + count(RowOperation::Delete)
    }
}

/// The rows of tables whose definition is the same.
fn counted<'a>(
    shadow: &ShadowDatabase,
    run: &str,
    boundary: u64,
    same: &[(&'a QualifiedName, &TableShape)],
) -> Result<BTreeMap<&'a QualifiedName, Counted>, String> {
    let mut found = BTreeMap::new();
    for some in same.chunks(COUNTED_AT_ONCE) {
        // Of the base only the number is asked: nothing of it was written, and the filter costs more than the count.
        let ask = |database: &str, written: &str| {
            let count = |(at, (name, table)): (usize, &(&QualifiedName, &TableShape))| {
                let only = if table.partitioned { "" } else { "ONLY " };
                format!(
                    "SELECT {at} AS at, count(*)::text, {written} FROM {only}{}",
                    quoted_name(name)
                )
            };
            let parts: Vec<String> = some.iter().enumerate().map(count).collect();
            shadow.ask(
                database,
                &format!("{} ORDER BY 1", parts.join(" UNION ALL ")),
            )
        };
        let written = format!("count(*) FILTER (WHERE xmin::text::bigint >= {boundary})::text");
        let (before, after) = (ask(BASE, "'-'")?, ask(run, &written)?);
        for (at, (name, _)) in some.iter().enumerate() {
            let rows = |answer: &[Vec<Option<String>>], cell: usize| -> Option<u64> {
                answer.get(at)?.get(cell)?.as_ref()?.parse().ok()
            };
            let counts = rows(&before, 1).zip(rows(&after, 1).zip(rows(&after, 2)));
            let (before, (after, written)) =
                counts.ok_or_else(|| format!("{} was not counted", shown(name)))?;
            let counts = Counted {
                before,
                after,
                written,
            };
            found.insert(*name, counts);
        }
    }
    Ok(found)
}

/// Whether every table of the base has as many rows as were read of it in production.
pub(super) fn count_rows(
    shadow: &ShadowDatabase,
    copied: &[(QualifiedName, u64)],
) -> Result<(), String> {
    for some in copied.chunks(COUNTED_AT_ONCE) {
        let count = |(at, (name, _)): (usize, &(QualifiedName, u64))| {
            let table = quoted_name(name);
            format!("SELECT {at} AS at, count(*)::text FROM ONLY {table}")
        };
        let counts: Vec<String> = some.iter().enumerate().map(count).collect();
        let counts = format!("{} ORDER BY 1", counts.join(" UNION ALL "));
        let mut found = shadow.ask(BASE, &counts)?.into_iter();
        for (name, read) in some {
            let here = found.next().and_then(|row| row.get(1).cloned().flatten());
            if here != Some(read.to_string()) {
                return Err(format!(
                    "{read} rows of {} were read, and {} are in the shadow",
                    shown(name),
                    here.unwrap_or_else(|| "none".to_owned())
                ));
            }
        }
    }
    Ok(())
}

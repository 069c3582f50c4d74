//! What one run of the change did, table by table.
//! Invariant: a table is left out only where none of its rows was written, it has as many as before, and its definition is the
//! same (`untouched`); the sentinel is read by the same way.

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
        let untouched = untouched(shadow, run, boundary, &same)?;
        let touched = same.iter().filter(|(name, _)| !untouched.contains(name));
        read.extend(touched.map(|(name, _)| (*name, false)));
        let mut found = BTreeMap::new();
        for (name, redefined) in read {
            let (was, is) = (before.get(name), after.get(name));
            let touched = compare(shadow, run, boundary, salt, name, (was, is), redefined)?;
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
        let written = compare(shadow, run, boundary, salt, &sentinel, sides, false)?;
        let is_insert = |row: &ChangedRow| row.operation == RowOperation::Insert;
        Ok(Self {
            tables: found,
            sentinel_found: written.rows.len() == 1 && written.rows.iter().all(is_insert),
        })
    }
}

fn compare(
    shadow: &ShadowDatabase,
    run: &str,
    boundary: u64,
    salt: &str,
    name: &QualifiedName,
    (was, is): (Option<&TableShape>, Option<&TableShape>),
    redefined: bool,
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
    let mut rows = reading.changed_rows(was.map(|was| (BASE, was)), is.map(|is| (run, is)))?;
    if was.map(|was| &was.files) != is.map(|is| &is.files) {
        // Where the whole table was written anew, that a row was written says nothing.
        rows.retain(|row| row.operation != RowOperation::Touch);
    }
    Ok(ChangedTable {
        columns,
        key,
        redefined,
        rows,
    })
}

/// The tables of which no row was written and that have as many as before.
fn untouched<'a>(
    shadow: &ShadowDatabase,
    run: &str,
    boundary: u64,
    same: &[(&'a QualifiedName, &TableShape)],
) -> Result<BTreeSet<&'a QualifiedName>, String> {
    let mut found = BTreeSet::new();
    for some in same.chunks(COUNTED_AT_ONCE) {
        let counted = |database: &str| {
            let count = |(at, (name, table)): (usize, &(&QualifiedName, &TableShape))| {
                let only = if table.partitioned { "" } else { "ONLY " };
                format!(
                    "SELECT {at} AS at, count(*)::text, count(*) FILTER (WHERE xmin::text::bigint >= {boundary})::text \
                     FROM {only}{}",
                    quoted_name(name)
                )
            };
            let parts: Vec<String> = some.iter().enumerate().map(count).collect();
            shadow.ask(
                database,
                &format!("{} ORDER BY 1", parts.join(" UNION ALL ")),
            )
        };
        let (before, after) = (counted(BASE)?, counted(run)?);
        for (at, (name, _)) in some.iter().enumerate() {
            let rows = |answer: &[Vec<Option<String>>], cell: usize| {
                answer.get(at).and_then(|row| row.get(cell)?.clone())
            };
            let as_many = rows(&before, 1).is_some() && rows(&before, 1) == rows(&after, 1);
            if as_many && rows(&after, 2).as_deref() == Some("0") {
                found.insert(*name);
            }
        }
    }
    Ok(found)
}

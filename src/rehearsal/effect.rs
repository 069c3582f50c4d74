//! What one run of the change did, table by table.
//! Invariant: a table is left out only where none of its rows was written, it has as many as before, and its definition is the
//! same (`Counted::is_untouched`); the sentinel is read by the same way.

use std::collections::{BTreeMap, BTreeSet};

use super::base::Base;
use super::catalogue::{COUNTED_AT_ONCE, Catalogue, TableShape};
use super::message::QualifiedName;
use super::rows::{ChangedRow, RowComparison};
use super::shadow_database::{BASE, SENTINEL, ShadowDatabase, quoted_name, shown};
use crate::run::RowOperation;

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

impl RunEffect {
    /// Compares a run with the base, which has these rows.
    pub(super) fn of(
        shadow: &ShadowDatabase,
        (base, rows): (&Base, &BTreeMap<&QualifiedName, u64>),
        (run, catalogue): (&str, &Catalogue),
    ) -> Result<Self, String> {
        let (before, after) = (&base.catalogue.tables, &catalogue.tables);
        let same: Vec<_> = base.catalogue.same_in(catalogue).into_iter().collect();
        let counted = counted(shadow, (run, catalogue), base.boundary, rows, &same)?;
        let names: BTreeSet<&QualifiedName> = before.keys().chain(after.keys()).collect();
        let compared =
            |name, sides, counts| compare(shadow, run, base.boundary, name, sides, counts);
        let mut found = BTreeMap::new();
        for name in names {
            let counts = counted.get(name);
            if counts.is_some_and(Counted::is_untouched) {
                continue;
            }
            let touched = compared(name, (before.get(name), after.get(name)), counts)?;
            if counts.is_none() || !touched.rows.is_empty() {
                found.insert(name.clone(), touched);
            }
        }
        let sentinel = (SENTINEL.to_owned(), "written".to_owned());
        let table = TableShape {
            columns: vec!["at".to_owned(), "says".to_owned()],
            key: vec!["at".to_owned()],
            ..TableShape::default()
        };
        let counts = Counted {
            before: 0,
            after: 1,
            written: 1,
        };
        let written = compared(&sentinel, (Some(&table), Some(&table)), Some(&counts))?;
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
    let show = shadow.plan().shown_columns(name, &columns);
    let reading = RowComparison {
        show: &show,
        shadow,
        name,
        columns: &columns,
        key: &key,
        boundary,
    };
    let written = match (was, is, counted) {
        (Some(was), Some(is), Some(counted)) if !key.is_empty() => {
            let base_has_rows = counted.before > 0;
            let rows = reading.written_rows(base_has_rows.then_some((BASE, was)), (run, is))?;
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
    (run, catalogue): (&str, &Catalogue),
    boundary: u64,
    rows: &BTreeMap<&QualifiedName, u64>,
    same: &[&'a QualifiedName],
) -> Result<BTreeMap<&'a QualifiedName, Counted>, String> {
    let mut found = BTreeMap::new();
    for some in same.chunks(COUNTED_AT_ONCE) {
        let count = |(at, name): (usize, &&QualifiedName)| {
            let only = if catalogue.tables[*name].partitioned {
                ""
            } else {
                "ONLY "
            };
            format!(
                "SELECT {at} AS at, count(*)::text, count(*) FILTER (WHERE xmin::text::bigint >= {boundary})::text FROM {only}{}",
                quoted_name(name)
            )
        };
        let parts: Vec<String> = some.iter().enumerate().map(count).collect();
        let sql = format!("{} ORDER BY 1", parts.join(" UNION ALL "));
        let mut answer = shadow.ask(run, &sql)?.into_iter();
        for name in some {
            let row = answer.next().unwrap_or_default();
            let cell = |at: usize| row.get(at)?.as_ref()?.parse().ok();
            let counts = cell(1).zip(cell(2));
            let (after, written) =
                counts.ok_or_else(|| format!("{} was not counted", shown(name)))?;
            let counts = Counted {
                before: rows.get(name).copied().unwrap_or_default(),
                after,
                written,
            };
            found.insert(*name, counts);
        }
    }
    Ok(found)
}

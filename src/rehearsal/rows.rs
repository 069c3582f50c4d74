//! Two readings of one table, merged by key: which rows a run inserted, updated, deleted or touched.
//! Invariant: values themselves are compared, and a reading that breaks off is an error, never a shorter table (`RowStream`).

use std::cmp::Ordering;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use super::catalogue::TableShape;
use super::message::QualifiedName;
use super::program_end::{first_error, is_done, says_done};
use super::seeding::TRANSACTION_OF_ROW;
use super::shadow_database::{SUPERUSER, ShadowDatabase, literal, quoted_name};
use crate::run::{RowOperation, SHOWN_CHARACTERS_MAX};
use crate::survey::{Digest, quoted_identifier};

/// The place of a column, and a value of it before and afterwards.
pub(super) type ShownCell = (usize, Option<String>, Option<String>);

/// One row that a run changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangedRow {
    /// SHA-256 of salt and key, in hex.
    pub(super) key: String,
    /// What was done to it.
    pub(super) operation: RowOperation,
    /// The columns that an update changed, by their place in the list of columns.
    pub(super) changed: Vec<usize>,
    /// The values that may be kept, each with the place of its column, before and afterwards.
    pub(super) shown: Vec<ShownCell>,
    /// SHA-256 of the value that each column in `changed` had before.
    pub(super) before: Vec<Digest>,
    /// SHA-256 of each value afterwards; of a deleted or touched row none.
    pub(super) after: Vec<Digest>,
    /// The transaction of the run that wrote it; of a deleted row none.
    pub(super) by: Option<u32>,
}

/// How a table is read on both sides.
pub(super) struct RowComparison<'a> {
    /// The shadow.
    pub(super) shadow: &'a ShadowDatabase,
    /// Schema and name.
    pub(super) name: &'a QualifiedName,
    /// The columns of both sides; one that a side lacks reads as NULL there.
    pub(super) columns: &'a [String],
    /// The columns that identify a row; empty: all of them together.
    pub(super) key: &'a [String],
    /// The columns whose values may be kept, by their place.
    pub(super) show: &'a [usize],
    /// The first transaction id that a run can have had.
    pub(super) boundary: u64,
}

/// A row of one side.
pub(super) struct Row {
    /// SHA-256 of salt and key, in hex.
    pub(super) key: String,
    /// The transaction that wrote it: in production for `Which::Attributed`, else of the run. `None`: the run did not.
    pub(super) written: Option<u32>,
    /// Its values as COPY writes them.
    pub(super) cells: Vec<String>,
}

/// Which rows of a side are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which<'a> {
    /// All.
    All,
    /// All, each with the transaction in production that wrote it.
    Attributed,
    /// Those that the run wrote; their keys go into this file before the first of them comes.
    Written(&'a Path),
    /// Those whose keys are in this file.
    Keyed(&'a Path),
}

impl RowComparison<'_> {
    /// Every row that differs or was written between two databases, in the order of the keys.
    pub(super) fn changed_rows(
        &self,
        before: Option<(&str, &TableShape)>,
        after: Option<(&str, &TableShape)>,
    ) -> Result<Vec<ChangedRow>, String> {
        let left = self.open(before, Which::All)?;
        let mut right = self.open(after, Which::All)?;
        let new = right.next()?;
        self.merged(left, right, new)
    }

    /// The rows that were written between two databases, without reading the others; those that are gone are not among them.
    pub(super) fn written_rows(
        &self,
        before: Option<(&str, &TableShape)>,
        after: (&str, &TableShape),
    ) -> Result<Vec<ChangedRow>, String> {
        let keys = self.shadow.scratch().join("keys");
        let mut right = self.open(Some(after), Which::Written(&keys))?;
        let new = right.next()?;
        let left = self.open(before, Which::Keyed(&keys))?;
        let rows = self.merged(left, right, new);
        std::fs::remove_file(&keys).map_err(|error| error.to_string())?;
        rows
    }

    fn merged(
        &self,
        mut left: RowStream,
        mut right: RowStream,
        mut new: Option<Row>,
    ) -> Result<Vec<ChangedRow>, String> {
        let mut found = Vec::new();
        let mut old = left.next()?;
        loop {
            let order = match (&old, &new) {
                (None, None) => return Ok(found),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.key.cmp(&new.key),
            };
            match (order, old.take(), new.take()) {
                (Ordering::Less, Some(gone), kept) => {
                    found.push(ChangedRow {
                        shown: self.shown(Some(&gone), None),
                        key: gone.key,
                        operation: RowOperation::Delete,
                        changed: Vec::new(),
                        before: Vec::new(),
                        after: Vec::new(),
                        by: None,
                    });
                    (old, new) = (left.next()?, kept);
                }
                (Ordering::Greater, kept, Some(come)) => {
                    found.push(ChangedRow {
                        shown: self.shown(None, Some(&come)),
                        after: digests(&come.cells),
                        key: come.key,
                        operation: RowOperation::Insert,
                        changed: Vec::new(),
                        before: Vec::new(),
                        by: come.written,
                    });
                    (old, new) = (kept, right.next()?);
                }
                (_, Some(was), Some(is)) => {
                    let shown = self.shown(Some(&was), Some(&is));
                    found.extend(pair(&was, is, shown));
                    (old, new) = (left.next()?, right.next()?);
                }
                _ => return Err("two readings could not be merged".to_owned()),
            }
        }
    }

    /// The values that may be kept, of a row before and afterwards.
    pub(super) fn shown(&self, was: Option<&Row>, is: Option<&Row>) -> Vec<ShownCell> {
        let value = |row: Option<&Row>, at: usize| {
            let cell = row?.cells.get(at)?;
            // As COPY writes NULL; a text that reads so is escaped.
            (cell != "\\N").then(|| cell.chars().take(SHOWN_CHARACTERS_MAX).collect())
        };
        let columns = self.show.iter();
        columns
            .map(|at| (*at, value(was, *at), value(is, *at)))
            .collect()
    }

    /// The rows of one side, in the order of the keys; `None`: it has none.
    pub(super) fn open(
        &self,
        side: Option<(&str, &TableShape)>,
        which: Which<'_>,
    ) -> Result<RowStream, String> {
        let Some((database, table)) = side else {
            return Ok(RowStream { reader: None });
        };
        let value = |column: &String| {
            if table.columns.contains(column) {
                format!("{}::text", quoted_identifier(column))
            } else {
                "NULL::text".to_owned()
            }
        };
        let values: Vec<String> = self.columns.iter().map(value).collect();
        let key = if self.key.is_empty() {
            self.columns
        } else {
            self.key
        };
        let names: Vec<String> = key.iter().map(|column| quoted_identifier(column)).collect();
        let names = names.join(", ");
        let key: Vec<String> = key.iter().map(value).collect();
        let only = if table.partitioned { "" } else { "ONLY " };
        let table_name = quoted_name(self.name);
        let is_new = format!("xmin::text::bigint >= {}", self.boundary);
        let of_run = format!("CASE WHEN {is_new} THEN xmin::text ELSE '' END");
        // A table of the session alone: the database stays as it is, also where it has event triggers.
        let temporary = "pg_temp.drygate_written";
        let mut statements = vec!["SET session_replication_role = replica".to_owned()];
        let (from, written) = match which {
            Which::All => (format!("{only}{table_name}"), of_run.as_str()),
            Which::Attributed => (
                format!("{only}{table_name} AS drygate_row"),
                TRANSACTION_OF_ROW,
            ),
            Which::Written(file) => {
                // Looked for once, and read twice.
                statements.push(format!(
                    "CREATE TABLE {temporary} AS SELECT xmin::text AS drygate_written, * FROM {only}{table_name} WHERE {is_new}"
                ));
                let file = literal(&file.to_string_lossy());
                statements.push(format!("COPY (SELECT {names} FROM {temporary}) TO {file}"));
                (temporary.to_owned(), "drygate_written")
            }
            Which::Keyed(file) => {
                statements.push(format!(
                    "CREATE TABLE {temporary} AS SELECT {names} FROM {only}{table_name} WITH NO DATA"
                ));
                let file = literal(&file.to_string_lossy());
                statements.push(format!("COPY {temporary} FROM {file}"));
                statements.push(format!("ANALYZE {temporary}"));
                let keyed = format!("({names}) IN (SELECT {names} FROM {temporary})");
                (format!("{only}{table_name} WHERE {keyed}"), "''")
            }
        };
        // Digests order the same on both sides, whatever collation a key has.
        let sql = format!(
            "COPY (SELECT q.* FROM (SELECT encode(sha256(convert_to({} || ROW({})::text, 'UTF8')), 'hex') AS drygate_key, \
             {written}{}{} FROM {from}) AS q ORDER BY q.drygate_key COLLATE \"C\") TO STDOUT",
            literal(&self.shadow.plan().key_salt),
            key.join(", "),
            if values.is_empty() { "" } else { ", " },
            values.join(", "),
        );
        statements.push(sql);
        let mut psql = self.shadow.psql(SUPERUSER, database);
        for sql in &statements {
            psql.arg("-c").arg(sql);
        }
        let mut child = says_done(&mut psql)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("psql cannot be run: {error}"))?;
        let stdout = child.stdout.take().ok_or("psql has no output")?;
        let lines = BufReader::with_capacity(1 << 17, stdout).lines();
        Ok(RowStream {
            reader: Some((child, lines)),
        })
    }
}

/// The rows of one side, as COPY writes them.
pub(super) struct RowStream {
    reader: Option<(Child, Lines<BufReader<ChildStdout>>)>,
}

impl RowStream {
    /// The next row; one that cannot be read is an error.
    pub(super) fn next(&mut self) -> Result<Option<Row>, String> {
        let Some((_, lines)) = &mut self.reader else {
            return Ok(None);
        };
        if let Some(line) = lines.next() {
            let line = line.map_err(|error| format!("rows could not be read: {error}"))?;
            // COPY escapes a tab in a value; cells stay as they are written, so that NULL is no text.
            let mut cells = line.split('\t').map(str::to_owned);
            let (Some(key), Some(written)) = (cells.next(), cells.next()) else {
                return Err("a row without its key".to_owned());
            };
            return Ok(Some(Row {
                key,
                written: written.parse().ok(),
                cells: cells.collect(),
            }));
        }
        let Some((child, _)) = self.reader.take() else {
            return Ok(None);
        };
        let ended = child
            .wait_with_output()
            .map_err(|error| error.to_string())?;
        if ended.status.success() {
            is_done(&ended.stderr).map(|()| None)
        } else {
            Err(first_error("psql", &ended.stderr))
        }
    }
}

impl Drop for RowStream {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.reader {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn pair(was: &Row, is: Row, shown: Vec<ShownCell>) -> Option<ChangedRow> {
    let cells = was.cells.iter().zip(&is.cells).enumerate();
    let changed: Vec<usize> = cells
        .filter_map(|(at, (was, is))| (was != is).then_some(at))
        .collect();
    let (operation, after) = match (changed.is_empty(), is.written.is_some()) {
        (true, false) => return None,
        (true, true) => (RowOperation::Touch, Vec::new()),
        (false, _) => (RowOperation::Update, digests(&is.cells)),
    };
    let before = changed.iter().map(|at| Digest::of(&was.cells[*at]));
    Some(ChangedRow {
        before: before.collect(),
        shown,
        key: is.key,
        operation,
        changed,
        after,
        by: is.written,
    })
}

pub(super) fn digests(cells: &[String]) -> Vec<Digest> {
    cells.iter().map(Digest::of).collect()
}

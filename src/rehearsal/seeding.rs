//! Puts rows and sequences of production into the shadow. The transactions that wrote rows (`xmin`), which a copy does not keep, lie
//! beside them, by their place.
//! Invariant: a transaction is that of its own row, because COPY into an empty table appends in the order of its lines
//! (`put_rows_with_transactions`).

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use super::message::{QualifiedName, RowsFile};
use super::program_end::finished;
use super::shadow_database::{
    ROWS, SENTINEL, SUPERUSER, ShadowDatabase, literal, quoted_name, shown,
};
use crate::survey::quoted_identifier;

/// The transaction in production that wrote a row (`put_rows_with_transactions`).
pub(super) const TRANSACTION_OF_ROW: &str = "coalesce((SELECT w.id FROM drygate_sentinel.wrote w \
     WHERE w.relation = drygate_row.tableoid AND w.place = drygate_row.ctid), '')";

impl ShadowDatabase {
    /// Puts rows into their tables.
    pub(super) fn put_rows(&self, tables: &[RowsFile]) -> Result<(), String> {
        for table in tables {
            let Ok((file, _)) = &table.rows else {
                continue;
            };
            let rows = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let mut psql = self.psql(SUPERUSER, ROWS);
            // A list of no columns is no SQL: a table may have none, or generated ones alone.
            let columns = match table.columns.as_str() {
                "" => String::new(),
                columns => format!(" ({columns})"),
            };
            let table_name = quoted_name(&table.name);
            // Of a table that is emptied in the same transaction rows can be written as old ones, which are not looked up again. ONLY: a
            // table that inherits from it may have its rows already.
            psql.args(["-1", "-c"])
                .arg(format!("TRUNCATE ONLY {table_name}"))
                .arg("-c")
                .arg(format!("COPY {table_name}{columns} FROM STDIN (FREEZE)"));
            psql.stdin(rows);
            finished(
                psql,
                &format!("the rows of {} cannot be loaded", shown(&table.name)),
            )?;
            // Rows lie on the disk once.
            std::fs::remove_file(file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(())
    }

    /// Sets the sequences as they stand in production. Gives those whose place was derived from the rows of their table.
    pub(super) fn put_sequences(
        &self,
        seeded: &[QualifiedName],
    ) -> Result<Vec<QualifiedName>, String> {
        let mut derived = Vec::new();
        let mut steps = Vec::new();
        for sequence in &self.plan().sequences {
            let name = literal(&quoted_name(&sequence.name));
            let owner = sequence.owner.as_ref();
            match (sequence.last, owner) {
                (Some((last, called)), _) => {
                    steps.push(format!(
                        "SELECT pg_catalog.setval({name}, {last}, {called})"
                    ));
                }
                (None, Some([schema, table, column]))
                    if seeded.contains(&(schema.clone(), table.clone())) =>
                {
                    let table = quoted_name(&(schema.clone(), table.clone()));
                    let column = quoted_identifier(column);
                    steps.push(format!(
                        "SELECT pg_catalog.setval({name}, x.most) FROM (SELECT max({column}) AS most FROM {table}) AS x \
                         WHERE x.most IS NOT NULL"
                    ));
                    derived.push(sequence.name.clone());
                }
                _ => derived.push(sequence.name.clone()),
            }
        }
        self.ask(ROWS, &steps.join(";\n"))?;
        Ok(derived)
    }

    /// Puts rows into their tables, and beside them the transactions that wrote them in production: the first value of each line.
    pub(super) fn put_rows_with_transactions(&self, tables: &[RowsFile]) -> Result<(), String> {
        self.ask(
            ROWS,
            &format!(
                "CREATE TABLE {SENTINEL}.line (number bigint GENERATED ALWAYS AS IDENTITY, id text);
                 CREATE TABLE {SENTINEL}.wrote (relation oid, place tid, id text, PRIMARY KEY (relation, place))"
            ),
        )?;
        for table in tables {
            let Ok((file, _)) = &table.rows else {
                continue;
            };
            let ids = self.scratch().join("transactions");
            let split = split_first_value(file, &ids);
            split.map_err(|error| format!("{}: {error}", file.display()))?;
            self.put_rows(std::slice::from_ref(table))?;
            // COPY into an empty table appends: rows lie in the order of their lines.
            let name = quoted_name(&table.name);
            let mut psql = self.psql(SUPERUSER, ROWS);
            psql.args(["-1", "-c"])
                .arg(format!("TRUNCATE {SENTINEL}.line RESTART IDENTITY"))
                .arg("-c")
                .arg(format!("COPY {SENTINEL}.line (id) FROM STDIN"))
                .arg("-c")
                .arg(format!(
                    "INSERT INTO {SENTINEL}.wrote SELECT r.tableoid, r.ctid, line.id
                       FROM (SELECT tableoid, ctid, row_number() OVER (ORDER BY ctid) AS number FROM ONLY {name}) AS r
                       JOIN {SENTINEL}.line USING (number)"
                ));
            psql.stdin(File::open(&ids).map_err(|error| format!("{}: {error}", ids.display()))?);
            finished(
                psql,
                &format!(
                    "the transactions of {} cannot be loaded",
                    shown(&table.name)
                ),
            )?;
        }
        Ok(())
    }
}

/// Moves the first value of each line into another file.
fn split_first_value(rows: &Path, first: &Path) -> std::io::Result<()> {
    let rest = rows.with_extension("rest");
    let mut input = BufReader::with_capacity(1 << 16, File::open(rows)?);
    let (mut ids, mut others) = (
        BufWriter::new(File::create(first)?),
        BufWriter::new(File::create(&rest)?),
    );
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        // A table can have no column to copy: then the line has no tab.
        let at = line.iter().position(|byte| *byte == b'\t');
        let (id, values) = line.split_at(at.unwrap_or(line.len() - 1));
        ids.write_all(id)?;
        ids.write_all(b"\n")?;
        others.write_all(values.strip_prefix(b"\t").unwrap_or(values))?;
        line.clear();
    }
    ids.flush()?;
    others.flush()?;
    std::fs::rename(rest, rows)
}

//! What the catalogue of a database of the shadow says about its tables.
//! Invariant: two tables have the same `definition` only if xmin tells which of their rows were written (`tables`).

use std::collections::{BTreeMap, BTreeSet};

use super::message::QualifiedName;
use super::shadow_database::{FOREIGN, ShadowDatabase};

/// Tables that are counted in one statement.
pub(super) const COUNTED_AT_ONCE: usize = 200;

/// One table, or a partitioned table with its partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TableShape {
    /// Whether it has partitions.
    pub(super) partitioned: bool,
    /// Its columns, in their order.
    pub(super) columns: Vec<String>,
    /// The columns that identify a row; empty: none do.
    pub(super) key: Vec<String>,
    /// What is compared to know whether it is still the same table: its files, columns, types and partitions.
    pub(super) definition: String,
    /// Its files and those of its partitions: others hold rows that were all written anew.
    pub(super) files: String,
}

/// What a database holds.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// Every table that is no partition.
    pub(super) tables: BTreeMap<QualifiedName, TableShape>,
    /// What decides how values of types are written beside their tables: labels of enums, members of composite types.
    types: BTreeSet<String>,
}

impl Catalogue {
    /// Reads it.
    pub(super) fn of(shadow: &ShadowDatabase, database: &str) -> Result<Self, String> {
        Ok(Self {
            tables: tables(shadow, database)?,
            types: types(shadow, database)?,
        })
    }

    /// The tables that are the same ones in a run: there, of the same definition, and with values that are written in the same way.
    pub(super) fn same_in(&self, run: &Self) -> BTreeSet<&QualifiedName> {
        // A type that is only new changes no value.
        let types = self.types.is_subset(&run.types);
        let is_same = |(name, table): &(&QualifiedName, &TableShape)| {
            let now = run.tables.get(*name);
            types && now.is_some_and(|now| now.definition == table.definition)
        };
        let same = self.tables.iter().filter(is_same);
        same.map(|(name, _)| name).collect()
    }
}

fn tables(
    shadow: &ShadowDatabase,
    database: &str,
) -> Result<BTreeMap<QualifiedName, TableShape>, String> {
    // The columns of every partition take part, so that DETACH and ATTACH are seen at the table itself.
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text, c.relkind::text,
           (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
           coalesce((SELECT (SELECT json_agg(a.attname ORDER BY k.place)::text
                FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE k.place <= i.indnkeyatts)
             FROM pg_catalog.pg_index i
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
              AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a
                               WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND NOT a.attnotnull)
            ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1), '[]'),
           (SELECT string_agg(d.part, E'\\n' ORDER BY d.part) FROM (
              SELECT concat_ws(' ', p.oid, p.relname, p.relfilenode, p.relispartition,
                (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped, a.attmissingval::text), ',' ORDER BY a.attnum)
                   FROM pg_catalog.pg_attribute a WHERE a.attrelid = p.oid AND a.attnum > 0)) AS part
                FROM pg_catalog.pg_class p
               WHERE p.oid = c.oid OR p.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t)) d),
           (SELECT string_agg(p.relfilenode::text, ' ' ORDER BY p.oid) FROM pg_catalog.pg_class p
             WHERE p.oid = c.oid OR p.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t))
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND {FOREIGN}"
    );
    let mut found = BTreeMap::new();
    for row in shadow.ask(database, &sql)? {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let name = (next(), next());
        let partitioned = next() == "p";
        let list = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
        let table = TableShape {
            partitioned,
            columns: list(&next())?,
            key: list(&next())?,
            definition: next(),
            files: next(),
        };
        found.insert(name, table);
    }
    Ok(found)
}

fn types(shadow: &ShadowDatabase, database: &str) -> Result<BTreeSet<String>, String> {
    let sql = "SELECT concat_ws(' ', enumtypid, oid, enumlabel) FROM pg_catalog.pg_enum
         UNION ALL SELECT concat_ws(' ', a.attrelid, a.attnum, a.attname, a.atttypid, a.attisdropped)
           FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'";
    let rows = shadow.ask(database, sql)?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// The tables that a run read or wrote, by its counters. Partitions count by themselves.
pub(super) fn counted(
    shadow: &ShadowDatabase,
    database: &str,
) -> Result<BTreeSet<QualifiedName>, String> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text
           FROM pg_catalog.pg_stat_all_tables s JOIN pg_catalog.pg_class c ON c.oid = s.relid
           JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) + s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 AND {FOREIGN}"
    );
    Ok(pairs(shadow.ask(database, &sql)?).collect())
}

/// The materialized views and foreign tables that a run read; their rows are not copied.
pub(super) fn not_seeded(shadow: &ShadowDatabase, database: &str) -> Result<Vec<String>, String> {
    let sql = format!(
        "SELECT n.nspname || '.' || c.relname
           FROM pg_catalog.pg_stat_all_tables s JOIN pg_catalog.pg_class c ON c.oid = s.relid AND c.relkind IN ('m', 'f')
           JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) > 0 AND {FOREIGN} ORDER BY 1"
    );
    Ok(shadow
        .ask(database, &sql)?
        .into_iter()
        .flatten()
        .flatten()
        .collect())
}

/// Last value of each sequence.
pub(super) fn sequences(
    shadow: &ShadowDatabase,
    database: &str,
) -> Result<BTreeMap<String, Option<i64>>, String> {
    let sql =
        "SELECT schemaname || '.' || sequencename, last_value::text FROM pg_catalog.pg_sequences";
    let rows = shadow.ask(database, sql)?.into_iter();
    let entry = |mut row: Vec<Option<String>>| {
        let last = row.pop()?.and_then(|last| last.parse().ok());
        Some((row.pop()??, last))
    };
    Ok(rows.filter_map(entry).collect())
}

fn pairs(rows: Vec<Vec<Option<String>>>) -> impl Iterator<Item = QualifiedName> {
    rows.into_iter().filter_map(|row| {
        let mut cells = row.into_iter();
        Some((cells.next()??, cells.next()??))
    })
}

//! What every run of the change begins with, read once before any of them.
//! Invariant: every table that was copied has as many rows here as were read in production (`Base::read`).

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{COUNTED_AT_ONCE, Catalogue};
use super::message::QualifiedName;
use super::shadow_database::{BASE, FOREIGN, ShadowDatabase, quoted_name, shown};

/// The base as it was before a run.
pub(super) struct Base {
    /// Its tables and types.
    pub(super) catalogue: Catalogue,
    /// Every transaction of a run has this id or a higher one.
    pub(super) boundary: u64,
    relations: BTreeMap<QualifiedName, Relation>,
    copied: BTreeMap<QualifiedName, u64>,
}

/// A table, a partition or a partitioned table.
#[derive(Default)]
struct Relation {
    /// Whether it has rows of its own.
    plain: bool,
    /// Where its rows are counted: itself, or the partitioned table that it is a part of.
    root: QualifiedName,
    /// Its partitions, and the tables that it refers to.
    needs: BTreeSet<QualifiedName>,
}

impl Base {
    /// Reads it, and counts what was copied.
    pub(super) fn read(
        shadow: &ShadowDatabase,
        copied: BTreeMap<QualifiedName, u64>,
    ) -> Result<Self, String> {
        let names: Vec<&QualifiedName> = copied.keys().collect();
        for (name, here) in names.iter().zip(count(shadow, &names)?) {
            let read = copied[*name];
            if here != read {
                return Err(format!(
                    "{read} rows of {} were read, and {here} are in the shadow",
                    shown(name)
                ));
            }
        }
        let sql = "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text";
        let boundary = shadow
            .ask(BASE, sql)?
            .into_iter()
            .flatten()
            .flatten()
            .next();
        let boundary = boundary.and_then(|id| id.parse().ok());
        Ok(Self {
            catalogue: Catalogue::of(shadow, BASE)?,
            boundary: boundary.ok_or("the shadow tells no transaction id")?,
            relations: relations(shadow)?,
            copied,
        })
    }

    /// Those of these tables that have rows of their own, their partitions, and the tables without which their foreign keys do not
    /// hold. By name: a table of that name is what production has.
    pub(super) fn demanded(&self, names: BTreeSet<QualifiedName>) -> BTreeSet<QualifiedName> {
        let mut open: Vec<QualifiedName> = names.into_iter().collect();
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            let Some(relation) = self.relations.get(&name) else {
                continue;
            };
            if found.insert(name) {
                open.extend(relation.needs.iter().cloned());
            }
        }
        found.retain(|name| self.relations[name].plain);
        found
    }

    /// The rows of each table, with its partitions.
    pub(super) fn rows(
        &self,
        shadow: &ShadowDatabase,
    ) -> Result<BTreeMap<&QualifiedName, u64>, String> {
        let plain = self.relations.iter().filter(|(_, relation)| relation.plain);
        let others = plain
            .map(|(name, _)| name)
            .filter(|name| !self.copied.contains_key(*name));
        let others: Vec<&QualifiedName> = others.collect();
        let counts = count(shadow, &others)?;
        let counts = others.into_iter().zip(counts);
        let mut found = BTreeMap::new();
        for (name, rows) in counts.chain(self.copied.iter().map(|(name, rows)| (name, *rows))) {
            *found.entry(&self.relations[name].root).or_default() += rows;
        }
        Ok(found)
    }
}

fn count(shadow: &ShadowDatabase, names: &[&QualifiedName]) -> Result<Vec<u64>, String> {
    let mut found = Vec::with_capacity(names.len());
    for some in names.chunks(COUNTED_AT_ONCE) {
        let one = |(at, name): (usize, &&QualifiedName)| {
            let table = quoted_name(name);
            format!("SELECT {at} AS at, count(*)::text FROM ONLY {table}")
        };
        let counts: Vec<String> = some.iter().enumerate().map(one).collect();
        let counts = format!("{} ORDER BY 1", counts.join(" UNION ALL "));
        let mut rows = shadow.ask(BASE, &counts)?.into_iter();
        for name in some {
            let rows = rows
                .next()
                .and_then(|row| row.get(1)?.as_ref()?.parse().ok());
            found.push(rows.ok_or_else(|| format!("{} was not counted", shown(name)))?);
        }
    }
    Ok(found)
}

fn relations(shadow: &ShadowDatabase) -> Result<BTreeMap<QualifiedName, Relation>, String> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text, c.relkind::text, q.nspname::text, r.relname::text, m.nspname::text, d.relname::text
           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_catalog.pg_class r ON r.oid = coalesce(pg_catalog.pg_partition_root(c.oid)::oid, c.oid)
           JOIN pg_catalog.pg_namespace q ON q.oid = r.relnamespace
           LEFT JOIN (SELECT k.conrelid AS of, k.confrelid AS needed FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'
                UNION SELECT i.inhparent, i.inhrelid FROM pg_catalog.pg_inherits i
                      JOIN pg_catalog.pg_class p ON p.oid = i.inhrelid AND p.relispartition) e ON e.of = c.oid
           LEFT JOIN pg_catalog.pg_class d ON d.oid = e.needed LEFT JOIN pg_catalog.pg_namespace m ON m.oid = d.relnamespace
          WHERE c.relkind IN ('r', 'p') AND {FOREIGN}"
    );
    let mut found: BTreeMap<QualifiedName, Relation> = BTreeMap::new();
    for row in shadow.ask(BASE, &sql)? {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let (of, kind, root) = ((next(), next()), next(), (next(), next()));
        let needed = (next(), next());
        let relation = found.entry(of).or_default();
        relation.plain = kind == "r";
        relation.root = root;
        if !needed.1.is_empty() {
            relation.needs.insert(needed);
        }
    }
    Ok(found)
}

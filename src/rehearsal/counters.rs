//! The counters of the shadow's server: which rows the transactions of the change wrote.
//! Invariant: they are read after a row of our own was counted behind the change, so that those of the change are there before
//! (`phase_ended`).

use std::collections::BTreeMap;

use super::catalogue::Catalogue;
use super::shadow_database::{FOREIGN, SENTINEL, ShadowDatabase, shown};
use crate::run::{TableCounters, WriteCounters};
use crate::survey::Rehearsed;

/// Reads the counters behind each phase of a run.
#[derive(Debug, Default)]
pub(super) struct CounterReading {
    /// Of each table by its oid, as they stood behind the last phase.
    last: BTreeMap<String, [u64; 3]>,
    found: WriteCounters,
}

impl CounterReading {
    /// Takes the counters of the phase that has just ended.
    pub(super) fn phase_ended(&mut self, shadow: &ShadowDatabase) -> Result<(), String> {
        let database = &shadow.plan().database;
        // It counts although it is undone, and leaves no row.
        shadow.ask(
            database,
            &format!("BEGIN; INSERT INTO {SENTINEL}.written VALUES (0, 'counted'); ROLLBACK"),
        )?;
        shadow.leave();
        shadow.wait_for_counters(self.phases() + 1)?;
        let sql = format!(
            "SELECT c.oid::text, n.nspname::text, c.relname::text, sum(s.n_tup_ins)::text, sum(s.n_tup_upd)::text, sum(s.n_tup_del)::text
               FROM pg_catalog.pg_stat_all_tables s JOIN pg_catalog.pg_class k ON k.oid = s.relid AND k.relkind IN ('r', 'p')
               JOIN pg_catalog.pg_class c ON c.oid = coalesce(pg_catalog.pg_partition_root(k.oid)::oid, k.oid)
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE {FOREIGN} GROUP BY 1, 2, 3 ORDER BY 2, 3"
        );
        let mut phase = Vec::new();
        for row in shadow.ask(database, &sql)? {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || cells.next().unwrap_or_default();
            let (oid, schema, table) = (next(), next(), next());
            let counted = [(); 3].map(|()| next().parse::<u64>().unwrap_or(0));
            let before = self.last.insert(oid, counted).unwrap_or_default();
            let [inserted, updated, deleted] =
                [0, 1, 2].map(|at| Rehearsed::new(counted[at].saturating_sub(before[at])));
            let one = TableCounters {
                schema,
                table,
                inserted,
                updated,
                deleted,
            };
            if counted != before {
                phase.push(one);
            }
        }
        self.found.phases.push(phase);
        Ok(())
    }

    /// How many phases were counted.
    pub(super) fn phases(&self) -> usize {
        self.found.phases.len()
    }

    /// What was counted, and in what the counters are blind.
    pub(super) fn finish(mut self, base: &Catalogue, run: &Catalogue) -> WriteCounters {
        for (name, was) in &base.tables {
            let why = match run.tables.get(name) {
                None => "is gone",
                Some(is) if is.files != was.files => {
                    "has other files: it is truncated, written anew, or other partitions are attached"
                }
                Some(_) => continue,
            };
            self.found.blind.push(format!("{} {why}", shown(name)));
        }
        self.found
    }
}

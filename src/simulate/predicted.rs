//! The predicted effect: how many rows a live run would insert, update and delete in each table.
//! Invariant: every recorded count is SIMULATED. Held by the type of the fields of `TableEffect`.

use serde::{Deserialize, Serialize};

use super::Lifecycle;
use crate::survey::Simulated;

/// The predicted rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableEffect {
    /// Name of the table.
    pub table: String,
    /// Rows that would be inserted.
    pub insert: Simulated<u64>,
    /// Rows that would be updated.
    pub update: Simulated<u64>,
    /// Rows that would be deleted.
    pub delete: Simulated<u64>,
}

/// The predicted effect of a live run, table by table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PredictedEffect {
    /// One entry for each table that the lifecycle or the protected list names.
    pub tables: Vec<TableEffect>,
}

impl PredictedEffect {
    /// The effect of cutting `cut` units and enacting `enact` units. Tables of `protected` that no step
    /// changes are listed with zeros.
    pub fn of(lifecycle: &Lifecycle, cut: u64, enact: u64, protected: &[String]) -> Self {
        let tables = lifecycle
            .tables(protected.iter().map(String::as_str))
            .into_iter()
            .map(|table| {
                // Inserted, updated, deleted: number of units times the rows that the profile declares for one.
                let mut sums = [0_u64; 3];
                // Profile and journal may name any number. A sum stops at the end of the type: it must not wrap to a small one.
                for (count, effects) in [(cut, &lifecycle.cut), (enact, &lifecycle.enact)] {
                    let add = |sum: &mut u64, rows: u64| {
                        *sum = sum.saturating_add(count.saturating_mul(rows));
                    };
                    // A lifecycle may name a table more than once in a step: its effects add up.
                    for effect in effects.iter().filter(|effect| effect.table == table) {
                        add(&mut sums[0], effect.insert);
                        add(&mut sums[1], effect.update);
                        add(&mut sums[2], effect.delete);
                    }
                }
                TableEffect {
                    table,
                    insert: Simulated::new(sums[0]),
                    update: Simulated::new(sums[1]),
                    delete: Simulated::new(sums[2]),
                }
            })
            .collect();
        Self { tables }
    }

    /// All inserted, updated and deleted rows of all tables.
    pub fn rows(&self) -> Simulated<u64> {
        Simulated::new(total(self.tables.iter().map(TableEffect::rows)))
    }

    /// The deleted rows of all tables.
    pub fn deleted(&self) -> Simulated<u64> {
        Simulated::new(total(self.tables.iter().map(|table| *table.delete.get())))
    }

    /// The tables of which at least one row would change.
    pub fn touched(&self) -> impl Iterator<Item = &TableEffect> {
        self.tables.iter().filter(|table| table.rows() > 0)
    }
}

impl TableEffect {
    /// Inserted, updated and deleted rows of this table together.
    pub fn rows(&self) -> u64 {
        total([*self.insert.get(), *self.update.get(), *self.delete.get()])
    }

    /// The effect in words, as `~60 updated, ~60 added`; empty: no row would change.
    pub fn words(&self) -> String {
        [
            (&self.update, "updated"),
            (&self.insert, "added"),
            (&self.delete, "deleted"),
        ]
        .into_iter()
        .filter(|(count, _)| *count.get() > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
    }
}

fn total(rows: impl IntoIterator<Item = u64>) -> u64 {
    rows.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::PredictedEffect;
    use crate::simulate::{Lifecycle, RowEffect};

    #[test]
    fn a_sum_that_does_not_fit_never_becomes_a_small_one() {
        let effect = RowEffect {
            table: "t".to_owned(),
            insert: u64::MAX,
            update: 2,
            delete: u64::MAX / 2,
        };
        let lifecycle = Lifecycle {
            states: Vec::new(),
            initial: "draft".to_owned(),
            target: "enacted".to_owned(),
            cut: Vec::new(),
            enact: vec![effect],
        };
        let predicted = PredictedEffect::of(&lifecycle, 0, 60, &[]);
        assert_eq!(*predicted.rows().get(), u64::MAX);
        assert_eq!(*predicted.deleted().get(), u64::MAX);
    }
}

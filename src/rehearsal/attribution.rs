//! Whose the rows are that a rehearsal did not write: the change's, another transaction's, or one's of which that cannot be told.
//! Invariant: what wrote a row that is as rehearsed is not taken for the change by that alone, because a row can be written again with
//! the same values (`Authors::of`).

use std::collections::{BTreeMap, BTreeSet};

use crate::run::{RowAfter, RowOutcome, TableRowsAfter};

/// Rows beside the change that are named of one transaction, and how many transactions are.
const NAMED_OF_ONE: usize = 20;
const TRANSACTIONS_NAMED: usize = 1_000;
/// Transactions of one table that are told apart.
const TRANSACTIONS_MAX: usize = 1_000_000;

/// The rows that each transaction of production wrote.
type Written = BTreeMap<u32, u64>;

/// What transactions of production wrote in one table.
#[derive(Default)]
pub(super) struct TableWriters {
    /// What is as rehearsed, by the transaction that wrote it in the rehearsal.
    as_rehearsed: BTreeMap<u32, Written>,
    /// What the rehearsal did not write: rows inserted and changed.
    beside: BTreeMap<u32, [u64; 2]>,
    /// The first ones.
    named: BTreeMap<u32, Vec<RowAfter>>,
    /// Rows that are as rehearsed, and further ones that are like them: by whom these were rehearsed, and how many.
    alike: Vec<(u32, u64, AlikeRows)>,
    /// Whether there were too many transactions.
    too_many: bool,
}

/// Rows of production that cannot be told apart: in all that each run gives alike they are the same.
#[derive(Default)]
pub(super) struct AlikeRows {
    written: Written,
    /// The first one of a transaction.
    named: BTreeMap<u32, RowAfter>,
}

impl AlikeRows {
    /// One that was inserted.
    pub(super) fn there(&mut self, transaction: u32, row: RowAfter) {
        *self.written.entry(transaction).or_default() += 1;
        if self.named.len() < NAMED_OF_ONE {
            self.named.entry(transaction).or_insert(row);
        }
    }

    /// How many there are.
    pub(super) fn rows(&self) -> u64 {
        self.written.values().sum()
    }
}

impl TableWriters {
    /// A row that is as rehearsed; `by` wrote it in the rehearsal.
    pub(super) fn as_rehearsed(&mut self, by: u32, transaction: u32) {
        let written = self.as_rehearsed.entry(by).or_default();
        *written.entry(transaction).or_default() += 1;
    }

    /// Rows that are like `rehearsed` ones that `by` inserted in the rehearsal: not fewer.
    pub(super) fn alike(&mut self, by: u32, rehearsed: u64, alike: AlikeRows) {
        if alike.rows() > rehearsed {
            self.alike.push((by, rehearsed, alike));
            return;
        }
        let written = self.as_rehearsed.entry(by).or_default();
        for (transaction, rows) in alike.written {
            *written.entry(transaction).or_default() += rows;
        }
    }

    /// A row that the rehearsal did not write.
    pub(super) fn beside(&mut self, transaction: u32, row: RowAfter) {
        if self.beside.len() == TRANSACTIONS_MAX && !self.beside.contains_key(&transaction) {
            self.too_many = true;
            return;
        }
        let counts = self.beside.entry(transaction).or_default();
        counts[usize::from(row.outcome != RowOutcome::Inserted)] += 1;
        if self.named.len() < TRANSACTIONS_NAMED || self.named.contains_key(&transaction) {
            let named = self.named.entry(transaction).or_default();
            if named.len() < NAMED_OF_ONE {
                named.push(row);
            }
        }
    }

    /// Why it is not known of every row whose it is.
    pub(super) fn not_checked(&self, table: &str) -> Option<String> {
        self.too_many.then(|| {
            format!("{table}: more than {TRANSACTIONS_MAX} transactions wrote rows of it beside the change")
        })
    }

    /// Counts what is beside the change, and names it: first what is its own.
    fn tell(self, authors: &Authors, table: &mut TableRowsAfter) {
        for (_, mut rehearsed, mut alike) in self.alike {
            // Those of the change are the rehearsed ones.
            let mut written: Vec<(u32, u64)> = alike.written.into_iter().collect();
            written.sort_by_key(|(transaction, _)| {
                let own = authors.own.contains(transaction);
                (!own, !authors.doubtful.contains(transaction))
            });
            for (transaction, rows) in written {
                let beside = rows.saturating_sub(rehearsed);
                rehearsed = rehearsed.saturating_sub(rows);
                let outcome = authors.told(transaction, RowOutcome::Inserted);
                let mut named = alike.named.remove(&transaction).filter(|_| beside > 0);
                if let Some(row) = &mut named {
                    row.outcome = outcome;
                }
                table.add(outcome, beside, named.into_iter().collect());
            }
        }
        let mut named = self.named;
        let (own, others): (Vec<_>, Vec<_>) = (self.beside.into_iter())
            .partition(|(transaction, _)| authors.own.contains(transaction));
        for (transaction, counts) in own.into_iter().chain(others) {
            let mut rows = named.remove(&transaction).unwrap_or_default();
            for (done, count) in [RowOutcome::Inserted, RowOutcome::Changed]
                .into_iter()
                .zip(counts)
            {
                let outcome = authors.told(transaction, done);
                let mut told: Vec<RowAfter> =
                    rows.extract_if(.., |row| row.outcome == done).collect();
                for row in &mut told {
                    row.outcome = outcome;
                }
                table.add(outcome, count, told);
            }
        }
    }
}

/// Tells of every row beside the change whose it is. `phases`: so many transactions the change has by itself.
pub(super) fn attribute(tables: &mut [TableRowsAfter], writers: Vec<TableWriters>, phases: usize) {
    let authors = Authors::of(&writers, phases);
    for (table, writers) in tables.iter_mut().zip(writers) {
        writers.tell(&authors, table);
    }
}

/// The transactions of production that are the change's.
#[derive(Default)]
struct Authors {
    own: BTreeSet<u32>,
    /// They wrote rows of the change, and may have written them again.
    doubtful: BTreeSet<u32>,
    /// The first and the last one of a change that has transactions within transactions, or may have been carried out in more of them
    /// than it was rehearsed in (without `BEGIN`): one between them can be its own.
    between: Option<[u32; 2]>,
}

impl Authors {
    /// One transaction of the rehearsal is one of production: that which wrote most of its rows, in most of its tables, before any other
    /// that wrote one of them.
    fn of(tables: &[TableWriters], phases: usize) -> Self {
        let mut found = Self::default();
        let mut by_transaction: BTreeMap<u32, Written> = BTreeMap::new();
        // Of more rows than were rehearsed all can be of one transaction.
        let alike = tables.iter().flat_map(|table| &table.alike);
        for (by, rehearsed, alike) in alike {
            let mut wrote_all = alike.written.iter().filter(|(_, rows)| *rows >= rehearsed);
            if let (Some((author, _)), None) = (wrote_all.next(), wrote_all.next()) {
                let authors = by_transaction.entry(*by).or_default();
                *authors.entry(*author).or_default() += rehearsed;
            }
        }
        for (by, written) in tables.iter().flat_map(|table| &table.as_rehearsed) {
            let most = most_and_first(written);
            match most {
                Some((author, rows)) => {
                    let authors = by_transaction.entry(*by).or_default();
                    *authors.entry(author).or_default() += rows;
                }
                None => found.doubtful.extend(written.keys()),
            }
        }
        for authors in by_transaction.values() {
            let author = most_and_first(authors).map(|(author, _)| author);
            found.own.extend(author);
            found.doubtful.extend(authors.keys());
        }
        found.doubtful.retain(|one| !found.own.contains(one));
        let of_change = found.own.iter().chain(&found.doubtful);
        let first = of_change.clone().copied().reduce(older);
        let last = of_change
            .copied()
            .reduce(|a, b| if older(a, b) == a { b } else { a });
        let rehearsed: BTreeSet<&u32> = tables
            .iter()
            .flat_map(|table| table.as_rehearsed.keys())
            .collect();
        if let Some((first, mut last)) = first.zip(last)
            && (rehearsed.len() > phases || !found.doubtful.is_empty())
        {
            // One that did only what was not rehearsed can come right behind the last one.
            while tables
                .iter()
                .any(|it| it.beside.contains_key(&last.wrapping_add(1)))
            {
                last = last.wrapping_add(1);
            }
            found.between = Some([first, last]);
        }
        found
    }

    /// What a row beside is, by the transaction that wrote it.
    fn told(&self, transaction: u32, outcome: RowOutcome) -> RowOutcome {
        if self.own.contains(&transaction) {
            return outcome;
        }
        let is_between = |[first, last]: [u32; 2]| {
            older(first, transaction) == first && older(transaction, last) == transaction
        };
        if self.doubtful.contains(&transaction) || self.between.is_some_and(is_between) {
            return RowOutcome::Unattributed;
        }
        match outcome {
            RowOutcome::Inserted => RowOutcome::OthersInserted,
            _ => RowOutcome::OthersChanged,
        }
    }
}

/// The one that wrote more than half of the rows, where none of the others began to write before it.
fn most_and_first(written: &Written) -> Option<(u32, u64)> {
    let rows: u64 = written.values().sum();
    let first = written.keys().copied().reduce(older)?;
    let of_first = written[&first];
    (of_first * 2 > rows).then_some((first, of_first))
}

/// The older one of two transactions, whose ids wrap around.
fn older(one: u32, two: u32) -> u32 {
    if two.wrapping_sub(one) < 1 << 31 {
        one
    } else {
        two
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a row beside, by the transaction that wrote it.
    fn told(tables: &[&[(u32, u32, u64)]], phases: usize, asked: u32) -> RowOutcome {
        let table = |rows: &&[(u32, u32, u64)]| {
            let mut table = TableWriters::default();
            for (by, transaction, rows) in *rows {
                for _ in 0..*rows {
                    table.as_rehearsed(*by, *transaction);
                }
            }
            table.beside.insert(asked, [0, 1]);
            table
        };
        let tables: Vec<TableWriters> = tables.iter().map(table).collect();
        Authors::of(&tables, phases).told(asked, RowOutcome::Changed)
    }

    #[test]
    fn a_transaction_is_the_changes_only_where_nothing_else_explains_it() {
        use RowOutcome::{Changed, OthersChanged, Unattributed};
        for (tables, phases, asked, outcome) in [
            // One transaction, and one that wrote nothing of the change.
            (&[&[(1, 50, 300)][..]][..], 1, 50, Changed),
            (&[&[(1, 50, 300)]], 1, 60, OthersChanged),
            // A row of it was written again.
            (&[&[(1, 50, 299), (1, 60, 1)]], 1, 50, Changed),
            (&[&[(1, 50, 299), (1, 60, 1)]], 1, 60, OthersChanged),
            // Most of it was: which of both is it?
            (&[&[(1, 50, 1), (1, 60, 299)]], 1, 50, Unattributed),
            (&[&[(1, 50, 1), (1, 60, 299)]], 1, 60, Unattributed),
            (&[&[(1, 50, 1), (1, 60, 1)]], 1, 60, Unattributed),
            (&[&[(1, 50, 1), (1, 60, 299)]], 1, 55, Unattributed),
            (&[&[(1, 50, 1), (1, 60, 299)]], 1, 49, OthersChanged),
            (&[&[(1, 50, 1), (1, 60, 299)]], 1, 70, OthersChanged),
            // All rows of it in one of two tables.
            (&[&[(1, 50, 300)], &[(1, 60, 2)]], 1, 50, Changed),
            (&[&[(1, 50, 300)], &[(1, 60, 2)]], 1, 60, Unattributed),
            (&[&[(1, 50, 300)], &[(1, 60, 2)]], 1, 55, Unattributed),
            (&[&[(1, 50, 2)], &[(1, 60, 2)]], 1, 50, Unattributed),
            // Two phases that write one table.
            (&[&[(1, 50, 100), (2, 60, 200)]], 2, 50, Changed),
            (&[&[(1, 50, 100), (2, 60, 200)]], 2, 60, Changed),
            (&[&[(1, 50, 100), (2, 60, 200)]], 2, 55, OthersChanged),
            // Transactions within transactions.
            (
                &[&[(1, 50, 1), (2, 52, 1), (3, 54, 1)]],
                1,
                53,
                Unattributed,
            ),
            (
                &[&[(1, 50, 1), (2, 52, 1), (3, 54, 1)]],
                1,
                55,
                Unattributed,
            ),
            (
                &[&[(1, 50, 1), (2, 52, 1), (3, 54, 1)]],
                1,
                57,
                OthersChanged,
            ),
            // Ids wrap around.
            (&[&[(1, u32::MAX, 299), (1, 3, 1)]], 1, 3, OthersChanged),
            (&[&[(1, u32::MAX, 299), (1, 3, 1)]], 1, u32::MAX, Changed),
            // A change that only deletes leaves no row.
            (&[&[]], 1, 50, OthersChanged),
        ] {
            assert_eq!(told(tables, phases, asked), outcome, "{tables:?} {asked}");
        }
    }
}

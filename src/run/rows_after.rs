//! The rows of a rehearsed change beside those of production afterwards: what came of each. `recheck --after` shows it.
//! Invariant: only what was read whole and compared lets a change come true (`RowsAfter::carried_out`).

use serde::{Deserialize, Serialize};

use super::{CarriedOut, RowOperation, counted};

/// Rows of a table that are named; the rest is counted.
pub const NAMED_MAX: usize = 200;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    /// It is as the rehearsal left it.
    AsRehearsed,
    /// It is as it was before: the change did not reach it.
    NotDone,
    /// It is neither.
    Otherwise,
    /// A transaction of the change inserted it, and the rehearsal did not.
    Inserted,
    /// A transaction of the change wrote it, and the rehearsal left it alone.
    Changed,
    /// It is gone, and the rehearsal did not delete it. By whom cannot be seen.
    Deleted,
    /// The rehearsal did not write it, and whether the change or another transaction did cannot be told.
    Unattributed,
    /// Another transaction inserted it.
    OthersInserted,
    /// The rehearsal left it alone, and another transaction wrote it since.
    OthersChanged,
}

impl RowOutcome {
    /// All, in the order in which they are told.
    const ALL: [Self; 9] = [
        Self::AsRehearsed,
        Self::NotDone,
        Self::Otherwise,
        Self::Inserted,
        Self::Changed,
        Self::Deleted,
        Self::Unattributed,
        Self::OthersInserted,
        Self::OthersChanged,
    ];

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::AsRehearsed => "as rehearsed",
            Self::NotDone => "not done",
            Self::Otherwise => "done otherwise",
            Self::Inserted => "inserted by the change beside",
            Self::Changed => "changed by the change beside",
            Self::Deleted => "deleted beside",
            Self::Unattributed => "written beside, by the change or by others",
            Self::OthersInserted => "inserted by others",
            Self::OthersChanged => "changed by others",
        }
    }
}

/// A value on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ValueAfter {
    /// The column.
    pub column: String,
    /// As it was rehearsed; null: NULL, or there is no such row. Of a column that is not in `rehearsal.show` a mark of the value.
    pub rehearsed: Option<String>,
    /// As it is; null: NULL, or there is no such row. Of a column that is not in `rehearsal.show` a mark of the value.
    pub now: Option<String>,
}

/// A row, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowAfter {
    /// Its key where each column of it may be shown, else the beginning of its hash.
    pub row: String,
    /// What the rehearsal did to it; null: nothing.
    pub operation: Option<RowOperation>,
    /// What became of it.
    pub outcome: RowOutcome,
    /// The values that differ, or of a row that one side alone has those that may be shown.
    pub values: Vec<ValueAfter>,
}

impl RowAfter {
    /// `update id=7 done otherwise: region rehearsed EU, now US`.
    pub fn line(&self) -> String {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
        let value = |value: &ValueAfter| {
            let (rehearsed, now) = (side(&value.rehearsed), side(&value.now));
            format!("{} rehearsed {rehearsed}, now {now}", value.column)
        };
        let values: Vec<String> = self.values.iter().map(value).collect();
        let does = self.operation.map(RowOperation::name);
        let does = does.map_or_else(String::new, |does| format!("{does} "));
        let mut line = format!("{does}{} {}", self.row, self.outcome.words());
        if !values.is_empty() {
            line.push_str(": ");
            line.push_str(&values.join("; "));
        }
        line
    }
}

/// The rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableRowsAfter {
    /// Schema and name.
    pub table: String,
    /// Rows of the change that are as rehearsed.
    pub as_rehearsed: u64,
    /// Rows of the change that are as before.
    pub not_done: u64,
    /// Rows of the change that are neither.
    pub otherwise: u64,
    /// Rows that the change inserted beside.
    pub inserted: u64,
    /// Rows that the change wrote beside.
    pub changed: u64,
    /// Rows that are gone beside what was rehearsed.
    pub deleted: u64,
    /// Rows that the rehearsal did not write, and the change or another transaction did: which of them cannot be told.
    pub unattributed: u64,
    /// Rows that other transactions inserted since. They are no difference.
    pub others_inserted: u64,
    /// Rows that the change leaves alone, and other transactions wrote since. They are no difference.
    pub others_changed: u64,
    /// The rows that are not as rehearsed, at most 200.
    pub rows: Vec<RowAfter>,
}

impl TableRowsAfter {
    /// Counts rows of one outcome, and names these of them.
    pub fn add(&mut self, outcome: RowOutcome, rows: u64, named: Vec<RowAfter>) {
        *match outcome {
            RowOutcome::AsRehearsed => &mut self.as_rehearsed,
            RowOutcome::NotDone => &mut self.not_done,
            RowOutcome::Otherwise => &mut self.otherwise,
            RowOutcome::Inserted => &mut self.inserted,
            RowOutcome::Changed => &mut self.changed,
            RowOutcome::Deleted => &mut self.deleted,
            RowOutcome::Unattributed => &mut self.unattributed,
            RowOutcome::OthersInserted => &mut self.others_inserted,
            RowOutcome::OthersChanged => &mut self.others_changed,
        } += rows;
        if outcome != RowOutcome::AsRehearsed {
            let room = NAMED_MAX.saturating_sub(self.rows.len());
            self.rows.extend(named.into_iter().take(room));
        }
    }

    /// `shop.orders: 999 as rehearsed, 1 not done`.
    pub fn line(&self) -> String {
        let counts = self.counts();
        let count = |(outcome, rows): &(RowOutcome, u64)| format!("{rows} {}", outcome.words());
        let counts: Vec<String> = counts.iter().map(count).collect();
        if counts.is_empty() {
            return format!("{}: no row", self.table);
        }
        format!("{}: {}", self.table, counts.join(", "))
    }

    /// How many rows came to what; what no row came to is left out.
    pub fn counts(&self) -> Vec<(RowOutcome, u64)> {
        let all = [
            (RowOutcome::AsRehearsed, self.as_rehearsed),
            (RowOutcome::NotDone, self.not_done),
            (RowOutcome::Otherwise, self.otherwise),
            (RowOutcome::Inserted, self.inserted),
            (RowOutcome::Changed, self.changed),
            (RowOutcome::Deleted, self.deleted),
            (RowOutcome::Unattributed, self.unattributed),
            (RowOutcome::OthersInserted, self.others_inserted),
            (RowOutcome::OthersChanged, self.others_changed),
        ];
        all.into_iter().filter(|(_, rows)| *rows > 0).collect()
    }
}

/// What became of the schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SchemaOutcome {
    /// The change does not alter it, and it is as before.
    #[default]
    Unchanged,
    /// It is as the rehearsal left it.
    AsRehearsed,
    /// It is as before.
    NotDone,
    /// It is neither.
    Otherwise,
}

impl SchemaOutcome {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unchanged => "as before",
            Self::AsRehearsed => "as rehearsed",
            Self::NotDone => "not done",
            Self::Otherwise => "otherwise",
        }
    }
}

/// Everything that the rehearsal changed, beside what is there now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowsAfter {
    /// The tables that it wrote or defined anew.
    pub tables: Vec<TableRowsAfter>,
    /// The schema.
    pub schema: SchemaOutcome,
    /// The lines of the schema that differ from the rehearsed ones: `-` is missing, `+` is there beside.
    pub schema_lines: Vec<String>,
    /// What could not be compared, each with its reason.
    pub not_checked: Vec<String>,
}

impl RowsAfter {
    fn sum(&self, outcome: RowOutcome) -> u64 {
        let counts = self.tables.iter().flat_map(TableRowsAfter::counts);
        let of = counts.filter(|(one, _)| *one == outcome);
        of.map(|(_, rows)| rows).sum()
    }

    /// How many rows of a table other transactions inserted.
    pub fn inserted_by_others(&self, table: &str) -> u64 {
        let mut tables = self.tables.iter();
        let table = tables.find(|it| it.table == table);
        table.map_or(0, |table| table.others_inserted)
    }

    /// What came of the change; `None`: something was not compared, so that nothing can be said. What other transactions inserted or
    /// wrote since is no part of it.
    pub fn carried_out(&self) -> Option<CarriedOut> {
        use RowOutcome as O;
        let as_rehearsed = self.sum(O::AsRehearsed);
        let missing = self.sum(O::NotDone) + self.sum(O::Otherwise);
        let beside = self.sum(O::Inserted) + self.sum(O::Changed) + self.sum(O::Deleted);
        let altered = self.schema == SchemaOutcome::AsRehearsed;
        let schema_fits = altered || self.schema == SchemaOutcome::Unchanged;
        if missing + beside > 0 || !schema_fits {
            let nothing_done = as_rehearsed + self.sum(O::Otherwise) == 0
                && !altered
                && self.schema != SchemaOutcome::Otherwise;
            let is_missing = self.sum(O::NotDone) > 0 || self.schema == SchemaOutcome::NotDone;
            return Some(if nothing_done && is_missing && beside == 0 {
                CarriedOut::NotCarriedOut
            } else {
                CarriedOut::DidNotComeTrue
            });
        }
        let is_whole = self.not_checked.is_empty() && self.sum(O::Unattributed) == 0;
        is_whole.then_some(CarriedOut::CameTrue)
    }

    /// `180 rows as rehearsed, 1 row not done, schema as rehearsed`.
    pub fn words(&self) -> String {
        use RowOutcome as O;
        let counts = O::ALL
            .into_iter()
            .map(|outcome| (outcome, self.sum(outcome)));
        let counts = counts.filter(|(outcome, rows)| *rows > 0 || *outcome == O::AsRehearsed);
        let count = |(outcome, rows): (RowOutcome, u64)| {
            let rows = counted(usize::try_from(rows).unwrap_or(usize::MAX), "row");
            format!("{rows} {}", outcome.words())
        };
        let mut words: Vec<String> = counts.map(count).collect();
        words.push(format!("schema {}", self.schema.words()));
        if !self.not_checked.is_empty() {
            words.push("something could not be compared".to_owned());
        }
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as rehearsed, not done, otherwise, inserted, changed, deleted, by others.
    fn after(counts: [u64; 7], schema: SchemaOutcome) -> RowsAfter {
        let [
            as_rehearsed,
            not_done,
            otherwise,
            inserted,
            changed,
            deleted,
            others,
        ] = counts;
        RowsAfter {
            tables: vec![TableRowsAfter {
                as_rehearsed,
                not_done,
                otherwise,
                inserted,
                changed,
                deleted,
                others_inserted: others,
                others_changed: others,
                ..TableRowsAfter::default()
            }],
            schema,
            ..RowsAfter::default()
        }
    }

    #[test]
    fn each_way_that_a_change_can_end_has_its_outcome() {
        use CarriedOut::{CameTrue, DidNotComeTrue, NotCarriedOut};
        use SchemaOutcome as S;
        for (counts, schema, outcome) in [
            ([3, 0, 0, 0, 0, 0, 0], S::Unchanged, CameTrue),
            ([3, 0, 0, 0, 0, 0, 9], S::AsRehearsed, CameTrue),
            ([0, 0, 0, 0, 0, 0, 0], S::AsRehearsed, CameTrue),
            ([0, 3, 0, 0, 0, 0, 9], S::Unchanged, NotCarriedOut),
            ([0, 3, 0, 0, 0, 0, 0], S::NotDone, NotCarriedOut),
            ([0, 0, 0, 0, 0, 0, 0], S::NotDone, NotCarriedOut),
            ([2, 1, 0, 0, 0, 0, 0], S::Unchanged, DidNotComeTrue),
            ([2, 0, 1, 0, 0, 0, 0], S::Unchanged, DidNotComeTrue),
            ([3, 0, 0, 1, 0, 0, 0], S::Unchanged, DidNotComeTrue),
            ([3, 0, 0, 0, 1, 0, 0], S::Unchanged, DidNotComeTrue),
            ([3, 0, 0, 0, 0, 1, 0], S::Unchanged, DidNotComeTrue),
            ([3, 0, 0, 0, 0, 0, 0], S::NotDone, DidNotComeTrue),
            ([3, 0, 0, 0, 0, 0, 0], S::Otherwise, DidNotComeTrue),
            ([0, 3, 0, 0, 0, 0, 0], S::AsRehearsed, DidNotComeTrue),
            ([0, 3, 0, 0, 0, 0, 0], S::Otherwise, DidNotComeTrue),
            ([0, 3, 0, 1, 0, 0, 0], S::Unchanged, DidNotComeTrue),
        ] {
            let found = after(counts, schema);
            assert_eq!(found.carried_out(), Some(outcome), "{counts:?} {schema:?}");
        }
        let mut partly = after([3, 0, 0, 0, 0, 0, 0], S::Unchanged);
        partly.not_checked.push("a table".to_owned());
        assert_eq!(partly.carried_out(), None);
        partly.not_checked.clear();
        partly.tables[0].unattributed = 1;
        assert_eq!(partly.carried_out(), None);
        partly.tables[0].otherwise = 1;
        assert_eq!(partly.carried_out(), Some(DidNotComeTrue));
    }
}

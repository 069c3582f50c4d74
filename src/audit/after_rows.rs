//! The second half of "did it come true?": the rows that changed, against the effects that the lifecycle declares.
//! Invariant: a row that no prediction explains is named (`Unexplained::rest`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::after::{Judged, UnitAfter, UnitOutcome, UnitOutcomes, UnitsJudged, named, predicted};
use crate::profile::{FactSpec, Profile};
use crate::run::CarriedOut;
use crate::simulate::{Lifecycle, PredictedEffect, StepEffect, TableEffect, UnitDecision};
use crate::survey::{FactChange, RowChange};

/// Rows inserted, updated and deleted.
pub type RowCounts = [u64; 3];

/// The rows of one table that changed since, or why they are not known.
pub type TableRows = (String, Result<Vec<RowChange>, &'static str>);

/// Why nothing is known of the rows of a table that no `[[contents]]` names.
const NOT_PROTECTED: &str = "no [[contents]] of the profile names it";

/// One table: predicted, and what its rows show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableAfter {
    /// Table.
    pub table: String,
    /// Rows that the prediction inserts, updates and deletes.
    pub predicted: RowCounts,
    /// Rows that were inserted, updated and deleted since; `None`: not known, and `not_known` says why.
    pub found: Option<RowCounts>,
    /// Why nothing is known of its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_known: Option<String>,
}

/// What became of a prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct After {
    /// How many units came to what.
    pub units: UnitOutcomes,
    /// The units that are not as predicted, by name.
    pub named: Vec<UnitAfter>,
    /// Whether each unit was also compared with the rows of its tables.
    pub rows_compared: bool,
    /// The tables of the prediction.
    pub tables: Vec<TableAfter>,
    /// Facts that moved as facts do when a prediction comes true: counts, and the tables it touches.
    pub moved: Vec<FactChange>,
    /// Differences that nothing predicted: functions, grants, the role, tables that it does not touch, rows of no unit.
    pub beside: Vec<FactChange>,
}

impl After {
    /// Whether everything predicted is done, and nothing else.
    pub fn came_true(&self) -> bool {
        self.units.came_true() && self.beside.is_empty()
    }

    /// What came of the change. Where nothing was predicted and nothing is done, the prediction came true.
    pub fn carried_out(&self) -> CarriedOut {
        let units = &self.units;
        let nothing_done = units.as_predicted + units.otherwise + units.not_predicted == 0;
        if self.came_true() {
            CarriedOut::CameTrue
        } else if nothing_done && self.moved.is_empty() && self.beside.is_empty() {
            CarriedOut::NotCarriedOut
        } else {
            CarriedOut::DidNotComeTrue
        }
    }

    /// `59 done as predicted, 1 not done, ...`.
    pub fn words(&self) -> String {
        use UnitOutcome as O;
        let units = &self.units;
        let mut words = vec![
            format!("{} {}", units.as_predicted, O::AsPredicted.words()),
            format!("{} {}", units.not_done, O::NotDone.words()),
            format!("{} {}", units.otherwise, O::Otherwise.words()),
            format!("{} {}", units.not_predicted, O::NotPredicted.words()),
        ];
        if units.untouched > 0 {
            words.push(format!("{} {}", units.untouched, O::Untouched.words()));
        }
        if !self.beside.is_empty() {
            let keys = self.beside.iter().map(|change| change.key.as_str());
            let keys: Vec<&str> = keys.collect();
            words.push(format!("beside the prediction: {}", keys.join(", ")));
        }
        words.join(", ")
    }
}

/// The relations that the query of a declared fact reads, by the key of the fact; empty: not known.
pub type ReadBy<'a> = &'a dyn Fn(&str) -> Vec<String>;

/// Completes the judgement of units with rows and facts.
pub fn after(
    profile: &Profile,
    lifecycle: &Lifecycle,
    effect: &PredictedEffect,
    judged: UnitsJudged,
    rows: &[TableRows],
    changes: Vec<FactChange>,
    read_by: ReadBy<'_>,
) -> After {
    let mut unexplained = Unexplained::of(rows);
    let rows_compared = judged.complete;
    let (units, named) = if rows_compared {
        with_rows(judged.units, lifecycle, rows, &mut unexplained)
    } else {
        (
            judged.counts,
            named(judged.units.into_iter().map(|j| j.unit)),
        )
    };
    let touched: Vec<&str> = effect.touched().map(|t| t.table.as_str()).collect();
    let predicted = PredictedMoves {
        effect,
        rows,
        done: units.came_true(),
        read_by,
    };
    // A fact that is read by SQL may move if it reads a table that the prediction touches, a content digest if its table is one.
    let follows = |change: &FactChange| {
        let key = change.key.as_str();
        let declared = profile.facts.iter().find(|fact| fact.key == key);
        let declared = declared.is_some_and(|fact| predicted.allow(fact, change));
        let content = profile.contents.iter().find(|content| content.key == key);
        let content = content.is_some_and(|content| touched.contains(&content.table.as_str()));
        let stream = match key {
            "candidates" => true,
            // What is deleted may be what the pieces are read from.
            "pieces" => lifecycle.enact_deletes() && !predicted.touched(key).1.is_empty(),
            _ => false,
        };
        declared || content || stream
    };
    let (moved, mut beside): (Vec<_>, Vec<_>) = changes.into_iter().partition(follows);
    for content in &profile.contents {
        // Without a row comparison nothing was claimed, so every row would look unexplained.
        let rest = if rows_compared {
            unexplained.rest(&content.table)
        } else {
            Vec::new()
        };
        let known = beside
            .iter()
            .any(|change| change.key.as_str() == content.key);
        if let (false, Some(change)) = (
            known || rest.is_empty(),
            moved
                .iter()
                .find(|change| change.key.as_str() == content.key),
        ) {
            beside.push(FactChange {
                rows: rest,
                ..change.clone()
            });
        }
    }
    After {
        units,
        named,
        rows_compared,
        tables: tables(effect, rows),
        moved,
        beside,
    }
}

/// Which moves of a fact follow from the prediction.
struct PredictedMoves<'a> {
    effect: &'a PredictedEffect,
    rows: &'a [TableRows],
    /// Whether every unit is done as predicted.
    done: bool,
    read_by: ReadBy<'a>,
}

impl PredictedMoves<'_> {
    /// How many relations the query of this key reads, and which of them the prediction touches.
    fn touched(&self, key: &str) -> (usize, Vec<&TableEffect>) {
        let relations = (self.read_by)(key);
        let reads = |table: &&TableEffect| {
            let named = |relation: &String| {
                let name = relation
                    .rsplit_once('.')
                    .map_or(relation.as_str(), |(_, name)| name);
                *relation == table.table || name.trim_matches('"') == table.table
            };
            relations.iter().any(named)
        };
        let touched = self.effect.touched().filter(reads).collect();
        (relations.len(), touched)
    }

    /// Whether a declared fact moved as predicted: it reads a table that the prediction touches, and a count of one table moved by
    /// the predicted number, or by no more where it counts some of the rows.
    fn allow(&self, fact: &FactSpec, change: &FactChange) -> bool {
        let (relations, touched) = self.touched(&fact.key);
        let number = |value: &Option<String>| value.as_ref()?.parse::<i128>().ok();
        let moved = number(&change.found).zip(number(&change.approved));
        match (touched.as_slice(), relations, moved, counts_of(fact)) {
            ([], ..) => false,
            ([table], 1, Some((found, approved)), Some(counted)) => {
                self.fits(table, counted, found - approved)
            }
            _ => true,
        }
    }

    fn fits(&self, table: &TableEffect, counted: CountedRows, moved: i128) -> bool {
        let [insert, update, delete] =
            [table.insert, table.update, table.delete].map(|rows| i128::from(*rows.get()));
        let seen = self.rows.iter().find(|(name, _)| *name == table.table);
        let seen = seen.and_then(|(_, rows)| Some(counts(rows.as_ref().ok()?.iter())));
        match (counted, seen) {
            (CountedRows::Some, _) => (-(update + delete)..=insert + update).contains(&moved),
            (CountedRows::All, _) if self.done => moved == insert - delete,
            // As far as it is done, its rows tell.
            (CountedRows::All, Some([added, _, gone])) => {
                moved == i128::from(added) - i128::from(gone)
            }
            (CountedRows::All, None) => (-delete..=insert).contains(&moved),
        }
    }
}

/// Which rows of its table a fact counts.
#[derive(Clone, Copy)]
pub(super) enum CountedRows {
    All,
    Some,
}

/// What a fact counts; `None`: it is no count.
pub(super) fn counts_of(fact: &FactSpec) -> Option<CountedRows> {
    if fact.count.is_some() {
        return Some(match fact.filter {
            None => CountedRows::All,
            Some(_) => CountedRows::Some,
        });
    }
    let sql = fact.sql.as_ref()?.to_ascii_lowercase();
    let words: Vec<&str> = sql.trim_end_matches(';').split_whitespace().collect();
    let [select, count, rest @ ..] = words.as_slice() else {
        return None;
    };
    let counts = count
        .trim_start_matches("pg_catalog.")
        .starts_with("count(*)");
    if *select != "select" || !counts {
        return None;
    }
    Some(match rest {
        ["from", _] => CountedRows::All,
        _ => CountedRows::Some,
    })
}

fn tables(effect: &PredictedEffect, rows: &[TableRows]) -> Vec<TableAfter> {
    let found = |table: &str| {
        let rows = rows.iter().find(|(name, _)| name == table);
        let (_, rows) = rows.ok_or(NOT_PROTECTED)?;
        let rows = rows.as_ref().map_err(|why| *why)?;
        Ok::<_, &str>(counts(rows.iter()))
    };
    effect
        .tables
        .iter()
        .map(|t| {
            let found = found(&t.table);
            TableAfter {
                table: t.table.clone(),
                predicted: [*t.insert.get(), *t.update.get(), *t.delete.get()],
                found: found.ok(),
                not_known: found.err().map(str::to_owned),
            }
        })
        .collect()
}

fn counts<'r>(rows: impl Iterator<Item = &'r RowChange>) -> RowCounts {
    let mut counts = [0; 3];
    for row in rows {
        match (&row.approved, &row.found) {
            (None, _) => counts[0] += 1,
            (Some(_), Some(_)) => counts[1] += 1,
            (Some(_), None) => counts[2] += 1,
        }
    }
    counts
}

/// The rows that no unit has claimed yet, by table, in key order.
struct Unexplained<'r> {
    tables: BTreeMap<&'r str, BTreeMap<&'r str, Vec<&'r RowChange>>>,
}

impl<'r> Unexplained<'r> {
    fn of(rows: &'r [TableRows]) -> Self {
        let mut tables: BTreeMap<&str, BTreeMap<&str, Vec<&RowChange>>> = BTreeMap::new();
        for (table, rows) in rows {
            let by_key = tables.entry(table).or_default();
            for row in rows.iter().flatten() {
                by_key.entry(&row.key).or_default().push(row);
            }
        }
        Self { tables }
    }

    /// Takes the rows of one unit: those whose key is the unit's, or begins with it and a slash.
    fn claim(&mut self, table: &str, unit: &str) -> Vec<&'r RowChange> {
        let Some(rows) = self.tables.get_mut(table) else {
            return Vec::new();
        };
        // Row keys are columns joined with a slash: a table may have several rows of one unit.
        let inner = format!("{unit}/");
        let mut keys: Vec<&str> = rows
            .range(inner.as_str()..)
            .map(|(key, _)| *key)
            .take_while(|key| key.starts_with(&inner))
            .collect();
        keys.extend(rows.get_key_value(unit).map(|(key, _)| *key));
        keys.into_iter()
            .filter_map(|key| rows.remove(key))
            .flatten()
            .collect()
    }

    fn rest(&self, table: &str) -> Vec<RowChange> {
        let rows = self.tables.get(table).into_iter().flatten();
        rows.flat_map(|(_, rows)| rows.iter().map(|row| (*row).clone()))
            .collect()
    }
}

/// Corrects the outcome of each unit by the rows of its tables: a unit in the target state is not as predicted if other rows
/// changed than its steps declare.
fn with_rows(
    units: Vec<Judged>,
    lifecycle: &Lifecycle,
    rows: &[TableRows],
    unexplained: &mut Unexplained<'_>,
) -> (UnitOutcomes, Vec<UnitAfter>) {
    let mut outcomes = UnitOutcomes::default();
    let mut judged = Vec::with_capacity(units.len());
    for Judged { mut unit, decision } in units {
        let mut unlike = Vec::new();
        let mut changed = false;
        for (table, known) in rows {
            // Nothing can be said of the rows of this table.
            if known.is_err() {
                continue;
            }
            let found = counts(unexplained.claim(table, &unit.key).into_iter());
            let wanted = decision
                .as_ref()
                .map_or([0; 3], |decision| expected(decision, lifecycle, table));
            changed |= found != [0; 3];
            if found != wanted {
                let (found, wanted) = (row_words(found), row_words(wanted));
                unlike.push(format!("{table}: {found}, predicted {wanted}"));
            }
        }
        let outcome = match unit.outcome {
            UnitOutcome::AsPredicted if !unlike.is_empty() => UnitOutcome::Otherwise,
            UnitOutcome::NotDone if changed => UnitOutcome::Otherwise,
            UnitOutcome::Untouched if changed => UnitOutcome::NotPredicted,
            UnitOutcome::AsPredicted
            | UnitOutcome::NotDone
            | UnitOutcome::Otherwise
            | UnitOutcome::NotPredicted
            | UnitOutcome::Untouched => unit.outcome,
        };
        if outcome != unit.outcome || (outcome != UnitOutcome::NotDone && !unlike.is_empty()) {
            unit.found = format!("{}; {}", unit.found, unlike.join("; "));
        }
        unit.outcome = outcome;
        outcomes.add(outcome);
        judged.push(unit);
    }
    (outcomes, named(judged.into_iter()))
}

/// The rows of `table` that a unit's predicted steps would show: a row that is inserted and then updated shows as inserted.
fn expected(decision: &UnitDecision, lifecycle: &Lifecycle, table: &str) -> RowCounts {
    let steps = predicted(decision);
    let mut sums = [0_u64; 3];
    let effects: [(&str, &StepEffect); 2] = [
        ("would_insert", &lifecycle.cut),
        ("would_change", &lifecycle.enact),
    ];
    for (step, effects) in effects {
        if !steps.contains(&step) {
            continue;
        }
        for effect in effects.iter().filter(|effect| effect.table == table) {
            sums[0] = sums[0].saturating_add(effect.insert);
            sums[1] = sums[1].saturating_add(effect.update);
            sums[2] = sums[2].saturating_add(effect.delete);
        }
    }
    if steps.contains(&"would_insert") {
        sums[1] = sums[1].saturating_sub(sums[0]);
    }
    sums
}

/// `1 added, 2 updated`, or `no row`.
pub fn row_words(counts: RowCounts) -> String {
    let words: Vec<String> = counts
        .into_iter()
        .zip(["added", "updated", "deleted"])
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if words.is_empty() {
        "no row".to_owned()
    } else {
        words.join(", ")
    }
}

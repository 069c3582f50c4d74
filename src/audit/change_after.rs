//! "Did it come true?" of a rehearsed change: its rows and its schema beside production, and the facts that moved.
//! Invariant: a fact follows from the change only where it reads what the change writes, and a count of all rows of a table only by
//! the number that was rehearsed (`judge`).

use serde::Serialize;

use super::after_rows::{CountedRows, ReadBy, counts_of};
use crate::profile::Profile;
use crate::run::{CarriedOut, RehearsalOutcome, RowsAfter, SchemaOutcome};
use crate::survey::{FactChange, FactKey, RoleSurvey};

/// A fact that moved with the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MovedFact {
    /// Key of the profile.
    pub key: FactKey,
    /// Before the change.
    pub before: Option<String>,
    /// What was to be afterwards; null: it does not follow from the rows alone.
    pub predicted: Option<String>,
    /// Now.
    pub now: Option<String>,
}

/// How a fact can move with the change.
enum FactMove {
    /// It reads nothing that the change writes.
    Beside,
    /// To a value that does not follow from the numbers of rows.
    Follows,
    /// To this value.
    To(String),
}

/// What became of a rehearsed change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeAfter {
    /// Its rows and its schema.
    pub rows: RowsAfter,
    /// Facts that moved as they follow from it.
    pub moved: Vec<MovedFact>,
    /// Facts that moved beside it, or by another number.
    pub beside: Vec<FactChange>,
}

impl ChangeAfter {
    /// Sorts what moved. `read_by` gives the relations that the query of a fact reads.
    pub fn judge(
        profile: &Profile,
        outcome: Option<&RehearsalOutcome>,
        rows: RowsAfter,
        changes: &[FactChange],
        read_by: ReadBy<'_>,
    ) -> Self {
        let mut found = Self {
            rows,
            moved: Vec::new(),
            beside: Vec::new(),
        };
        for change in changes {
            let moves = outcome.map_or(FactMove::Beside, |outcome| {
                found.moves(profile, outcome, change, read_by)
            });
            let predicted = match moves {
                FactMove::Follows => None,
                FactMove::To(predicted) if change.found.as_ref() == Some(&predicted) => {
                    Some(predicted)
                }
                FactMove::To(_) | FactMove::Beside => {
                    found.beside.push(change.clone());
                    continue;
                }
            };
            found.moved.push(MovedFact {
                key: change.key.clone(),
                before: change.approved.clone(),
                predicted,
                now: change.found.clone(),
            });
        }
        found
    }

    /// Whether a fact can move with the change, and to which value.
    fn moves(
        &self,
        profile: &Profile,
        outcome: &RehearsalOutcome,
        change: &FactChange,
        read_by: ReadBy<'_>,
    ) -> FactMove {
        let key = change.key.as_str();
        let follows = |follows: bool| {
            if follows {
                FactMove::Follows
            } else {
                FactMove::Beside
            }
        };
        if let Some(content) = profile.contents.iter().find(|content| content.key == key) {
            let name = content.table.as_str();
            let is_it = |table: &str| table == name || table.rsplit('.').next() == Some(name);
            return follows(outcome.effect.iter().any(|table| is_it(&table.table)));
        }
        let Some(fact) = profile.facts.iter().find(|fact| fact.key == key) else {
            // The catalogue is compared line by line; what a role may do is not in the lines.
            let of_role = RoleSurvey::FACTS.contains(&key);
            return follows(self.rows.schema == SchemaOutcome::AsRehearsed && !of_role);
        };
        let relations = read_by(&fact.key);
        let mut written = relations.iter().filter_map(|relation| {
            let name = relation.replace('"', "");
            let mut tables = outcome.effect.iter();
            tables.find(|table| table.table.replace('"', "") == name)
        });
        let Some(table) = written.next() else {
            return FactMove::Beside;
        };
        let before = change.approved.as_ref();
        let before = before.and_then(|value| value.parse::<i128>().ok());
        // Where others insert too, facts and rows are of two moments.
        let alone = self.rows.inserted_by_others(&table.table) == 0;
        match (counts_of(fact), relations.len(), before) {
            (Some(CountedRows::All), 1, Some(before)) if alone => {
                let [inserted, _, deleted] = table.rows_changed().map(|(_, rows)| *rows.get());
                let after = before + i128::from(inserted) - i128::from(deleted);
                FactMove::To(after.to_string())
            }
            _ => FactMove::Follows,
        }
    }

    /// What came of the change; `None`: something was not compared.
    pub fn carried_out(&self) -> Option<CarriedOut> {
        let rows = self.rows.carried_out();
        match rows {
            Some(CarriedOut::CameTrue) if !self.beside.is_empty() => {
                Some(CarriedOut::DidNotComeTrue)
            }
            rows => rows,
        }
    }

    /// `180 rows as rehearsed, schema as rehearsed`, and the facts that moved beside it.
    pub fn words(&self) -> String {
        let mut words = self.rows.words();
        if !self.beside.is_empty() {
            let keys: Vec<&str> = self
                .beside
                .iter()
                .map(|change| change.key.as_str())
                .collect();
            words.push_str(", beside the change: ");
            words.push_str(&keys.join(", "));
        }
        words
    }
}

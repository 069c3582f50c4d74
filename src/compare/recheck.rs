//! A sealed run compared with a survey of now. Nothing of it is journalled. The claims are judged as if the new survey were the
//! post survey of the run.

use std::sync::Arc;

use serde_json::Value;

use super::build_comparison::compared;
use super::compared_side::ComparedSide;
use super::comparison::{AfterChange, Compare, Comparison};
use super::fact::{Change, ComparedFact, ROWS, SideValue, UNITS};
use crate::audit::{After, ChangeAfter};
use crate::run::{
    CarriedOut, Purpose, RowOperation, RunState, SurveyPurpose, SurveySummary, Surveys,
    Transaction, TransactionEnd, ValueAfter,
};
use crate::survey::{
    Attribution, FactChange, FactDocument, FactKey, FactKind, Origins, Provenance, Sides, Survey,
    SurveyChanges, TransactionProof,
};

/// What was read after a run was sealed.
pub struct RecheckSurvey<'a> {
    /// The survey that was taken now.
    pub survey: &'a Survey,
    /// The proof of its transaction; `None`: its end was not seen.
    pub proof: Option<&'a TransactionProof>,
    /// The documents behind its facts that no blob of the run holds.
    pub documents: Vec<FactDocument>,
    /// The transactions behind the rows that the survey read.
    pub origins: &'a Origins,
    /// The facts that differ, with their rows.
    pub changes: &'a [FactChange],
    /// The facts that differ beside the change, with their rows.
    pub beside: &'a [FactChange],
    /// The outcome of the prediction, unit by unit; `None`: it was not asked for.
    pub after: Option<&'a After>,
    /// The rows of the rehearsed change against production; `None`: not asked for, or no change was rehearsed.
    pub change_after: Option<&'a ChangeAfter>,
    /// What came of the change; `None`: it was not asked for.
    pub came: Option<AfterChange>,
}

impl RecheckSurvey<'_> {
    /// Whether a fact moved as it follows from the change.
    fn follows(&self, key: &FactKey) -> bool {
        let of_units = self.after.iter().flat_map(|after| &after.moved);
        let of_rows = self.change_after.iter().flat_map(|after| &after.moved);
        let mut moved = of_units.map(|it| &it.key).chain(of_rows.map(|it| &it.key));
        moved.any(|moved| moved == key)
    }
}

impl Comparison {
    /// Compares the last survey of a sealed run with one that was taken now.
    pub fn rechecked(run: &RunState, before: &Survey, mut found: RecheckSurvey<'_>) -> Self {
        let now = found.survey;
        let judged = as_one_more(run, before, &found);
        // A record of this comparison only: attributions of the run itself are about older readings.
        let mut record = Surveys::default();
        let changes = SurveyChanges {
            voids: found.changes.to_vec(),
            beside: found.beside.to_vec(),
        };
        let told = changes.most_important();
        if !told.is_empty() {
            let attributed = Attribution::of(before, now, told, found.origins);
            record.attributions.push(attributed);
        }
        let documents = std::mem::take(&mut found.documents);
        let sides = Sides::new(
            ComparedSide::of_survey("sealed", before),
            of_now(now, documents),
        );
        let mut comparison = compared(Compare::Rechecked, sides, &changes, &record, &judged);
        for fact in &mut comparison.facts {
            fact.follows = fact.change == Change::Changed && found.follows(&fact.key);
        }
        // Stable: what nobody expected comes first.
        (comparison.facts).sort_by_key(|fact| match fact.change {
            _ if fact.follows => 1,
            change => 2 * u8::from(!change.differs() || change == Change::Beside),
        });
        let came = found.came.as_ref().and_then(|found| found.came);
        let ledgers = [found.change_after.map(rows_row), found.after.map(units_row)];
        for mut ledger in ledgers.into_iter().rev().flatten() {
            ledger.follows = came == Some(CarriedOut::CameTrue);
            comparison.facts.insert(0, ledger);
        }
        comparison.after = found.came;
        comparison
    }
}

/// The side of the new survey. Documents that are in no blob are attached as text.
fn of_now(now: &Survey, documents: Vec<FactDocument>) -> ComparedSide {
    let mut seen = ComparedSide::of_survey("now", now);
    for document in documents {
        let mut values = seen.facts.iter_mut().map(|(_, _, _, value)| value);
        let here = values.find(|value| value.document.as_ref() == Some(document.reference()));
        if let Some(value) = here {
            value.text = Some(document.into_text());
        }
    }
    seen
}

/// A copy of the run with its last survey as the pin and the new one as the post survey, so that the claims can
/// be judged as at closeout.
fn as_one_more(run: &RunState, before: &Survey, found: &RecheckSurvey<'_>) -> RunState {
    let mut run = run.clone();
    run.pin = Some(Arc::new(before.clone()));
    run.post = Some(Arc::new(found.survey.clone()));
    run.non_mutation = None;
    Arc::make_mut(&mut run.surveys).push(SurveySummary::of(SurveyPurpose::Post, found.survey));
    let end = match found.proof {
        Some(proof) => TransactionEnd::Closed(proof.clone().into()),
        None => TransactionEnd::Unseen("its end was not seen".to_owned()),
    };
    run.transactions.push(Transaction {
        id: run.transactions.last().map_or(1, |last| last.id + 1),
        purpose: Purpose::Survey,
        opened_at: found.survey.snapshot.began_at,
        end,
        given_up_at: None,
        gave_survey: true,
    });
    run
}

/// `key<TAB>{"effect": ..}`, as documents of rows are compared.
fn effect_line(key: &str, effect: String) -> String {
    // A tab or line break in a key would cut the line.
    let key = key.replace(['\t', '\n', '\r'], " ");
    let effect = Value::from_iter([("effect", effect)]);
    format!("{key}\t{effect}\n")
}

fn effects_side(value: String, text: String, provenance: Provenance) -> SideValue {
    SideValue {
        text: Some(text),
        ..SideValue::bare(Some(value), provenance)
    }
}

/// The rows of the change as a row of the comparison: those that are not as rehearsed, one a line, and the lines of the schema.
fn rows_row(after: &ChangeAfter) -> ComparedFact {
    let (mut rehearsed, mut now) = (String::new(), String::new());
    for table in &after.rows.tables {
        for row in &table.rows {
            let key = format!("{} {}", table.table, row.row);
            let values = |side: fn(&ValueAfter) -> &Option<String>| {
                let value = |it: &ValueAfter| {
                    let value = side(it).clone().unwrap_or_else(|| "(none)".to_owned());
                    format!(" {}={value}", it.column)
                };
                row.values.iter().map(value).collect::<String>()
            };
            let does = row.operation.map_or("no change", RowOperation::name);
            let was = values(|value| &value.rehearsed);
            let is = values(|value| &value.now);
            rehearsed.push_str(&effect_line(&key, format!("{does}{was}")));
            now.push_str(&effect_line(&key, format!("{}{is}", row.outcome.words())));
        }
    }
    for (at, line) in after.rows.schema_lines.iter().enumerate() {
        let key = format!("schema {at:04}");
        let (missing, beside) = (line.strip_prefix('-'), line.strip_prefix('+'));
        let side = |line: Option<&str>| effect_line(&key, line.unwrap_or("(none)").to_owned());
        rehearsed.push_str(&side(missing));
        now.push_str(&side(beside));
    }
    let sides = Sides::new(
        Some(effects_side(
            "#rehearsed".to_owned(),
            rehearsed,
            Provenance::Rehearsed,
        )),
        Some(effects_side(after.words(), now, Provenance::Derived)),
    );
    let label = "rows one by one".to_owned();
    ComparedFact::of(FactKey::new(ROWS), label, FactKind::Text, sides)
}

/// The outcome of the prediction as a row of the comparison: the units that are not as predicted, one a line.
fn units_row(after: &After) -> ComparedFact {
    let predicted = after.named.iter();
    let predicted = predicted.map(|unit| effect_line(&unit.key, unit.predicted.clone()));
    let became = after.named.iter().map(|unit| {
        let words = unit.outcome.words();
        effect_line(&unit.key, format!("{words}: {}", unit.found))
    });
    let sides = Sides::new(
        Some(effects_side(
            "~predicted".to_owned(),
            predicted.collect(),
            Provenance::Simulated,
        )),
        Some(effects_side(
            after.words(),
            became.collect(),
            Provenance::Derived,
        )),
    );
    let label = "units one by one".to_owned();
    ComparedFact::of(FactKey::new(UNITS), label, FactKind::Text, sides)
}

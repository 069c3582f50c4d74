//! The live values beside what a live run would make of them, table by table.
//! Invariant: every value of the right side is SIMULATED. Held by `table_row` and by `units_row` of units.rs.

use super::attribution::AttributionText;
use super::build_comparison::claims;
use super::compared_side::ComparedSide;
use super::comparison::{Compare, Comparison, SideSource};
use super::fact::{Change, ComparedFact, SideValue};
use super::units::units_row;
use crate::run::RunState;
use crate::run::Surveys;
use crate::simulate::PredictedEffect;
use crate::survey::{FactKey, FactKind, Provenance, Sides, Survey};

/// The comparison of the pin with the prediction of the newest evidence. `Err`: nothing is predicted yet, or at all.
pub(super) fn predicted(record: &Surveys, run: &RunState) -> Result<Comparison, String> {
    let evidence = record.evidence.last();
    if !run.simulates() {
        return Err("Nothing is predicted: the profile names no units.".to_owned());
    }
    let effect = evidence.and_then(|seen| seen.sheet.predicted.as_ref());
    let Some((effect, pin)) = effect.zip(record.pin()) else {
        return Err("Nothing is predicted yet.".to_owned());
    };
    let mut facts: Vec<ComparedFact> = effect
        .tables
        .iter()
        .map(|table| table_row(effect, &table.table, &pin.survey))
        .collect();
    facts.extend(units_row(run));
    // Tables that would change come first.
    facts.sort_by_key(|fact| !fact.change.differs());
    let mut live = ComparedSide::of_survey("LIVE", &pin.survey)
        .of_run(run)
        .source;
    "LIVE".clone_into(&mut live.name);
    // The right side was read from nowhere: it has a name and a run, no time and no nonce.
    let simulated = SideSource {
        name: "~predicted".to_owned(),
        run_id: live.run_id.clone(),
        ..SideSource::default()
    };
    let sources = Sides::new(live, simulated);
    let claims = claims(run);
    let compare = Compare::Predicted;
    Ok(Comparison {
        attribution: AttributionText::of(&compare, &facts, &sources, &claims, None, None),
        compare,
        sources,
        verdict: None,
        claims,
        facts,
        method: Vec::new(),
        after: None,
    })
}

/// One table: its rows as counted, and the rows that a live run would change.
fn table_row(effect: &PredictedEffect, name: &str, pin: &Survey) -> ComparedFact {
    // Only a protected table, whose content digest is a fact, has a count.
    let live = pin.fact(name).and_then(|fact| fact.rows);
    let rows = |count: u64| format!("{count} rows");
    let before = SideValue::bare(
        Some(live.map_or_else(|| "not counted".to_owned(), rows)),
        Provenance::Live,
    );
    let table = effect.tables.iter().find(|table| table.table == name);
    let words = table.map(|table| {
        let touched = [
            (&table.insert, "added"),
            (&table.update, "updated"),
            (&table.delete, "deleted"),
        ];
        let said: Vec<String> = touched
            .iter()
            .filter(|(count, _)| *count.get() > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        said.join(", ")
    });
    let words = words.filter(|words| !words.is_empty());
    let changes = words.is_some();
    let after = SideValue::bare(
        Some(words.unwrap_or_else(|| "~0 rows changed".to_owned())),
        Provenance::Simulated,
    );
    let sides = Sides::new(Some(before), Some(after));
    // The two texts are never equal, so the comparison of values is replaced by whether a row would change.
    let mut fact = ComparedFact::of(FactKey::new(name), name.to_owned(), FactKind::Text, sides);
    fact.change = if changes {
        Change::Changed
    } else {
        Change::Equal
    };
    fact
}

//! A unit ledger as two documents: the live units, and what a live run would make of them.
//! Invariant: a unit that would not change reads the same on both sides. Held
//! by the test `a_unit_that_would_not_change_reads_the_same_on_both_sides`.

use serde_json::{Map, Value};

use super::fact::{Change, ComparedFact, SideValue, UNITS};
use crate::run::{LedgerRef, RunState, TeamWords};
use crate::simulate::{StepCounts, UnitDecision, UnitVerification};
use crate::survey::{FactKey, FactKind, Provenance, Side, Sides};

/// The row behind which the units of the first simulated step are listed; `None`: no step is simulated yet.
pub(super) fn units_row(run: &RunState) -> Option<ComparedFact> {
    let done = run.steps.first()?;
    let ledger = &done.ledger;
    let side = |value: String, provenance| SideValue {
        ledger: Some(ledger.clone()),
        rows: Some(ledger.rows),
        ..SideValue::bare(Some(value), provenance)
    };
    let live = side(format!("{} units", ledger.rows), Provenance::Live);
    let (words, changes) = would(run.words(), &done.counts);
    let predicted = side(words, Provenance::Simulated);
    let sides = Sides::new(Some(live), Some(predicted));
    let label = "units one by one".to_owned();
    let mut fact = ComparedFact::of(FactKey::new(UNITS), label, FactKind::Content, sides);
    fact.change = if changes {
        Change::Changed
    } else {
        Change::Equal
    };
    Some(fact)
}

/// What would be done, as `~60 would_enact`, and whether anything would.
fn would(words: &TeamWords, counts: &StepCounts) -> (String, bool) {
    let called = |name| words.counter(name);
    let words: Vec<String> = [
        (&counts.would_insert, "would_insert"),
        (&counts.would_enact, "would_enact"),
        (&counts.unverified, "not verified"),
    ]
    .into_iter()
    .filter(|(count, _)| *count.get() > 0)
    .map(|(count, word)| format!("{count} {}", called(word)))
    .collect();
    if words.is_empty() {
        return ("~0 changed".to_owned(), false);
    }
    (words.join(", "), true)
}

/// One side of a ledger as `key<TAB>{json}` lines. `Err`: file and number of the line that is no ledger line.
pub fn unit_lines(ledger: &LedgerRef, text: &str, side: Side) -> Result<String, String> {
    let mut lines = String::new();
    for (nth, line) in text.lines().enumerate() {
        let decision: UnitDecision = serde_json::from_str(line)
            .map_err(|why| format!("{}, line {}: {why}", ledger.file, nth + 1))?;
        if let Some(fields) = fields(&decision, side) {
            // A tab or line break in a key would cut the line `key<TAB>value`.
            let key = decision.key.replace(['\t', '\n', '\r'], " ");
            lines.extend([key.as_str(), "\t", &Value::Object(fields).to_string(), "\n"]);
        }
    }
    Ok(lines)
}

/// The fields of a unit on a side; `None`: the unit does not exist there.
fn fields(decision: &UnitDecision, side: Side) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    let mut say = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    match (&decision.state, side) {
        (Some(state), _) => {
            say("state", state);
        }
        // A unit that CUT would insert has no live state, so it exists on the right side only.
        (None, Side::Before) => return None,
        (None, Side::After) => {}
    }
    // The right side gets a field only for what would change or is wrong, so that an unchanged unit reads
    // the same on both sides.
    if side == Side::After {
        // The words of the run are not at hand here: these are those of every team.
        let steps = [
            (&decision.cut, "would_insert", "~would_insert"),
            (&decision.enact, "would_enact", "~would_change"),
        ];
        let would = steps
            .into_iter()
            .filter(|(word, would, _)| word.as_deref() == Some(would));
        let would: Vec<&str> = would.map(|(.., says)| says).collect();
        if !would.is_empty() {
            say("change", &would.join(", "));
        }
        let wrong = match decision.verify {
            UnitVerification::Equal | UnitVerification::AsCut => None,
            UnitVerification::NotCut => Some("~not_cut"),
            UnitVerification::Differs => Some("~differs"),
            UnitVerification::Gap => Some("~gap"),
            UnitVerification::Duplicate => Some("~duplicate"),
            UnitVerification::IllegalState => Some("~illegal_state"),
        };
        if let Some(wrong) = wrong {
            say("found", wrong);
        }
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::unit_lines;
    use crate::run::LedgerRef;
    use crate::survey::{Digest, Side};

    #[test]
    fn a_unit_that_would_not_change_reads_the_same_on_both_sides() {
        let ledger = LedgerRef {
            file: "units/1-cut.jsonl".to_owned(),
            rows: 3,
            bytes: 0,
            sha256: Digest::of(""),
        };
        let text = r#"{"key":"A","cut":"already_present","verify":"equal","enact":"already_enacted","state":"enacted"}
{"key":"B","cut":"already_present","verify":"differs","enact":"would_enact","state":"draft"}
{"key":"C","cut":"would_insert","verify":"as_cut","enact":"would_enact","state":null}
"#;
        let before = unit_lines(&ledger, text, Side::Before).expect("a ledger");
        let after = unit_lines(&ledger, text, Side::After).expect("a ledger");
        assert_eq!(
            before,
            "A\t{\"state\":\"enacted\"}\nB\t{\"state\":\"draft\"}\n"
        );
        let changed = "B\t{\"change\":\"~would_change\",\"found\":\"~differs\",\"state\":\"draft\"}\nC\t{\"change\":\"~would_insert, ~would_change\"}\n";
        assert_eq!(after, format!("A\t{{\"state\":\"enacted\"}}\n{changed}"));
        let broken = unit_lines(&ledger, "{}", Side::After).expect_err("no decision");
        assert!(
            broken.starts_with("units/1-cut.jsonl, line 1: "),
            "{broken}"
        );
    }
}

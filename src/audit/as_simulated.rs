//! G3 of a run whose change is in phases: what was rehearsed against what was simulated.
//! Invariant: tables are compared row number by row number, by their names without schema, as a lifecycle names them (tests
//! `a_table_that_the_simulator_does_not_know_is_named_with_both_numbers`, `what_is_expected_need_not_be_simulated`).

use serde_json::json;

use crate::run::{Check, CheckName, RehearsalOutcome, RehearsedTable, RunState};
use crate::simulate::TableEffect;

/// A simulator knows what the author of the profile knows. Where the change does otherwise, and `expect` does not name the table, one
/// of both is wrong.
pub(super) fn as_simulated(run: &RunState, outcome: &RehearsalOutcome) -> Check {
    const NAME: CheckName = CheckName::ChangeAsSimulated;
    let Some((predicted, _)) = &run.predicted else {
        // The profile asks nothing, which `scope` says.
        let raw = json!({"simulated": null});
        return Check::evaluated(NAME, true, "nothing is simulated", raw);
    };
    let expect = run.change().and_then(|change| change.expect.as_ref());
    let is_expected =
        |name: &str| expect.is_some_and(|rows| rows.iter().any(|one| bare(&one.table) == name));
    let touched = predicted.touched().map(|table| table.table.as_str());
    let rehearsed = outcome.effect.iter().map(|table| bare(&table.table));
    let mut names: Vec<&str> = touched.chain(rehearsed).collect();
    names.sort_unstable();
    names.dedup();
    let unlike: Vec<String> = (names.into_iter().filter(|name| !is_expected(name)))
        .filter_map(|name| {
            let simulated = predicted.tables.iter().find(|table| table.table == name);
            unlike(name, simulated, outcome)
        })
        .collect();
    let (simulated, rehearsed) = (predicted.rows(), outcome.rows());
    let totals = format!("simulated {simulated} rows, rehearsed {rehearsed}");
    let says = match unlike.as_slice() {
        [] => totals,
        unlike => format!("{totals}: {}", unlike.join("; ")),
    };
    let raw = json!({"simulated": simulated, "rehearsed": rehearsed, "unlike": unlike});
    Check::evaluated(NAME, unlike.is_empty(), says, raw)
}

fn bare(table: &str) -> &str {
    table.rsplit('.').next().unwrap_or(table)
}

/// Both sides of a table, where they differ.
fn unlike(
    name: &str,
    simulated: Option<&TableEffect>,
    outcome: &RehearsalOutcome,
) -> Option<String> {
    let rehearsed = outcome
        .effect
        .iter()
        .filter(|table| bare(&table.table) == name);
    let found = rehearsed.clone().fold([0_u64; 3], |sum, table| {
        let rows = table.rows_changed().map(|(_, rows)| *rows.get());
        [0, 1, 2].map(|at: usize| sum[at].saturating_add(rows[at]))
    });
    let wanted = simulated.map_or([0; 3], |table| {
        [table.insert, table.update, table.delete].map(|rows| *rows.get())
    });
    let or_nothing = |words: String| {
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words
        }
    };
    let rehearsed: Vec<String> = rehearsed.map(RehearsedTable::words).collect();
    let simulated = simulated.map_or_else(String::new, TableEffect::words);
    (found != wanted).then(|| {
        let (one, two) = (or_nothing(simulated), or_nothing(rehearsed.join(", ")));
        format!("{name}: simulated {one}, rehearsed {two}")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixture::{created, profile, simulation};
    use super::super::predict;
    use super::as_simulated;
    use crate::run::{RehearsalOutcome, RehearsedTable, RunChange, RunCreated, RunState, Verdict};
    use crate::simulate::ExpectedRows;
    use crate::survey::Rehearsed;

    fn table(name: &str, insert: u64, update: u64) -> RehearsedTable {
        RehearsedTable {
            table: name.to_owned(),
            inserted: Rehearsed::new(insert),
            updated: Rehearsed::new(update),
            ..RehearsedTable::default()
        }
    }

    /// A run that simulates 60 drafts to be enacted, and what the change did to three tables and one beside.
    fn judged(beside: u64, expect: Option<&str>) -> (Verdict, String) {
        let expect: Option<Vec<ExpectedRows>> =
            expect.map(|rows| serde_json::from_str(rows).expect("rows"));
        let change = RunChange {
            command: None,
            role: "r".to_owned(),
            files: vec!["/enact.sql".to_owned()],
            expect,
            of_sg1: Some(0),
            show: Vec::new(),
            bytes_per_second: None,
            valid_seconds: None,
            locks: None,
        };
        let created = RunCreated {
            change: Some(change),
            ..created()
        };
        let run = RunState {
            created: Some(Arc::new(created)),
            predicted: predict(&profile(), &simulation()).zip(Some(simulation().counts)),
            ..RunState::default()
        };
        let outcome = RehearsalOutcome {
            effect: vec![
                table("public.information_unit", 0, 60),
                table("public.unit_version", 0, 60),
                table("public.lifecycle_log", 60, 0),
                table("public.search_outbox", beside, 0),
            ],
            ..RehearsalOutcome::default()
        };
        let check = as_simulated(&run, &outcome);
        (check.verdict, check.says)
    }

    #[test]
    fn a_table_that_the_simulator_does_not_know_is_named_with_both_numbers() {
        assert_eq!(
            judged(0, None),
            (
                Verdict::Pass,
                "simulated ~180 rows, rehearsed #180".to_owned()
            )
        );
        let says = "simulated ~180 rows, rehearsed #240: search_outbox: simulated nothing, rehearsed insert #60";
        assert_eq!(judged(60, None), (Verdict::Fail, says.to_owned()));
    }

    #[test]
    fn what_is_expected_need_not_be_simulated() {
        let expect = r#"[{"table":"public.search_outbox","insert":60}]"#;
        assert_eq!(judged(60, Some(expect)).0, Verdict::Pass);
    }
}

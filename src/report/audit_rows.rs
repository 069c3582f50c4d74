//! The nine rows of the forbidden-action audit. Invariant: all nine are printed; a row without a recorded check is NOT CHECKED
//! (tests `a_run_of_which_almost_nothing_is_recorded_says_so_nine_times`, `a_row_that_was_not_checked_never_says_none`).

use serde_json::Value;

use super::gates::raw_lines;
use crate::audit::forbidden_rows;
use crate::documents::AuditRow;
use crate::run::{Check, Gate, RunState, Verdict};

/// The rows in the order of the source report.
pub(super) fn audit_rows(run: &RunState) -> Vec<AuditRow> {
    let checks = run
        .gates
        .get(&Gate::G6)
        .map_or(&[][..], |gate| &gate.checks);
    forbidden_rows(run.words())
        .map(|(name, words)| {
            let check = checks.iter().find(|check| check.name == *name);
            check.map_or_else(|| missing(words), |check| row(words, check))
        })
        .collect()
}

/// The row of a check that the journal does not have.
fn missing(words: &str) -> AuditRow {
    AuditRow {
        words: words.to_owned(),
        answer: "NOT CHECKED".to_owned(),
        verdict: Verdict::NotChecked,
        check: "none".to_owned(),
        detector: "NOT CHECKED: no detector recorded anything in this run".to_owned(),
        output: vec!["no raw output recorded".to_owned()],
        says: String::new(),
    }
}

fn row(words: &str, check: &Check) -> AuditRow {
    let word = check.verdict.name();
    // For a row that was not checked the recorded answer is used only if it begins with the verdict: "None" there would read as
    // "none found".
    let given = check.raw["answer"].as_str().filter(|answer| {
        matches!(check.verdict, Verdict::Pass | Verdict::Fail) || answer.starts_with(word)
    });
    let answer = given.unwrap_or(word);
    // Avoids printing the title of the row twice.
    let says = if check.says.starts_with(words) {
        ""
    } else {
        &check.says
    };
    let detector = match &check.raw["detector"] {
        Value::Null => "no detector recorded".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    AuditRow {
        words: words.to_owned(),
        answer: answer.trim_end_matches('.').to_owned(),
        verdict: check.verdict,
        check: check.name.to_string(),
        detector,
        output: raw_lines(&check.raw["output"]),
        says: says.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::source_run;
    use super::super::proves::proves;
    use super::super::repository::code_outcome;
    use super::audit_rows;
    use crate::run::{CheckName, Gate, RunState};

    /// Whether the reports render, whether main stands, and the answers of the nine rows.
    fn told(run: &RunState) -> (bool, String, Vec<String>) {
        let renders = proves(run)[4]["covered"] == true;
        let main = code_outcome(run).main_unchanged;
        let rows = audit_rows(run);
        (
            renders,
            main,
            rows.into_iter().map(|row| row.answer).collect(),
        )
    }

    #[test]
    fn a_check_of_a_name_that_is_not_known_says_nothing_of_the_run() {
        let mut run = source_run();
        let (renders, main, rows) = told(&run);
        assert!(renders && main.contains("PASS") && rows.iter().all(|row| row.contains("NO")));
        let gate = run.gates.get_mut(&Gate::G6).expect("G6");
        for check in std::sync::Arc::make_mut(&mut gate.checks) {
            check.name = CheckName::from(format!("{}_reports_main_refs", check.name));
        }
        let (renders, main, rows) = told(&run);
        assert!(!renders && main.contains("NOT CHECKED"));
        assert!(rows.len() == 9 && rows.iter().all(|row| row.contains("NOT CHECKED")));
    }
}

//! The nine rows of the forbidden-action audit. Invariant: all nine are printed, always; a row without a detector is NOT CHECKED.

use serde_json::Value;

use super::gates::raw_lines;
use crate::documents::AuditRow;
use crate::run::{Check, Gate, RunState, Verdict};

/// What the nine rows are about, in the words of the source report.
const ROWS: [&str; 9] = [
    "Production mutation",
    "Live CUT/VERIFY/enact mutation",
    "Production execution kill-switch enabled",
    "Deploy/restart",
    "Push/tag remote",
    "source_document / source_version mutation",
    "Hardcoded secrets/runtime IDs",
    "StubSigning replaced by real crypto",
    "Fake PASS",
];

/// The rows, from the checks of G6 named `forbidden_*`; rows of the source report first, others after them.
pub(super) fn audit_rows(run: &RunState) -> Vec<AuditRow> {
    let checks: Vec<&Check> = run
        .gates
        .get(&Gate::G6)
        .map_or(&[][..], |gate| &gate.checks)
        .iter()
        .filter(|check| check.name.starts_with("forbidden_"))
        .collect();
    let known = ROWS.iter().map(|words| {
        let check = checks.iter().find(|check| about(check).starts_with(words));
        check.map_or_else(|| missing(words), |check| row(words, check))
    });
    let others = checks
        .iter()
        .filter(|check| !ROWS.iter().any(|words| about(check).starts_with(words)))
        .map(|check| row(about(check), check));
    known.chain(others).collect()
}

fn about(check: &Check) -> &str {
    check.raw["words"].as_str().unwrap_or(&check.name)
}

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
    let word = check.verdict.word();
    // What was not checked may say why, and nothing else.
    let given = check.raw["answer"].as_str().filter(|answer| {
        matches!(check.verdict, Verdict::Pass | Verdict::Fail) || answer.starts_with(word)
    });
    let answer = given.unwrap_or(word);
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
        check: check.name.clone(),
        detector,
        output: raw_lines(&check.raw["output"]),
        says: says.to_owned(),
    }
}

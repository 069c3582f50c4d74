//! The nine rows of the forbidden-action audit. Invariant: all nine are printed, always; a row without a detector is NOT CHECKED.

use serde_json::{Value, json};

use super::gates::raw_lines;
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
pub(super) fn audit_rows(run: &RunState) -> Vec<Value> {
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

fn missing(words: &str) -> Value {
    json!({
        "words": words,
        "answer": "NOT CHECKED",
        "verdict": Verdict::NotChecked.word(),
        "check": "none",
        "detector": "NOT CHECKED: no detector recorded anything in this run",
        "output": ["no raw output recorded"],
        "says": "",
    })
}

fn row(words: &str, check: &Check) -> Value {
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
    json!({
        "words": words,
        "answer": answer.trim_end_matches('.'),
        "verdict": check.verdict.word(),
        "check": check.name,
        "detector": detector,
        "output": raw_lines(&check.raw["output"]),
        "says": says,
    })
}

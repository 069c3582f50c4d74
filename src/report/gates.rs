//! Gates and their checks as the templates read them. Invariant: a gate without a verdict prints as NOT CHECKED with a note,
//! `not reached` or `begun, not finished` (`of`).

use serde_json::{Value, json};

use crate::audit::by_construction;
use crate::run::{Cause, Check, Gate, RunState, Verdict};

/// All seven gates in order, those that were not reached included.
pub(super) fn gates(run: &RunState) -> Vec<Value> {
    Gate::ALL
        .map(|gate| of(gate, run, by_construction(run, gate)))
        .to_vec()
}

fn of(gate: Gate, run: &RunState, always: &[&str]) -> Value {
    let begun = run.gates.get(&gate);
    let finished = begun.and_then(|begun| begun.finished);
    let (verdict, note) = match (begun, finished) {
        (None, _) => (Verdict::NotChecked, "not reached"),
        (Some(_), None) => (Verdict::NotChecked, "begun, not finished"),
        (Some(_), Some((verdict, _))) => (verdict, ""),
    };
    let times = |time: Option<String>| time.unwrap_or_else(|| "not reached".to_owned());
    json!({
        "gate": gate.name(),
        "title": run.words().title(gate),
        "verdict": verdict.name(),
        "note": note,
        "attempts": begun.map_or(0, |begun| begun.attempts),
        "started_at": times(begun.map(|begun| begun.started_at.to_string())),
        "finished_at": times(finished.map(|(_, at)| at.to_string())),
        "by_construction": always,
        "checks": begun.map_or_else(Vec::new, |begun| begun.checks.iter().map(check).collect()),
    })
}

fn check(check: &Check) -> Value {
    let cause = check
        .cause
        .map(|Cause::ChangedByOthers| "changed_by_others");
    json!({
        "name": check.name,
        "verdict": check.verdict.name(),
        "says": check.says,
        "cause": cause.unwrap_or(""),
        "remedy": check.remedy.as_deref().unwrap_or(""),
        "raw": raw_lines(&check.raw),
    })
}

/// A raw value as lines: a string as it is, anything else as indented JSON.
pub(super) fn raw_lines(raw: &Value) -> Vec<String> {
    if raw.is_null() {
        return vec!["no raw value recorded".to_owned()];
    }
    let text = match raw {
        Value::String(text) => text.clone(),
        other => format!("{other:#}"),
    };
    text.lines().map(str::to_owned).collect()
}

/// PASS, FAIL, NOT CHECKED and OUT OF SCOPE, as a sentence.
pub(super) fn verdict_counts(run: &RunState) -> String {
    let [pass, fail, not_checked, out_of_scope] = run.verdict_counts();
    format!("{pass} PASS, {fail} FAIL, {not_checked} NOT CHECKED, {out_of_scope} OUT OF SCOPE")
}

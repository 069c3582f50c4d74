//! What G0 saw of the repository, for "Code outcome". Invariant: read from the raw values of checks; what no check recorded is NOT CHECKED.

use serde_json::{Value, json};

use crate::run::{Gate, RunState};

/// The first value that a check of `gate` recorded under one of `keys`, at any depth.
pub(super) fn recorded<'a>(run: &'a RunState, gate: Gate, keys: &[&str]) -> Option<&'a Value> {
    let checks = &run.gates.get(&gate)?.checks;
    keys.iter()
        .find_map(|key| checks.iter().find_map(|check| find(&check.raw, key)))
}

fn find<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members
            .get(key)
            .filter(|found| !found.is_null())
            .or_else(|| members.values().find_map(|member| find(member, key))),
        Value::Array(items) => items.iter().find_map(|item| find(item, key)),
        _ => None,
    }
}

fn text(run: &RunState, keys: &[&str]) -> Option<String> {
    let value = recorded(run, Gate::G0, keys)?;
    match value {
        Value::String(text) => Some(text.clone()),
        // `main` is a pair of name and commit.
        Value::Array(pair) => pair.last()?.as_str().map(str::to_owned),
        _ => None,
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// The section "Code outcome": short commits as in the source report; 01 has the whole ones.
pub(super) fn code_outcome(run: &RunState) -> Value {
    let head = text(run, &["head"]);
    // Git was asked and has none: a detached HEAD, no main, no feature branch.
    let absent = if head.is_some() {
        "None"
    } else {
        "NOT CHECKED"
    };
    let or_absent = |value: Option<String>| value.unwrap_or_else(|| absent.to_owned());
    let subject = text(run, &["subject"]).unwrap_or_default();
    let commit = head.map(|head| format!("{} {subject}", short(&head)));
    let main = text(run, &["main", "main_head"]).map(|commit| short(&commit));
    let feature = text(run, &["feature_head"]).map(|commit| short(&commit));
    json!({
        "commit": or_absent(commit),
        "branch": or_absent(text(run, &["branch"])),
        "main_unchanged": main_unchanged(run),
        "heads": [
            format!("main_HEAD={}", or_absent(main)),
            format!("feature_HEAD={}", or_absent(feature)),
        ],
    })
}

/// The verdict of the check of G6 that compares main and tags with G0.
fn main_unchanged(run: &RunState) -> String {
    let gate = run.gates.get(&Gate::G6);
    let named = |name: &str| name.split('_').any(|word| word == "main" || word == "refs");
    gate.and_then(|gate| {
        gate.checks
            .iter()
            .find(|check| named(&check.name) && !check.name.starts_with("forbidden_"))
    })
    .map_or_else(
        || "NOT CHECKED".to_owned(),
        |check| check.verdict.to_string(),
    )
}

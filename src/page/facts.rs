//! Every fact of the run: its value in the pin beside the value that was read last.
//! Invariant: a value is printed whole, with its provenance. Held by `row` and `shown`.

use serde_json::{Value, json};

use crate::run::{RunState, SurveyPurpose};
use crate::survey::{Fact, FactKind, Observed, is_of_no_rows};

/// The facts of the pin beside those read last; `null`: there is no survey.
pub(super) fn facts(run: &RunState) -> Value {
    let Some(pin) = run.pin.as_deref() else {
        return Value::Null;
    };
    let later = match (&run.post, &run.latest) {
        (Some(post), _) => Some(post),
        (None, Some((purpose, latest))) if *purpose != SurveyPurpose::Pin => Some(latest),
        _ => None,
    };
    let name = if run.post.is_some() {
        "second survey"
    } else {
        "read last"
    };
    let read_at = run.last_read_at().filter(|_| run.has_read_again());
    let rows: Vec<Value> = pin.facts.iter().map(|fact| row(run, fact)).collect();
    json!({
        "pinned_at": pin.snapshot.began_at.to_string(),
        "later": name,
        "later_at": read_at.map_or_else(|| "not read again".to_owned(), |at| at.to_string()),
        "facts_digest": pin.facts_digest,
        "later_digest": later.map(|read| read.facts_digest.to_string()),
        "rows": rows,
    })
}

fn row(run: &RunState, fact: &Fact) -> Value {
    let read_at = run.read_again_at(fact);
    let now = run.value_now(fact);
    // A value that is unknown on one side is shown as changed: unknown equals nothing.
    let is_equal = now.is_some() && now.as_deref() == fact.observed.value();
    let (change, word) = match (read_at, is_equal) {
        (None, _) => ("none", "not read again".to_owned()),
        (Some(at), true) if Some(at) < run.last_read_at() => {
            ("equal", format!("equal, read {}", at.clock()))
        }
        (Some(_), true) => ("equal", "equal".to_owned()),
        (Some(_), false) => ("changed", "changed".to_owned()),
    };
    let later = match (read_at, now) {
        (None, _) => "not read".to_owned(),
        (Some(_), Some(value)) => with_empty(fact.kind, &value),
        (Some(_), None) => unknown_now(run, fact),
    };
    json!({
        "key": fact.key,
        "label": fact.label,
        "kind": kind(fact.kind),
        "rows": fact.rows,
        "pinned": shown(fact),
        "later": later,
        "change": change,
        "word": word,
        "provenance": fact.observed.provenance().map_or_else(|| "NOT CHECKED".to_owned(), |from| from.to_string()),
    })
}

/// Why a value could not be read last.
fn unknown_now(run: &RunState, fact: &Fact) -> String {
    let latest = run.latest.as_ref().map(|(_, survey)| survey);
    let why = latest.and_then(|survey| survey.unknown_reason(fact.key.as_str()));
    why.map_or_else(|| "unknown".to_owned(), |why| format!("unknown: {why}"))
}

fn kind(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Integer => "number",
        FactKind::Md5 | FactKind::Sha256 | FactKind::Content => "digest",
        _ => "text",
    }
}

/// A value as text. The digest of a table without rows gets the word `empty` before it.
fn shown(fact: &Fact) -> String {
    match &fact.observed {
        Observed::Unknown { unknown } => format!("unknown: {unknown}"),
        _ => with_empty(fact.kind, fact.value()),
    }
}

fn with_empty(kind: FactKind, value: &str) -> String {
    if kind == FactKind::Content && is_of_no_rows(value) {
        format!("empty {value}")
    } else {
        value.to_owned()
    }
}

//! Every fact of the run: its value in the pin beside the value that was read last.
//! Invariant: a value is printed whole, with its provenance. Held by `row` and `shown`.

use serde_json::{Value, json};

use crate::run::{RunState, SurveyPurpose};
use crate::survey::{Fact, FactKind, Observed, Survey, is_of_no_rows};

/// The facts of the pin beside those read last; `null`: there is no survey.
pub(super) fn facts(run: &RunState) -> Value {
    let Some(pin) = run.pin.as_deref() else {
        return Value::Null;
    };
    // The post survey if there is one, else the newest survey that is not the pin itself.
    let (name, later) = match (&run.post, &run.latest) {
        (Some(post), _) => ("second survey", Some(post.as_ref())),
        (None, Some((purpose, latest))) if *purpose != SurveyPurpose::Pin => {
            ("read last", Some(latest.as_ref()))
        }
        _ => ("read last", None),
    };
    let rows: Vec<Value> = pin.facts.iter().map(|fact| row(fact, later)).collect();
    json!({
        "pinned_at": pin.snapshot.began_at.to_string(),
        "later": name,
        "later_at": later.map_or_else(|| "not read again".to_owned(), |read| read.snapshot.began_at.to_string()),
        "facts_digest": pin.facts_digest,
        "later_digest": later.map(|read| read.facts_digest.to_string()),
        "rows": rows,
    })
}

fn row(fact: &Fact, later: Option<&Survey>) -> Value {
    let after = later.and_then(|read| read.fact(fact.key.as_str()));
    let before = fact.observed.value();
    // A value that is unknown on one side is shown as changed: unknown equals nothing.
    let (change, word) = match (later, after.and_then(|fact| fact.observed.value())) {
        (None, _) => ("none", "not read again"),
        (Some(_), Some(found)) if Some(found) == before => ("equal", "equal"),
        _ => ("changed", "changed"),
    };
    json!({
        "key": fact.key,
        "label": fact.label,
        "kind": kind(fact.kind),
        "rows": fact.rows,
        "pinned": shown(fact),
        "later": after.map_or_else(|| "not read".to_owned(), shown),
        "change": change,
        "word": word,
        "provenance": fact.observed.provenance().map_or_else(|| "NOT CHECKED".to_owned(), |from| from.to_string()),
    })
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
        _ if fact.kind == FactKind::Content && is_of_no_rows(fact.value()) => {
            format!("empty {}", fact.value())
        }
        _ => fact.value().to_owned(),
    }
}

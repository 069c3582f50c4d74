//! Drift: what differs from the pin when it matters, with the rows behind it. Invariant: values of the database, named unit by unit, nothing left out without a count.

use super::RunnerError;
use super::chronicle::Chronicle;
use crate::run::{ApprovalGate, Event};
use crate::survey::{Document, FactChange, RowChange, Survey, compare, compare_rows};

/// Rows named for each fact; the rest is counted.
const ROWS_MAX: usize = 50;

/// What differs between the pin and `found`, with rows where both documents are at hand.
pub(super) fn changes(
    chronicle: &Chronicle,
    pin: &Survey,
    found: &Survey,
    documents: &[Document],
) -> Vec<FactChange> {
    let mut changes = compare(pin, found);
    for change in &mut changes {
        let key = change.key.as_str();
        let before = pin.fact(key).and_then(|fact| fact.document.as_ref());
        let after = found.fact(key).and_then(|fact| fact.document.as_ref());
        let (Some(before), Some(after)) = (before, after) else {
            continue;
        };
        let now = documents
            .iter()
            .find(|document| document.reference().sha256 == after.sha256);
        if let (Some(then), Some(now)) = (chronicle.document(&before.sha256), now) {
            change.rows = capped(compare_rows(&then, &now.text));
        }
    }
    changes
}

fn capped(mut rows: Vec<RowChange>) -> Vec<RowChange> {
    let more = rows.len().saturating_sub(ROWS_MAX);
    if more > 0 {
        rows.truncate(ROWS_MAX);
        rows.push(RowChange {
            key: format!("... {more} more rows differ"),
            approved: None,
            found: None,
        });
    }
    rows
}

/// Records drift if there is any, and keeps its documents; its stop is raised next. `true`: there is.
pub(super) fn record(
    chronicle: &mut Chronicle,
    gate: Option<ApprovalGate>,
    found: &Survey,
    documents: &[Document],
) -> Result<bool, RunnerError> {
    let Some(pin) = chronicle.run().pin.clone() else {
        return Ok(false);
    };
    let drift = changes(chronicle, &pin, found, documents);
    if drift.is_empty() || chronicle.run().drift.is_some() {
        return Ok(!drift.is_empty());
    }
    for document in documents {
        chronicle.keep(document.text.as_bytes())?;
    }
    chronicle.record(Event::DriftFound {
        gate,
        drift,
        nonce: found.snapshot.nonce.clone(),
    })?;
    Ok(true)
}

/// `2 facts differ from what was approved: icx_draft 60 -> 59; unit_version: ICX-CONST-0017/1.`
pub(super) fn sentence(drift: &[FactChange]) -> String {
    let named: Vec<String> = drift.iter().map(name).collect();
    let facts = if drift.len() == 1 {
        "fact differs"
    } else {
        "facts differ"
    };
    format!(
        "{} {facts} from the pin: {}.",
        drift.len(),
        named.join("; ")
    )
}

fn name(change: &FactChange) -> String {
    let short = |value: &Option<String>| match value {
        Some(value) if value.len() >= 32 => format!(
            "{}..{}",
            &value[..value.floor_char_boundary(8)],
            &value[value.ceil_char_boundary(value.len() - 4)..]
        ),
        Some(value) => value.clone(),
        None => "unknown".to_owned(),
    };
    let values = format!(
        "{} {} -> {}",
        change.key,
        short(&change.approved),
        short(&change.found)
    );
    let rows: Vec<&str> = change
        .rows
        .iter()
        .take(3)
        .map(|row| row.key.as_str())
        .collect();
    match (rows.is_empty(), change.rows.len().saturating_sub(3)) {
        (true, _) => values,
        (false, 0) => format!("{values} ({})", rows.join(", ")),
        (false, more) => format!("{values} ({} and {more} more)", rows.join(", ")),
    }
}

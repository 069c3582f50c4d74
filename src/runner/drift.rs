//! Drift: what differs from the pin when it matters, with the rows behind it. Invariant: values of the database, named unit by unit, nothing left out without a count.

use super::RunnerError;
use super::chronicle::Chronicle;
use crate::run::{ApprovalGate, Event};
use crate::survey::{Digest, Document, FactChange, Survey, changes_with_rows};

/// What differs between the pin and `found`, with rows where both documents are at hand.
pub(super) fn changes(
    chronicle: &Chronicle,
    pin: &Survey,
    found: &Survey,
    documents: &[Document],
) -> Vec<FactChange> {
    let then = |digest: &Digest| chronicle.document(digest);
    changes_with_rows(pin, found, &then, documents)
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

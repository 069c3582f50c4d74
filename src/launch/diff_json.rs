//! The differences as one JSON document. Invariant: every fact with both values; what differs in a document names its rows, and what is left out is counted.

use serde_json::{Value, json};

use super::LaunchError;
use super::diff::{LoadedRun, OpenComparison};
use crate::compare::{AlignedDocuments, ComparedFact, explain_row};
use crate::survey::{AlignedRow, Side, field_changes};

/// Rows of one document that are listed; the rest is counted.
const ROWS_MAX: usize = 1_000;

/// The document.
pub(super) fn document(read: &LoadedRun, compared: &OpenComparison) -> Result<Value, LaunchError> {
    let comparison = &compared.comparison;
    let mut facts = Vec::new();
    for fact in &comparison.facts {
        facts.push(fact_json(compared, fact)?);
    }
    let claims: serde_json::Map<String, Value> = comparison
        .claims
        .iter()
        .map(|claim| {
            let value = json!({"verdict": claim.verdict, "measured": claim.measured});
            (claim.name.name().to_owned(), value)
        })
        .collect();
    Ok(json!({
        "schema": 1,
        "run_id": read.run_id,
        "compare": comparison.compare.to_string(),
        "headline": comparison.headline(),
        "differs": comparison.differs(),
        "facts_changed": comparison.differing(),
        "facts_equal": comparison.equal(),
        "facts_not_read": comparison.not_read(),
        "sides": comparison.sources,
        "verdict": comparison.verdict,
        "claims": claims,
        "attribution": comparison.attribution,
        "method": comparison.method,
        "facts": facts,
        "notes": read.notes.as_ref().ok(),
        "notes_broken": read.notes.as_ref().err(),
    }))
}

fn fact_json(compared: &OpenComparison, fact: &ComparedFact) -> Result<Value, LaunchError> {
    let opened = if fact.change.differs() {
        compared.open(fact)?
    } else {
        None
    };
    let (rows, counts, left_out) = match &opened {
        Some(opened) if opened.is_whole() => {
            let differing = opened.alignment.counts().differing();
            let rows = rows(opened);
            let left_out = differing - rows.len();
            (rows, json!(opened.alignment.counts()), left_out)
        }
        _ => (recorded(fact), Value::Null, 0),
    };
    Ok(json!({
        "key": fact.key,
        "label": fact.label,
        "change": fact.change,
        "before": fact.sides.before,
        "after": fact.sides.after,
        "method_differs": fact.method_differs(),
        "rows": rows,
        "rows_left_out": left_out,
        "counts": counts,
    }))
}

/// The rows that the journal names, where no documents were kept.
fn recorded(fact: &ComparedFact) -> Vec<Value> {
    let row = |row: &crate::survey::RowChange| json!({"key": row.key, "before": row.approved, "after": row.found});
    fact.rows.iter().map(row).collect()
}

fn rows(opened: &AlignedDocuments) -> Vec<Value> {
    let alignment = &opened.alignment;
    (0..alignment.changes())
        .filter_map(|nth| alignment.change(nth))
        .flatten()
        .take(ROWS_MAX)
        .map(|at| {
            let row = alignment.row(at);
            let side = |side| opened.line(row, side);
            let (one, two) = (side(Side::Before), side(Side::After));
            let number = |side| row.line(side).map(|line| line + 1);
            let fields = match row {
                AlignedRow::Changed { .. } => field_changes(one.unwrap_or(""), two.unwrap_or("")),
                _ => Vec::new(),
            };
            json!({
                "says": explain_row(opened, at),
                "before": one, "after": two,
                "before_line": number(Side::Before), "after_line": number(Side::After),
                "fields": fields,
            })
        })
        .collect()
}

//! What differs, side by side. Invariant: what is left out is counted where it is left out, and a changed stretch is marked by more than its colour.

use std::ops::Range;

use serde_json::{Value, json};

use super::PageInput;
use crate::desk::{Compare, ComparedFact, Comparison, Opened, SideValue};
use crate::survey::{Digest, Folding, Item, Row, Side, Sides, marks};

/// Rows of one document on the page; the rest is counted.
const ROWS_MAX: usize = 400;
/// Bytes of one line on the page; the rest is counted.
const LINE_BYTES_MAX: usize = 4_000;

/// Every comparison within the run, the most telling first.
pub(super) fn differences(input: &PageInput<'_>) -> Vec<Value> {
    let run = input.report.run;
    let last_pass = input.record.evidence.last().and_then(|seen| {
        let (_, _, blob) = seen.sheet.last_pass.as_ref()?;
        serde_json::from_str(&(input.report.blobs)(blob)?).ok()
    });
    let wanted = |compare: &Compare| !matches!(compare, Compare::Predicted | Compare::Runs(_));
    Comparison::available(input.record)
        .iter()
        .filter(|compare| wanted(compare))
        .filter_map(|compare| {
            Comparison::within(input.record, run, compare, last_pass.as_ref()).ok()
        })
        .map(|comparison| of(input, &comparison))
        .collect()
}

fn of(input: &PageInput<'_>, comparison: &Comparison) -> Value {
    let differing = comparison.facts.iter().filter(|fact| fact.change.differs());
    let said = &comparison.attribution;
    let side = |source: &crate::desk::SideSource| {
        let at = source
            .read_at
            .map_or_else(String::new, |at| format!(" {at}"));
        json!({ "name": source.name, "at": at.trim() })
    };
    json!({
        "title": comparison.compare.to_string(),
        "differs": comparison.differs(),
        "tally": comparison.tally(),
        "before": side(&comparison.sources.before),
        "after": side(&comparison.sources.after),
        "said": [
            ["what", said.what], ["when", said.when], ["who", said.who], ["why not us", said.not_us],
            ["what this cannot see", said.cannot_see],
        ],
        "facts": differing.map(|fact| changed(input, fact)).collect::<Vec<_>>(),
        "method": comparison.method.iter()
            .map(|change| json!({ "what": change.what, "before": change.before, "after": change.after }))
            .collect::<Vec<_>>(),
    })
}

fn changed(input: &PageInput<'_>, fact: &ComparedFact) -> Value {
    let value = |side: &Option<SideValue>| match side {
        None => "none".to_owned(),
        Some(side) => match (&side.value, &side.unknown) {
            (Some(value), _) => value.clone(),
            (None, Some(why)) => format!("unknown: {why}"),
            (None, None) => "unknown".to_owned(),
        },
    };
    let text = |side: &Option<SideValue>| {
        let side = side.as_ref()?;
        let kept = |digest: &Digest| (input.report.blobs)(digest);
        side.text
            .clone()
            .or_else(|| kept(&side.document.as_ref()?.sha256))
    };
    let opened = Opened::of(fact.sides.as_ref().map(text), fact.kind);
    let both = opened.present.before && opened.present.after;
    let rows: Vec<Value> = fact
        .rows
        .iter()
        .map(|row| {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
            json!({ "key": row.key, "before": side(&row.approved), "after": side(&row.found) })
        })
        .collect();
    json!({
        "key": fact.key,
        "label": fact.label,
        "before": value(&fact.sides.before),
        "after": value(&fact.sides.after),
        "rows": if both { Vec::new() } else { rows },
        "document": both.then(|| document(&opened)),
        "missing": if both || !fact.opens() { "" } else { "A document of this fact was not kept: its rows are listed as the journal names them." },
    })
}

fn document(opened: &Opened) -> Value {
    let folding = Folding::of(&opened.alignment);
    let shown = folding.items().min(ROWS_MAX);
    let items: Vec<Value> = (0..shown)
        .filter_map(|at| match folding.item(at)? {
            Item::Fold { rows, .. } => Some(json!({ "fold": rows.len() })),
            Item::Row(row) => Some(line(opened, opened.alignment.row(row))),
        })
        .collect();
    json!({
        "tally": opened.tally(),
        "first": opened.first_difference(),
        "items": items,
        "left_out": folding.items() - shown,
    })
}

fn line(opened: &Opened, row: Row) -> Value {
    let text = |side: Side| opened.line(row, side);
    let pair = Sides::new(text(Side::Before), text(Side::After));
    let marked = match (row, pair.before, pair.after) {
        (Row::Changed { .. }, Some(one), Some(two)) => marks(one, two),
        _ => Sides::default(),
    };
    let number = |side: Side| row.line(side).map(|line| line + 1);
    let change = match row {
        Row::Equal { .. } => "equal",
        Row::Changed { .. } => "changed",
        Row::Removed { .. } => "removed",
        Row::Added { .. } => "added",
    };
    let cell = |side: Side| {
        pair.get(side).map(|text| {
            json!({ "number": number(side), "parts": parts(text, marked.get(side)), "left_out": text.len().saturating_sub(LINE_BYTES_MAX) })
        })
    };
    json!({ "change": change, "before": cell(Side::Before), "after": cell(Side::After) })
}

/// The pieces of a line, each with whether it is marked.
fn parts(text: &str, marked: &[Range<usize>]) -> Vec<Value> {
    let end = text.floor_char_boundary(LINE_BYTES_MAX);
    let mut parts = Vec::new();
    let mut at = 0;
    let mut put = |range: Range<usize>, mark: bool| {
        let range = range.start.min(end)..range.end.min(end);
        if !range.is_empty() {
            parts.push(json!({ "text": text[range], "mark": mark }));
        }
    };
    for range in marked {
        put(at..range.start, false);
        put(range.clone(), true);
        at = range.end;
    }
    put(at..text.len(), false);
    parts
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES_MAX, parts};

    #[test]
    fn the_parts_joined_are_the_line() {
        let texts = |parts: &[serde_json::Value]| -> String {
            parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect()
        };
        assert_eq!(texts(&parts("abcdef", &[1..2, 4..6])), "abcdef");
        assert_eq!(parts("abc", &[1..2])[1]["mark"], true);
        let long = "漢".repeat(LINE_BYTES_MAX);
        assert!(texts(&parts(&long, &[])).len() <= LINE_BYTES_MAX);
    }
}

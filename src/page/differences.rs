//! The comparisons of a run side by side, as JSON for the template.
//! Invariant: the bytes of a line are shown or counted as left out. Held by
//! `parts` and the test `what_is_shown_and_what_is_counted_are_the_line`.

use std::ops::Range;

use serde_json::{Value, json};

use super::PageInput;
use crate::compare::{
    AlignedDocuments, Compare, ComparedFact, Comparison, SideValue, rehearsed_lines,
};
use crate::survey::{AlignedRow, Digest, Folding, Item, Side, Sides, inline_changes};

/// Rows and folds of one document on the page; the rest is counted.
const ROWS_MAX: usize = 400;
/// Bytes of a differing line, and of an equal one. A longer line is cut, and the bytes left out are counted.
const LINE_BYTES_MAX: usize = 600;
const EQUAL_BYTES_MAX: usize = 160;
/// Bytes shown around an inline change of a line that is cut. Two such places that are at most `JOINED` bytes apart become one.
const AROUND: usize = 100;
const JOINED: usize = 40;
/// Inline changes shown in one line.
const WINDOWS_MAX: usize = 40;

/// Every comparison within the run, in the order of `Comparison::available`.
pub(super) fn differences(input: &PageInput<'_>) -> Vec<Value> {
    let last_pass = input
        .history
        .last_pass()
        .and_then(|blob| serde_json::from_str(&(input.report.blobs)(blob)?).ok());
    // The prediction has a section of its own on the page, and a page is about one run.
    let wanted = |compare: &Compare| !matches!(compare, Compare::Predicted | Compare::Runs(_));
    Comparison::available(input.history)
        .iter()
        .filter(|compare| wanted(compare))
        // A comparison that lacks a side (for example no last PASS) is left out.
        .filter_map(|compare| Comparison::within(input.history, compare, last_pass.as_ref()).ok())
        .map(|comparison| of(input, &comparison))
        .collect()
}

fn of(input: &PageInput<'_>, comparison: &Comparison) -> Value {
    let differing = comparison.facts.iter().filter(|fact| fact.change.differs());
    let said = &comparison.attribution;
    let side = |source: &crate::compare::SideSource| {
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
    let text = |place: Side| {
        let side = fact.sides.get(place).as_ref()?;
        // A document is read from the blobs; one that was made from the survey comes with the value.
        let kept = |digest: &Digest| (input.report.blobs)(digest);
        if let Some(rehearsal) = &side.rehearsal {
            return rehearsed_lines(&kept(rehearsal)?, &fact.key, place).ok()?;
        }
        side.text
            .clone()
            .or_else(|| kept(&side.document.as_ref()?.sha256))
    };
    let texts = Sides::new(text(Side::Before), text(Side::After));
    let opened = AlignedDocuments::of(texts, fact.kind);
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
        "key": fact.key.shown(),
        "label": fact.label,
        "before": value(&fact.sides.before),
        "after": value(&fact.sides.after),
        // With both documents the page shows them side by side; the rows named in the journal are only for the other case.
        "rows": if both { Vec::new() } else { rows },
        "document": both.then(|| document(&opened)),
        "missing": if both || !fact.opens() { "" } else { "A document of this fact was not kept: its rows are listed as the journal names them." },
    })
}

/// Two documents side by side, with equal rows folded.
fn document(opened: &AlignedDocuments) -> Value {
    let folding = Folding::of(&opened.alignment);
    let shown = folding.items().min(ROWS_MAX);
    let items: Vec<Value> = (0..shown)
        .filter_map(|at| folding.item(at))
        .flat_map(|item| match item {
            Item::Fold { rows, .. } => vec![json!({ "fold": rows.len() })],
            Item::Row(row) => row_of(opened, opened.alignment.row(row)),
        })
        .collect();
    json!({
        "tally": opened.tally(),
        "first": opened.first_difference(),
        "items": items,
        "left_out": folding.items() - shown,
    })
}

/// A changed row with fields: a line with its key, and below it a line for each field. Any other row is one line.
fn row_of(opened: &AlignedDocuments, row: AlignedRow) -> Vec<Value> {
    let fields = match row {
        AlignedRow::Equal { .. } => None,
        _ => opened.fields(row),
    };
    let Some(fields) = fields else {
        return vec![line(opened, row)];
    };
    let key = |side: Side| {
        let text = opened.line(row, side)?;
        let key = text.split_once('\t').map_or(text, |(key, _)| key);
        let number = row.line(side).map(|line| line + 1);
        Some(json!({ "number": number, "parts": [{ "text": key, "mark": true }] }))
    };
    // The fields below are the change; the key is emphasised so that the row can be found.
    let mut lines = vec![
        json!({ "change": "changed", "before": key(Side::Before), "after": key(Side::After) }),
    ];
    let folding = Folding::of(&fields.alignment);
    for item in (0..folding.items()).filter_map(|at| folding.item(at)) {
        lines.push(match item {
            Item::Fold { rows, .. } => json!({ "fold": rows.len() }),
            Item::Row(row) => line(&fields, fields.alignment.row(row)),
        });
    }
    lines
}

/// One row: number and parts of the line on each side, with the inline changes marked.
fn line(opened: &AlignedDocuments, row: AlignedRow) -> Value {
    let text = |side: Side| opened.line(row, side);
    let pair = Sides::new(text(Side::Before), text(Side::After));
    let marked = match (row, pair.before, pair.after) {
        (AlignedRow::Changed { .. }, Some(one), Some(two)) => inline_changes(one, two),
        _ => Sides::default(),
    };
    let number = |side: Side| row.line(side).map(|line| line + 1);
    let change = match row {
        AlignedRow::Equal { .. } => "equal",
        AlignedRow::Changed { .. } => "changed",
        AlignedRow::Removed { .. } => "removed",
        AlignedRow::Added { .. } => "added",
    };
    let kept = if change == "equal" {
        EQUAL_BYTES_MAX
    } else {
        LINE_BYTES_MAX
    };
    let cell = |side: Side| {
        pair.get(side).map(
            |text| json!({ "number": number(side), "parts": parts(text, marked.get(side), kept) }),
        )
    };
    json!({ "change": change, "before": cell(Side::Before), "after": cell(Side::After) })
}

/// The parts of a line: text, changed text, and how many bytes are left out between them.
fn parts(text: &str, marked: &[Range<usize>], kept: usize) -> Vec<Value> {
    let mut parts = Vec::new();
    // `at`: the end of the last window; `from`: the end of the last part inside this one.
    let mut at = 0;
    for (begin, end) in windows(text, marked, kept) {
        if begin > at {
            parts.push(json!({ "left_out": begin - at }));
        }
        let mut from = begin;
        // A change may begin before the window or end behind it: only what lies inside is shown.
        let inside = |range: &&Range<usize>| range.start < end && range.end > begin;
        for range in marked.iter().filter(inside) {
            let range = range.start.clamp(from, end)..range.end.min(end);
            if range.start > from {
                parts.push(json!({ "text": text[from..range.start], "mark": false }));
            }
            parts.push(json!({ "text": text[range.clone()], "mark": true }));
            from = range.end;
        }
        if end > from {
            parts.push(json!({ "text": text[from..end], "mark": false }));
        }
        at = end;
    }
    if text.len() > at {
        parts.push(json!({ "left_out": text.len() - at }));
    }
    parts
}

/// The byte ranges of a line that are shown: its beginning, and the text around each inline change.
fn windows(text: &str, marked: &[Range<usize>], kept: usize) -> Vec<(usize, usize)> {
    if text.len() <= kept {
        return vec![(0, text.len())];
    }
    // Without a change the beginning is all there is to show; with changes a little of it is enough.
    let beginning = if marked.is_empty() { kept } else { AROUND };
    let mut windows = vec![(0, boundary(text, beginning))];
    let around = marked.iter().map(|range| {
        // A change of thousands of bytes is cut as well.
        let end = range.end.min(range.start + LINE_BYTES_MAX) + AROUND;
        let begin = boundary(text, range.start.saturating_sub(AROUND));
        (begin, text.ceil_char_boundary(end.min(text.len())))
    });
    for (begin, end) in around.take(WINDOWS_MAX) {
        // Windows that touch or nearly touch are joined: "[+3]" between them would tell less than the text.
        match windows.last_mut() {
            Some(last) if begin <= last.1 + JOINED => last.1 = last.1.max(end),
            _ => windows.push((begin, end)),
        }
    }
    windows
}

/// The last place at or before `at` where a line can be cut without separating a combining mark from its letter.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = text.floor_char_boundary(at);
    // A character of width 0 (a combining mark, a zero width joiner) belongs to the one before it.
    let torn = |at: usize| {
        text[at..]
            .chars()
            .next()
            .is_some_and(|c| unicode_width::UnicodeWidthChar::width(c) == Some(0))
    };
    while at > 0 && torn(at) {
        at = text.floor_char_boundary(at - 1);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES_MAX, parts};

    fn bytes(parts: &[serde_json::Value]) -> usize {
        let of = |part: &serde_json::Value| {
            let text = part["text"].as_str().map_or(0, str::len);
            text + usize::try_from(part["left_out"].as_u64().unwrap_or(0)).expect("it fits")
        };
        parts.iter().map(of).sum()
    }

    #[test]
    fn what_is_shown_and_what_is_counted_are_the_line() {
        let whole = parts("abcdef", &[1..2, 4..6], LINE_BYTES_MAX);
        let texts: String = whole
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect();
        assert_eq!(texts, "abcdef");
        assert_eq!(whole[1]["mark"], true);
        let long = "漢".repeat(4_000);
        for marked in [
            vec![],
            vec![0..3, 30..33],
            vec![6_000..6_003, 6_300..6_303, 11_997..12_000],
        ] {
            for kept in [0, 1, 160, LINE_BYTES_MAX] {
                let shown = parts(&long, &marked, kept);
                assert_eq!(bytes(&shown), long.len(), "{marked:?} {kept}");
                let of_marks = shown.iter().filter(|part| part["mark"] == true).count();
                assert_eq!(of_marks, marked.len(), "every mark is shown");
            }
        }
    }
}

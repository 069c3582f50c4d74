//! What drifted since the earlier evidence, at the head of the approval sheet: unit by unit with the old and the new text.
//! Invariant: what is not written out is counted, with the way to all of it (test `a_long_drift_is_counted_on_the_sheet` of
//! tests/screens/flows.rs).

use super::words;
use crate::run::{Subject, counted};
use crate::survey::{ChangedWords, FactChange, RowChange, fields, is_surroundings, passages};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// Rows that are written out.
const ROWS_MAX: usize = 6;
/// Changed lines of one row that are written out.
const PASSAGES_MAX: usize = 3;
/// Bytes of both sides of a row that is written out, 8 KiB: the sheet is made for each frame, and a long text is read side by
/// side.
const ROW_BYTES_MAX: usize = 8 << 10;

/// Adds the drift that this evidence was taken after; nothing where there was none.
pub(super) fn lines(text: &mut Vec<Text>, drifted: &[FactChange], width: usize) {
    if drifted.is_empty() {
        return;
    }
    let facts = Subject::counted(drifted);
    text.push(
        Text::inked(Ink::Drift, "DRIFTED SINCE THE EARLIER EVIDENCE")
            .with(Ink::Plain, format!("   {facts}, - approved, + found")),
    );
    let mut rows: Vec<(&FactChange, &RowChange)> = drifted
        .iter()
        .flat_map(|change| change.rows.iter().map(move |row| (change, row)))
        .collect();
    // The shortest row of the profile's own facts says most: the unit, not the document that it was cut from.
    rows.sort_by_key(|(change, row)| (is_surroundings(&change.key), bytes(row)));
    for (change, row) in rows.iter().take(ROWS_MAX) {
        told(text, change, row, width);
    }
    let listed = drifted.iter().filter(|change| change.rows.is_empty());
    let more = rows.len().saturating_sub(ROWS_MAX);
    let values: Vec<String> = listed.map(value).collect();
    if !values.is_empty() {
        text.push(Text::plain(format!("  {}", values.join(", "))));
    }
    let (back, shows) = (
        key_of(KeyScope::Sheet, Action::Back),
        key_of(KeyScope::Run, Action::Differences),
    );
    let all = match more {
        0 => format!("{back} {shows} reads all of it side by side"),
        more => format!(
            "{} differ: {back} {shows} reads all",
            counted(more, "more row")
        ),
    };
    text.push(Text::inked(Ink::Dim, format!("  {all}")));
    text.push(Text::new());
}

/// A fact without rows: its values, of a digest its name alone.
fn value(change: &FactChange) -> String {
    let is_short = |value: &Option<String>| value.as_ref().is_none_or(|value| value.len() < 32);
    match &change.reason {
        Some(reason) => format!("{} unknown ({reason})", change.key),
        None if is_short(&change.approved) && is_short(&change.found) => words::change(
            change.key.shown(),
            change.approved.as_deref(),
            change.found.as_deref(),
        ),
        None => change.key.to_string(),
    }
}

/// How long both sides of a row are.
fn bytes(row: &RowChange) -> usize {
    let length = |side: &Option<String>| side.as_ref().map_or(0, String::len);
    length(&row.approved) + length(&row.found)
}

/// One row with its changed lines, the old text above the new one.
fn told(text: &mut Vec<Text>, change: &FactChange, row: &RowChange, width: usize) {
    let name = format!("  {} {}", change.key, row.key);
    if bytes(row) > ROW_BYTES_MAX {
        text.push(Text::inked(Ink::Bold, name).with(Ink::Plain, "  a long text changed"));
        return;
    }
    let one_side = match (&row.approved, &row.found) {
        (None, Some(found)) => Some(("  new", "+", found)),
        (Some(approved), None) => Some(("  gone", "-", approved)),
        (None, None) => {
            text.push(Text::plain(name));
            return;
        }
        (Some(_), Some(_)) => None,
    };
    if let Some((what, sign, value)) = one_side {
        text.push(Text::inked(Ink::Bold, name).with(Ink::Drift, what));
        let line =
            Text::inked(Ink::Drift, format!("    {sign} ")).with(Ink::Plain, in_words(value));
        text.push(line.clip(2 * width.saturating_sub(4), "…"));
        return;
    }
    text.push(Text::inked(Ink::Bold, name));
    // The sign, a field's name and some words of both sides.
    let around = width.saturating_sub(24) / 2;
    let changed = passages(row, around);
    for passage in changed.iter().take(PASSAGES_MAX) {
        // Three lines of the sheet for each side.
        let sides = both_sides(passage).map(|side| side.clip(3 * width.saturating_sub(2), "…"));
        text.extend(sides);
    }
    if changed.len() > PASSAGES_MAX {
        let more = counted(changed.len() - PASSAGES_MAX, "more line");
        text.push(Text::inked(Ink::Dim, format!("    {more} of it differ")));
    }
}

fn both_sides(passage: &ChangedWords) -> [Text; 2] {
    let field = passage
        .field
        .as_ref()
        .map_or_else(String::new, |field| format!("{field}: "));
    let side = |sign: &str, words: &str| {
        Text::inked(Ink::Drift, format!("    {sign} "))
            .with(Ink::Dim, field.as_str())
            .with(Ink::Plain, passage.lead.as_str())
            .with(Ink::Drift, words)
            .with(Ink::Plain, passage.trail.as_str())
    };
    [side("-", &passage.gone), side("+", &passage.come)]
}

/// A row that is only on one side: its fields, one behind the other.
fn in_words(value: &str) -> String {
    let Some(fields) = fields(value) else {
        return value.to_owned();
    };
    let named = fields.iter().map(|(name, text)| format!("{name}: {text}"));
    named.collect::<Vec<_>>().join("  ")
}

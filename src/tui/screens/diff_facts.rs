//! The left pane of the diff screen: facts, comparisons to choose, notes. What differs comes first; what is not listed is
//! counted.

use ratatui::layout::Rect;

use super::pane::first_row;
use super::words;
use crate::compare::{Change, Compare, ComparedFact, ReviewNote, SideValue};
use crate::tui::diff_view::{DiffPane, DiffView, Loaded};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::theme::{Glyph, Ink, Theme};
use crate::tui::widgets::{Canvas, Text, Weight};

/// A line, and the row that it belongs to.
type FactLine = (Option<usize>, Text);

/// Draws the pane of facts.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &DiffView) {
    let focused = view.pane == DiffPane::Facts;
    let ink = if focused { Ink::Bold } else { Ink::Plain };
    let right = if view.all {
        "changed first"
    } else {
        "changed only"
    };
    let title = Text::inked(ink, "1 FACTS");
    let inside = canvas.frame(area, Weight::Light, Ink::Dim, &title, &Text::plain(right));
    let width = usize::from(inside.width.saturating_sub(1));
    let lines = lines(view, width, *canvas.theme());
    let chosen = lines.iter().position(|(row, _)| *row == Some(view.row));
    let room = usize::from(inside.height);
    let top = first_row(lines.len(), room, chosen.unwrap_or(0));
    for (y, (nth, (_, line))) in (inside.y..inside.bottom()).zip(lines.iter().enumerate().skip(top))
    {
        if Some(nth) == chosen {
            canvas.text(inside.x, y, 1, &Text::inked(Ink::Bold, ">"));
        }
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(1), line);
    }
    let below = lines.len().saturating_sub(top + room);
    if top + below > 0 {
        let cut = Text::inked(Ink::Dim, format!("{top} lines above, {below} below"));
        canvas.on_edge(area, area.bottom().saturating_sub(1), &Text::new(), &cut);
    }
}

fn lines(view: &DiffView, width: usize, theme: Theme) -> Vec<FactLine> {
    let across = theme.lines(false).across;
    let rule = |words: &str| rule(words, width, across);
    let mut lines = Vec::new();
    let facts = view.facts();
    let mut part = None;
    // Before the equal facts, which may be many: what a person wrote is read first.
    let mut notes = Some(notes(view, width, across));
    for (row, fact) in facts.iter().enumerate() {
        let heading = match fact.change {
            _ if is_of_change(view, fact) => Some("the change"),
            _ if fact.follows => Some("follows from the change"),
            Change::Equal => Some("equal"),
            Change::NotRead => Some("not read again"),
            Change::Beside => Some("changed beside"),
            Change::NotComparable => Some("not comparable"),
            _ => None,
        };
        let of_change = is_of_change(view, fact) || fact.follows;
        let is_told = of_change || fact.change == Change::Beside;
        if heading.is_some() && !is_told {
            lines.extend(notes.take().into_iter().flatten());
        }
        if heading != part {
            part = heading;
            lines.push(rule(heading.unwrap_or("changed")));
        }
        if is_of_change(view, fact) {
            let (mark, ink) = mark(fact, theme);
            let head = Text::inked(ink, mark).with(Ink::Plain, fact.name());
            lines.push((Some(row), head));
            lines.extend(ledger_words(fact, width));
        } else {
            lines.push((Some(row), fact_line(fact, width, theme)));
        }
        if let Some(below) = below(view, fact) {
            lines.push((None, Text::plain(format!("    {below}"))));
        }
        lines.extend(last_note(view, fact).map(|line| (None, line)));
    }
    if let Ok(comparison) = &view.outcome {
        let hidden = comparison.facts.len() - facts.len();
        if hidden > 0 {
            let shows = key_of(KeyScope::Diff, Action::ToggleEqual);
            let text = format!("  {hidden} equal facts hidden ({shows} shows them)");
            lines.push((None, Text::inked(Ink::Dim, text)));
        }
    }
    let chooses = key_of(KeyScope::Diff, Action::Open);
    lines.push(rule(&format!("compare ({chooses})")));
    for (nth, compare) in view.choices.iter().enumerate() {
        let here = if *compare == view.compare { "> " } else { "  " };
        lines.push((
            Some(facts.len() + nth),
            Text::plain(format!("{here}{compare}")),
        ));
    }
    lines.extend(notes.take().into_iter().flatten());
    lines
}

/// The last note on a fact, cut to one line: whole it stands with the others.
fn last_note(view: &DiffView, fact: &ComparedFact) -> Option<Text> {
    let mut notes = view.notes.iter().rev();
    let about = |note: &&ReviewNote| note.fact.as_ref() == Some(&fact.key);
    let last = notes.find(about)?;
    let more = match notes.filter(about).count() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let words = format!("    {}{more}: \"{}\"", last.by, last.text);
    Some(Text::inked(Ink::Bold, words))
}

fn rule(words: &str, width: usize, across: &str) -> FactLine {
    let before = format!("{} {words} ", across.repeat(5));
    let after = across.repeat(width.saturating_sub(before.chars().count()));
    (None, Text::inked(Ink::Dim, before + &after))
}

fn notes(view: &DiffView, width: usize, across: &str) -> Vec<FactLine> {
    let mut lines = Vec::new();
    if !view.notes.is_empty() {
        let writes = key_of(KeyScope::Diff, Action::Note);
        lines.push(rule(&format!("notes ({writes} writes one)"), width, across));
    }
    for note in &view.notes {
        let about = note.fact.as_ref().map_or("the run", |fact| fact.as_str());
        let head = Text::plain(format!("{} on {about}:", note.by));
        lines.extend(head.wrap(width).into_iter().map(|line| (None, line)));
        let text = Text::plain(format!("\"{}\"", note.text));
        let wrapped = text.wrap(width.saturating_sub(2)).into_iter();
        lines.extend(wrapped.map(|line| (None, Text::plain("  ").then(line))));
        if let Some(since) = &note.since {
            let since = Text::inked(Ink::Drift, format!("! {since}"));
            let wrapped = since.wrap(width.saturating_sub(2)).into_iter();
            lines.extend(wrapped.map(|line| (None, Text::plain("  ").then(line))));
        }
    }
    lines
}

fn value(side: Option<&SideValue>) -> String {
    side.map_or_else(
        || "none".to_owned(),
        |side| words::short_value(words::value_or_unknown(side.value.as_deref())),
    )
}

/// Two digests side by side are told apart by their beginnings; the whole values stand beside the document.
fn beginning(value: String) -> String {
    match value.split_once("..") {
        Some((beginning, end)) if beginning.len() == 8 && end.len() == 4 => beginning.to_owned(),
        _ => value,
    }
}

/// Whether it is the row of all units or rows of the change, beside a survey of now.
fn is_of_change(view: &DiffView, fact: &ComparedFact) -> bool {
    fact.is_ledger() && view.compare == Compare::Rechecked
}

/// What came of the rows or units of a ledger, whole, below its name.
fn ledger_words(fact: &ComparedFact, width: usize) -> Vec<FactLine> {
    let now = fact.sides.after.as_ref();
    let words = now.map_or_else(String::new, SideValue::words);
    let wrapped = Text::plain(words).wrap(width.saturating_sub(4)).into_iter();
    let lines = wrapped.map(|line| (None, Text::plain("    ").then(line)));
    lines.collect()
}

/// The mark of a fact that differs: no alarm where it follows from the change.
fn mark(fact: &ComparedFact, theme: Theme) -> (String, Ink) {
    if fact.follows {
        (format!("{} ", theme.glyph(Glyph::Done)), Ink::Plain)
    } else {
        ("! ".to_owned(), Ink::Drift)
    }
}

fn fact_line(fact: &ComparedFact, width: usize, theme: Theme) -> Text {
    let (mark, values, ink) = match fact.change {
        Change::Equal => (
            "= ".to_owned(),
            value(fact.sides.before.as_ref()),
            Ink::Plain,
        ),
        Change::NotRead => ("  ".to_owned(), "at approval".to_owned(), Ink::Dim),
        Change::NotComparable => ("  ".to_owned(), "two formats".to_owned(), Ink::Dim),
        _ => {
            let sides = fact
                .sides
                .as_ref()
                .map(|side| beginning(value(side.as_ref())));
            let values = format!("{} | {}", sides.before, sides.after);
            if fact.change == Change::Beside {
                ("+ ".to_owned(), values, Ink::Plain)
            } else {
                let (mark, ink) = mark(fact, theme);
                (mark, values, ink)
            }
        }
    };
    let key = Text::plain(fact.name());
    let values = Text::plain(values);
    let room = width.saturating_sub(2);
    let left = room.saturating_sub(values.width() + 1);
    let line = Text::inked(ink, mark);
    if left >= key.width() {
        return line.then(key.to_column(left + 1)).then(values);
    }
    // A long pair of values takes what it needs; the name keeps at least its beginning.
    let left = left.max(room / 3);
    line.then(key.to_column(left))
        .with(Ink::Plain, " ")
        .then(values)
}

/// What is known of the document, below the fact.
fn below(view: &DiffView, fact: &ComparedFact) -> Option<String> {
    if !fact.change.differs() {
        return None;
    }
    match (view.loaded.get(&fact.key), fact.rows.as_slice()) {
        (Some(Loaded::Here(opened)), _) => Some(opened.tally()),
        (_, [row]) => Some(format!("1 row: {}", row.key)),
        (_, []) => None,
        (_, rows) => Some(format!("{} rows differ", rows.len())),
    }
}

//! The document of the chosen fact, both sides, each named with provenance and time. Only the lines on screen are laid out.

use std::ops::Range;

use ratatui::layout::{Rect, Size};

use super::diff::{diff_areas, diff_layout};
use super::diff_lines::{self, DiffLayout, diff_lines};
use super::diff_pages;
use super::words;
use crate::compare::{
    AlignedDocuments, Change, Compare, ComparedFact, Comparison, SideValue, explain_row,
};
use crate::survey::{ChangedWords, Item, RowChange, Side, Sides, a_field_a_line, passages};
use crate::tui::diff_view::{DiffPane, DiffView, DocumentPlace, Loaded};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// Characters around changed words where a document is not there to be read.
const PASSAGE_AROUND: usize = 60;

/// The longest value that stands in the heading of its side alone, in characters.
const HEADING_VALUE_MAX: usize = 24;

/// Draws the document pane.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &DiffView, size: Size) {
    let ink = match view.pane {
        DiffPane::Document => Ink::Bold,
        DiffPane::Facts => Ink::Plain,
    };
    if let Some((page, top)) = view.page {
        diff_pages::draw(canvas, area, view, page, top);
        return;
    }
    let name = view.fact().map_or("no fact", |fact| fact.label.as_str());
    let title = Text::inked(ink, format!("2 {name}"));
    let right = Text::plain(place(view));
    let inside = canvas.frame(area, Weight::Light, Ink::Dim, &title, &right);
    let DrawnDocument {
        lines,
        rows,
        cursor,
    } = lines(canvas, view, size, inside);
    for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
        canvas.text(inside.x, y, inside.width, line);
    }
    if let (Some((line, column)), DiffPane::Document) = (cursor, view.pane) {
        let (x, y) = (inside.x + column, inside.y + line);
        canvas.text(x, y, 1, &Text::inked(Ink::Bold, ">"));
    }
    let all = view.opened().map_or(0, |opened| opened.alignment.rows());
    if let Some(rows) = rows.filter(|rows| rows.len() < all) {
        let words = format!("rows {} to {} of {all}", rows.start + 1, rows.end);
        let words = Text::inked(Ink::Dim, words);
        canvas.on_edge(area, area.bottom().saturating_sub(1), &Text::new(), &words);
    }
}

/// `change 1 of 2   lines 120 | 120   wrap on`
fn place(view: &DiffView) -> String {
    let Some(opened) = view.opened() else {
        return String::new();
    };
    let changes = opened.alignment.changes();
    let change = match (view.change, changes) {
        _ if !opened.is_whole() => "one side only".to_owned(),
        (_, 0) => "no change".to_owned(),
        (None, changes) => format!("{changes} changes"),
        (Some(nth), changes) => format!("change {} of {changes}", nth + 1),
    };
    let lines = opened.alignment.lines();
    let wrap = if view.wrap { "on" } else { "off" };
    format!(
        "{change}   lines {} | {}   wrap {wrap}",
        lines.before, lines.after
    )
}

/// The lines of the pane, as drawn.
#[derive(Default)]
struct DrawnDocument {
    lines: Vec<Text>,
    /// The rows of the document among them.
    rows: Option<Range<usize>>,
    /// The cursor: line and column.
    cursor: Option<(u16, u16)>,
}

/// Lines that the document has in its pane, below what is said of it; at least one.
pub fn room(view: &DiffView, size: Size) -> usize {
    let area = diff_areas(view, size).document;
    let width = usize::from(area.width.saturating_sub(2));
    let above = view.opened().map_or(0, |opened| {
        let said = explained(view, opened);
        said.iter()
            .map(|text| text.wrap(width).len())
            .sum::<usize>()
            + diff_lines::HEADINGS
    });
    let inside = usize::from(area.height.saturating_sub(2));
    inside.saturating_sub(above).max(1)
}

fn lines(canvas: &Canvas<'_>, view: &DiffView, size: Size, inside: Rect) -> DrawnDocument {
    let mut drawn = DrawnDocument::default();
    let (Some(fact), Ok(comparison)) = (view.fact(), &view.outcome) else {
        drawn.lines = vec![Text::plain(format!(
            " {} chooses this comparison.",
            key_of(KeyScope::Diff, Action::Open)
        ))];
        return drawn;
    };
    let width = usize::from(inside.width);
    let wrap = |texts: Vec<Text>| -> Vec<Text> {
        texts.iter().flat_map(|text| text.wrap(width)).collect()
    };
    let mut lines = Vec::new();
    match view.loaded.get(&fact.key) {
        Some(Loaded::Here(opened)) => {
            lines.extend(wrap(explained(view, opened)));
            let sides = headings(comparison, fact, words::short_value);
            let layout = diff_layout(view, size);
            lines.extend(diff_lines::headings(opened, layout, sides, *canvas.theme()));
            drawn.lines = lines;
            document(canvas, view, opened, layout, inside.height, &mut drawn);
            return drawn;
        }
        Some(Loaded::Asked) => lines.push(Text::inked(Ink::Dim, " opening ...")),
        Some(Loaded::Failed(why)) => lines.push(Text::inked(Ink::Bad, format!(" {why}"))),
        None => {}
    }
    let sides = headings(comparison, fact, str::to_owned);
    lines.push(Text::inked(Ink::Drift, "- ").then(sides.before));
    lines.push(Text::inked(Ink::Drift, "+ ").then(sides.after));
    lines.extend(values(fact));
    drawn.lines = wrap(lines);
    drawn
}

/// Each side: name, provenance, time, value.
fn headings(
    comparison: &Comparison,
    fact: &ComparedFact,
    value: impl Fn(&str) -> String,
) -> Sides<Text> {
    let heading = |side: Side| {
        let source = comparison.sources.get(side);
        let known = fact.sides.get(side).as_ref();
        let provenance = known.and_then(|value| value.provenance);
        let from = provenance.map_or(String::new(), |it| format!("   {}", it.name()));
        let at = source
            .read_at
            .map_or_else(String::new, |at| format!(" {}", at.clock()));
        let ink = match provenance {
            Some(crate::survey::Provenance::Simulated) => Ink::Simulated,
            _ => Ink::Plain,
        };
        Text::inked(Ink::Bold, &source.name)
            .with(Ink::Dim, format!("{from}{at}   "))
            .with(ink, value(&said(known, fact)))
    };
    Sides::new(heading(Side::Before), heading(Side::After))
}

fn said(value: Option<&SideValue>, fact: &ComparedFact) -> String {
    match (value, fact.change) {
        (Some(value), _) => value.words(),
        (None, Change::NotRead) => "not read again: that is done at the approval".to_owned(),
        (None, _) => "none".to_owned(),
    }
}

/// The rows that the journal names, where there is no document or it is still to come.
fn values(fact: &ComparedFact) -> Vec<Text> {
    let mut lines = vec![Text::new()];
    for row in &fact.rows {
        lines.push(Text::inked(Ink::Bold, format!("  {}", row.key)));
        lines.extend(row_sentence(row));
    }
    if fact.rows.is_empty() {
        lines.push(Text::inked(Ink::Dim, "  No document behind this fact."));
    }
    lines
}

/// What changed in a row, a passage a line; of one that is new or gone its fields.
fn row_sentence(row: &RowChange) -> Vec<Text> {
    let passages = passages(row, PASSAGE_AROUND);
    if !passages.is_empty() {
        let told = |passage: &ChangedWords| {
            let field = passage.field.as_ref();
            let field = field.map_or_else(String::new, |name| format!("{name}: "));
            Text::plain(format!("    {field}{}", passage.lead))
                .with(Ink::Drift, passage.change())
                .with(Ink::Plain, &*passage.trail)
        };
        return passages.iter().map(told).collect();
    }
    let sides = [("  - ", &row.approved), ("  + ", &row.found)];
    let known = sides
        .into_iter()
        .filter_map(|(mark, value)| Some((mark, value.as_ref()?)));
    known
        .flat_map(|(mark, value)| {
            let text = a_field_a_line(value).unwrap_or_else(|| value.clone());
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines
                .into_iter()
                .map(move |line| Text::inked(Ink::Drift, mark).with(Ink::Plain, line))
        })
        .collect()
}

fn explained(view: &DiffView, opened: &AlignedDocuments) -> Vec<Text> {
    let mut lines = Vec::new();
    for side in Side::BOTH {
        if !*opened.present.get(side) {
            let word = match side {
                Side::Before => "left",
                Side::After => "right",
            };
            let remedy = match (view.compare == Compare::Now, side) {
                (true, Side::After) => {
                    let reads = key_of(KeyScope::Run, Action::SurveyAgain);
                    format!(" while waiting: {reads} reads it and keeps it")
                }
                _ => String::new(),
            };
            let text = format!("The document of the {word} side was not kept{remedy}.");
            lines.push(Text::inked(Ink::Bad, text));
        }
    }
    let row = match (view.found, view.change) {
        (Some(row), _) => Some(row),
        (None, Some(nth)) => opened.alignment.change(nth).map(|rows| rows.start),
        (None, None) => None,
    };
    if let Some(row) = row {
        lines.push(Text::inked(Ink::Bold, explain_row(opened, row)));
    }
    lines.extend(sentences(view));
    lines.push(Text::inked(Ink::Dim, opened.tally()));
    lines
}

/// Values that are sentences: the heading of their side has no room for them.
fn sentences(view: &DiffView) -> Vec<Text> {
    let (Some(fact), Ok(comparison)) = (view.fact(), &view.outcome) else {
        return Vec::new();
    };
    let sentence = |side: Side| {
        let words = fact.sides.get(side).as_ref()?.words();
        let is_long = words::short_value(&words).chars().count() > HEADING_VALUE_MAX;
        let name = &comparison.sources.get(side).name;
        is_long.then(|| Text::inked(Ink::Bold, name).with(Ink::Plain, format!(": {words}")))
    };
    Side::BOTH.into_iter().filter_map(sentence).collect()
}

fn document(
    canvas: &Canvas<'_>,
    view: &DiffView,
    opened: &AlignedDocuments,
    layout: DiffLayout,
    height: u16,
    drawn: &mut DrawnDocument,
) {
    let end = usize::from(height);
    // Starts at the first item on screen and stops when the pane is full: the cost does not depend on the length of the
    // document.
    for at in view.top.item..view.folding.items() {
        if drawn.lines.len() >= end {
            break;
        }
        let Some(item) = view.folding.item(at) else {
            break;
        };
        let these = match &item {
            Item::Row(row) => *row..*row + 1,
            Item::Fold { rows, .. } => rows.clone(),
        };
        let first = drawn.rows.as_ref().map_or(these.start, |rows| rows.start);
        drawn.rows = Some(first..these.end);
        let found = matches!(item, Item::Row(row) if view.found == Some(row));
        let lines = diff_lines(opened, &item, layout, *canvas.theme());
        // The first item may be scrolled in part: a wrapped row has several lines.
        let skip = if at == view.top.item {
            view.top.line
        } else {
            0
        };
        for (nth, line) in lines.into_iter().enumerate().skip(skip) {
            if view.cursor
                == (DocumentPlace {
                    item: at,
                    line: nth,
                })
                && drawn.lines.len() < end
            {
                let column = diff_lines::cursor_column(opened, layout);
                let place = (u16::try_from(drawn.lines.len()), u16::try_from(column));
                drawn.cursor = place.0.ok().zip(place.1.ok());
            }
            drawn.lines.push(if found {
                line.text.all_in(Ink::Needed)
            } else {
                line.text
            });
        }
    }
}

//! The document of the chosen fact, both sides. Invariant: names both sides with provenance and time; draws only what is on screen.

use ratatui::layout::{Rect, Size};

use super::diff::diff_layout;
use super::diff_lines::diff_lines;
use crate::desk::{ComparedFact, Comparison, Opened, SideValue, explain_row};
use crate::survey::{Item, Side};
use crate::tui::diffing::{DiffPane, DiffView, Loaded};
use crate::tui::keymap::{self, Scope};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// Draws the pane.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &DiffView, size: Size) {
    let ink = match view.pane {
        DiffPane::Document => Ink::Bold,
        DiffPane::Facts => Ink::Plain,
    };
    let name = view.fact().map_or("no fact", |fact| fact.label.as_str());
    let title = Text::inked(ink, format!("2 {name}"));
    let right = Text::plain(place(view));
    let inside = canvas.frame(area, Weight::Light, Ink::Dim, &title, &right);
    let lines = lines(canvas, view, size, inside);
    for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
        canvas.text(inside.x, y, inside.width, line);
    }
}

/// `change 1 of 2   lines 120 | 120   wrap on`
fn place(view: &DiffView) -> String {
    let Some(opened) = view.opened() else {
        return String::new();
    };
    let changes = opened.alignment.changes();
    let change = match (view.change, changes) {
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

fn lines(canvas: &Canvas<'_>, view: &DiffView, size: Size, inside: Rect) -> Vec<Text> {
    if view.help {
        return help();
    }
    let (Some(fact), Ok(comparison)) = (view.fact(), &view.outcome) else {
        return vec![Text::plain(" Enter chooses this comparison.")];
    };
    let width = usize::from(inside.width);
    let wrap = |texts: Vec<Text>| -> Vec<Text> {
        texts.iter().flat_map(|text| text.wrap(width)).collect()
    };
    if view.how {
        return wrap(how(comparison, fact));
    }
    let mut lines = wrap(sources(comparison, fact));
    match view.loaded.get(&fact.key) {
        None => lines.extend(wrap(values(fact))),
        Some(Loaded::Asked) => lines.push(Text::inked(Ink::Dim, " opening ...")),
        Some(Loaded::Failed(why)) => {
            lines.extend(wrap(vec![Text::inked(Ink::Bad, format!(" {why}"))]));
            lines.extend(wrap(values(fact)));
        }
        Some(Loaded::Here(opened)) => {
            lines.extend(wrap(explained(view, opened)));
            let room = usize::from(inside.height).saturating_sub(lines.len());
            document(canvas, view, opened, size, room, &mut lines);
        }
    }
    lines
}

/// Each side: name, provenance, time, value.
fn sources(comparison: &Comparison, fact: &ComparedFact) -> Vec<Text> {
    let mut lines = Vec::new();
    for side in Side::BOTH {
        let source = comparison.sources.get(side);
        let value = fact.sides.get(side).as_ref();
        let provenance = value.and_then(|value| value.provenance);
        let at = source
            .read_at
            .map_or_else(String::new, |at| format!(" {}", at.clock()));
        let mark = match side {
            Side::Before => "-",
            Side::After => "+",
        };
        let ink = match provenance {
            Some(crate::survey::Provenance::Simulated) => Ink::Simulated,
            _ => Ink::Plain,
        };
        lines.push(
            Text::inked(Ink::Drift, format!("{mark} "))
                .with(Ink::Bold, &source.name)
                .with(
                    Ink::Dim,
                    format!("   {}{at}   ", provenance.map_or("", |it| it.word())),
                )
                .with(ink, said(value)),
        );
    }
    lines
}

fn said(value: Option<&SideValue>) -> String {
    match value {
        None => "none".to_owned(),
        Some(value) => match (&value.value, &value.unknown) {
            (Some(text), _) => text.clone(),
            (None, Some(why)) => format!("unknown: {why}"),
            (None, None) => "unknown".to_owned(),
        },
    }
}

/// The rows that the journal names, where there is no document.
fn values(fact: &ComparedFact) -> Vec<Text> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let mut lines = vec![Text::new()];
    for row in &fact.rows {
        lines.push(Text::inked(Ink::Bold, format!("  {}", row.key)));
        lines.push(Text::inked(Ink::Drift, "  - ").with(Ink::Plain, text(&row.approved)));
        lines.push(Text::inked(Ink::Drift, "  + ").with(Ink::Plain, text(&row.found)));
    }
    if fact.rows.is_empty() {
        lines.push(Text::inked(Ink::Dim, "  No document behind this fact."));
    }
    lines
}

fn explained(view: &DiffView, opened: &Opened) -> Vec<Text> {
    let mut lines = Vec::new();
    for side in Side::BOTH {
        if !*opened.present.get(side) {
            let word = match side {
                Side::Before => "left",
                Side::After => "right",
            };
            let text = format!("The document of the {word} side was not kept.");
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
    lines.push(Text::inked(Ink::Dim, opened.tally()));
    lines
}

fn document(
    canvas: &Canvas<'_>,
    view: &DiffView,
    opened: &Opened,
    size: Size,
    room: usize,
    lines: &mut Vec<Text>,
) {
    let layout = diff_layout(view, size);
    let end = lines.len() + room;
    let mut skip = view.skip;
    for at in view.top..view.folding.items() {
        if lines.len() >= end {
            break;
        }
        let Some(item) = view.folding.item(at) else {
            break;
        };
        let found = matches!(item, Item::Row(row) if view.found == Some(row));
        for drawn in diff_lines(opened, &item, layout, *canvas.theme())
            .into_iter()
            .skip(skip)
        {
            let text = if found {
                drawn.text.all_in(Ink::Needed)
            } else {
                drawn.text
            };
            lines.push(text);
        }
        skip = 0;
    }
}

/// How both sides were read.
fn how(comparison: &Comparison, fact: &ComparedFact) -> Vec<Text> {
    let mut lines = vec![Text::inked(
        Ink::Bold,
        format!("{} ({})", fact.label, fact.key),
    )];
    for side in Side::BOTH {
        let source = comparison.sources.get(side);
        let value = fact.sides.get(side).as_ref();
        lines.push(Text::new());
        lines.push(Text::inked(Ink::Bold, &source.name));
        let known = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
        let rows: [(&str, Option<String>); 9] = [
            ("run", source.run_id.clone()),
            ("read at", source.read_at.map(|at| at.to_string())),
            ("server", source.server.clone()),
            ("transaction nonce", source.nonce.clone()),
            ("snapshot", source.snapshot.clone()),
            (
                "provenance",
                value
                    .and_then(|v| v.provenance)
                    .map(|p| p.word().to_owned()),
            ),
            (
                "sha256 of its SQL",
                value
                    .and_then(|v| v.sql_sha256.as_ref())
                    .map(ToString::to_string),
            ),
            (
                "document",
                value
                    .and_then(|v| v.document.as_ref())
                    .map(|d| format!("blobs/{}, {} lines", d.sha256, d.lines)),
            ),
            ("value", Some(said(value))),
        ];
        for (name, text) in rows {
            lines.push(Text::plain(format!("  {name:<18} ")).with(Ink::Plain, known(text)));
        }
    }
    if fact.method_differs() {
        lines.push(Text::new());
        lines.push(Text::inked(
            Ink::Drift,
            "* The sides were read by different SQL.",
        ));
    }
    lines
}

fn help() -> Vec<Text> {
    keymap::bindings(Scope::Diff)
        .map(|binding| {
            Text::inked(Ink::Bold, format!(" {}", binding.keys))
                .to_column(26)
                .with(Ink::Plain, binding.help)
        })
        .collect()
}

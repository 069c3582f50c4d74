//! Pages in place of a document: how both sides were read, and the keys. Lines above and below the screen are counted on the
//! frame.

use ratatui::layout::{Rect, Size};

use super::diff::diff_areas;
use super::documents::key_lines;
use crate::compare::{ComparedFact, Comparison, SideValue};
use crate::survey::Side;
use crate::tui::diff_view::{DiffPage, DiffView};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// The lines of the open page for a size of the terminal; none: no page is open.
pub fn diff_page(view: &DiffView, size: Size) -> Vec<Text> {
    let width = usize::from(diff_areas(view, size).document.width.saturating_sub(2));
    view.page
        .map_or_else(Vec::new, |(page, _)| lines(view, page, width))
}

fn lines(view: &DiffView, page: DiffPage, width: usize) -> Vec<Text> {
    let lines = match (page, view.fact(), &view.outcome) {
        (DiffPage::Keys, ..) => key_lines(KeyScope::Diff, width),
        (DiffPage::HowRead, Some(fact), Ok(comparison)) => how_read(comparison, fact),
        (DiffPage::HowRead, ..) => vec![Text::plain("No fact is chosen.")],
    };
    lines.iter().flat_map(|line| line.wrap(width)).collect()
}

/// Draws a page, scrolled to `top`.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &DiffView,
    page: DiffPage,
    top: usize,
) {
    let title = match page {
        DiffPage::Keys => "KEYS",
        DiffPage::HowRead => "HOW IT WAS READ",
    };
    let title = Text::inked(Ink::Bold, title);
    let right = Text::plain(format!("{} closes", key_of(KeyScope::Diff, Action::Back)));
    let inside = canvas.frame(area, Weight::Light, Ink::Dim, &title, &right);
    let lines = lines(view, page, inside.width.into());
    let room = usize::from(inside.height);
    let top = top.min(lines.len().saturating_sub(room));
    for (y, line) in (inside.y..inside.bottom()).zip(&lines[top..]) {
        canvas.text(inside.x, y, inside.width, line);
    }
    let below = lines.len().saturating_sub(top + room);
    if top + below > 0 {
        let cut = Text::inked(Ink::Dim, format!("{top} lines above, {below} below"));
        canvas.on_edge(area, area.bottom().saturating_sub(1), &Text::new(), &cut);
    }
}

fn said(value: Option<&SideValue>) -> String {
    value.map_or_else(|| "none".to_owned(), SideValue::words)
}

/// For each side: run, time, server, snapshot, SQL and value.
fn how_read(comparison: &Comparison, fact: &ComparedFact) -> Vec<Text> {
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
                    .map(|p| p.name().to_owned()),
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
    let measured = &comparison.attribution.measured;
    if !measured.is_empty() {
        lines.push(Text::new());
        let heading = "who and when, as far as it is visible";
        lines.push(Text::inked(Ink::Bold, heading));
        lines.extend(measured.iter().map(Text::plain));
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

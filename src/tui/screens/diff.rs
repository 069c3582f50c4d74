//! The diff screen: what was proven, the facts, the document of one. It works from 60x16, and every fact of either side can be
//! reached.
//!
//! ```text
//! 160x48              80x24
//! header 1            header 1
//! band   8            band   5
//! facts | document    facts, or the document
//! footer 1            footer 1
//! ```

use ratatui::layout::{Rect, Size};

use super::{diff_band, diff_document, diff_facts};
use crate::tui::diff_view::{DiffPane, DiffView};
use crate::tui::keymap::{self, Action, KeyScope, key_of};
use crate::tui::model::Model;
use crate::tui::screens::DiffLayout;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text};

/// From this width on both panes are on screen and both sides beside each other.
const WIDE_MIN: u16 = 100;
/// Width of the facts beside a document.
const FACTS_WIDTH: u16 = 46;
/// Space between two keys of the footer.
const GAP: &str = "   ";

/// Areas of the diff screen.
#[derive(Debug, Clone, Copy)]
pub struct DiffAreas {
    header: Rect,
    band: Rect,
    facts: Rect,
    /// Area of the document, with its frame.
    pub document: Rect,
    footer: Rect,
    /// Whether facts and document stand beside each other.
    pub both: bool,
}

/// The areas for a size of the terminal.
pub fn diff_areas(view: &DiffView, size: Size) -> DiffAreas {
    let wide = size.width >= WIDE_MIN;
    let both = wide && !view.is_document_whole();
    let band = if wide && size.height >= 30 { 8 } else { 5 };
    let row = |y: u16, height: u16| {
        let y = y.min(size.height);
        Rect::new(0, y, size.width, height.min(size.height - y))
    };
    let body = row(1 + band, size.height.saturating_sub(band + 2));
    let (facts, document) = if both {
        (
            Rect {
                width: FACTS_WIDTH,
                ..body
            },
            Rect {
                x: FACTS_WIDTH,
                width: body.width - FACTS_WIDTH,
                ..body
            },
        )
    } else {
        (body, body)
    };
    DiffAreas {
        header: row(0, 1),
        band: row(1, band),
        facts,
        document,
        footer: row(size.height.saturating_sub(1), 1),
        both,
    }
}

/// How a document is laid out in its pane.
pub fn diff_layout(view: &DiffView, size: Size) -> DiffLayout {
    let width = diff_areas(view, size).document.width.saturating_sub(2);
    DiffLayout {
        width: usize::from(width),
        split: !view.stacked.unwrap_or(size.width < WIDE_MIN),
        wrap: view.wrap,
        names_keys: true,
    }
}

/// Draws the diff screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, view: &DiffView) {
    let areas = diff_areas(view, area.as_size());
    header(canvas, areas.header, model, view);
    diff_band::draw(canvas, areas.band, view);
    let document = view.pane == DiffPane::Document || view.page.is_some();
    if areas.both || !document {
        diff_facts::draw(canvas, areas.facts, view);
    }
    if areas.both || document {
        diff_document::draw(canvas, areas.document, view, area.as_size());
    }
    footer(canvas, areas.footer, view);
}

fn header(canvas: &mut Canvas<'_>, area: Rect, model: &Model, view: &DiffView) {
    let mut left = Text::inked(Ink::Bold, "drygate");
    if let Some(created) = &model.run().created {
        let run = if area.width >= WIDE_MIN {
            created.run_id.to_string()
        } else {
            created.run_id.short()
        };
        left.push(Ink::Plain, format!("  {run}  {}  ", created.profile));
        left.push(Ink::Target, format!("[{}]", created.target.label));
        if area.width >= WIDE_MIN {
            left.push(Ink::Plain, format!("  {}", created.target.address()));
        }
    }
    let right = Text::inked(Ink::Bold, "DIFF").with(Ink::Plain, format!("   {}", view.compare));
    let taken = u16::try_from(right.width()).unwrap_or(u16::MAX);
    let room = area.width.saturating_sub(taken.saturating_add(3));
    canvas.text(area.x + 1, area.y, room, &left);
    canvas.text_right(area.right().saturating_sub(1), area.y, area.width, &right);
}

fn footer(canvas: &mut Canvas<'_>, area: Rect, view: &DiffView) {
    let width = area.width.saturating_sub(2);
    let text = if let Some(note) = &view.typing {
        let about = view.fact().map_or("the run", |fact| fact.key.shown());
        let typing = |action| key_of(KeyScope::Typing, action);
        let (writes, drops) = (typing(Action::Confirm), typing(Action::Back));
        Text::inked(Ink::Bold, format!("note on {about}: "))
            .with(Ink::Plain, note)
            .with(Ink::Bold, "_")
            .with(Ink::Dim, format!("   {writes} writes it, {drops} drops it"))
    } else if let Some(search) = view.search.as_ref().filter(|search| search.typing) {
        super::footer::typed_search(KeyScope::Diff, &search.text)
    } else if let Some(says) = &view.says {
        Text::inked(Ink::Bold, says)
    } else {
        keys(view, width)
    };
    canvas.text(area.x + 1, area.y, width, &text);
}

fn keys(view: &DiffView, width: u16) -> Text {
    let entries: Vec<_> = keymap::footer(KeyScope::Diff)
        .map(|(binding, does)| {
            let quits = binding.does(Action::Quit) && view.alone;
            (binding.keys, if quits { "quit" } else { does })
        })
        .collect();
    super::footer::fitting(&entries, GAP, width.into())
}

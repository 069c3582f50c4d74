//! A page of text over the panes. It scrolls to its last line, and says how much is above and below.

use ratatui::layout::Rect;

use super::{band, body, change_pages, details, documents};
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::{Model, Over};
use crate::tui::open_text::{OpenText, TextSubject};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// A page: title and lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextPage {
    /// Title on the frame.
    pub title: String,
    /// Lines, not yet wrapped.
    pub lines: Vec<Text>,
    /// What `y` copies.
    pub copies: Option<String>,
}

/// The page of a subject.
pub fn page(model: &Model, subject: &TextSubject) -> TextPage {
    match subject {
        TextSubject::Evidence => documents::evidence(model),
        TextSubject::Help => documents::help(model.scope(), inner(model.size.width)),
        TextSubject::Report(nth) => documents::report(model, *nth),
        TextSubject::ChangeFile(nth) => change_pages::file(model, *nth, inner(model.size.width)),
        TextSubject::Statement(phase, nth) => {
            change_pages::statement(model, *phase, *nth, inner(model.size.width))
        }
        other => details::page(model, other),
    }
}

/// The page, wrapped for a width.
pub fn wrapped(page: &TextPage, width: u16) -> Vec<Text> {
    page.lines
        .iter()
        .flat_map(|line| line.wrap(inner(width)))
        .collect()
}

/// Columns inside the frame and its blanks.
fn inner(width: u16) -> usize {
    usize::from(width.saturating_sub(4))
}

/// Rows of the page on screen, and how many it has, for the size of the model.
pub fn room(model: &Model, subject: &TextSubject) -> (usize, usize) {
    let area = Rect::new(0, 0, model.size.width, model.size.height);
    let height = match (&model.over, body::shape(area.width, area.height)) {
        (Over::Approving(_), _) => body::in_place_of_sheet(area).height,
        (_, body::ScreenShape::Wide) => area.height.saturating_sub(11),
        _ => area.height.saturating_sub(10),
    };
    let lines = wrapped(&page(model, subject), area.width).len();
    (usize::from(height.saturating_sub(2)), lines)
}

/// Draws the page, scrolled to its top line.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, reading: &OpenText) {
    let page = page(model, &reading.subject);
    let lines = wrapped(&page, area.width);
    let title = Text::inked(Ink::Bold, &page.title);
    let right = Text::plain(format!("{} back", key_of(band::scope(model), Action::Back)));
    let inside = canvas.frame(area, Weight::Light, Ink::Dim, &title, &right);
    let room = usize::from(inside.height);
    let top = reading.top.min(lines.len().saturating_sub(room));
    let found = model
        .search
        .as_ref()
        .map(|search| search.text.to_lowercase());
    for (y, line) in (inside.y..inside.bottom()).zip(lines.iter().skip(top)) {
        let hit = found
            .as_ref()
            .is_some_and(|text| !text.is_empty() && line.flat().to_lowercase().contains(text));
        if hit {
            canvas.text(inside.x, y, 1, &Text::inked(Ink::Bold, ">"));
        }
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), line);
    }
    canvas.part_shown(area, top, room, lines.len());
}

//! The screen that an approver had, drawn over ours in a replay. It is drawn by the same code at its own size; rows and columns
//! that do not fit here are counted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::body;
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::model::{ApproverScreen, Model};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text};

/// Draws it in the middle, with a line under it that says whose it was.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, seen: &ApproverScreen) {
    canvas.blank(area);
    let size = seen.model.size;
    let theme = model.theme;
    let mut drawn = Buffer::empty(Rect::new(0, 0, size.width, size.height));
    body::draw(&mut Canvas::new(&mut drawn, &theme), &seen.model);
    let room = Rect::new(area.x, area.y, area.width, area.height.saturating_sub(1));
    let width = size.width.min(room.width);
    let height = size.height.min(room.height);
    let top = seen.top.min(size.height - height);
    let place = Rect::new(
        room.x + (room.width - width) / 2,
        room.y + (room.height - height) / 2,
        width,
        height,
    );
    canvas.copy(place, &drawn, top);
    let key = |action| key_of(KeyScope::Replay, action);
    let mut says = Text::inked(Ink::Bold, &seen.says);
    let hidden = size.height - height;
    if hidden > 0 {
        let rows = crate::run::counted(usize::from(hidden), "row");
        let (down, up) = (key(Action::PageDown), key(Action::PageUp));
        says.push(Ink::Needed, format!("  {rows} more: {down}, {up}"));
    }
    if size.width > width {
        let cut = size.width - width;
        says.push(Ink::Needed, format!("  {cut} columns cut"));
    }
    let y = area.bottom().saturating_sub(1);
    let back = Text::inked(Ink::Dim, format!("{} back", key(Action::ApproversView)));
    canvas.text(area.x + 1, y, area.width.saturating_sub(10), &says);
    canvas.text_right(area.right().saturating_sub(1), y, 8, &back);
}

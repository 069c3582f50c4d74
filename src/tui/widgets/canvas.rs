//! The surface that screens draw on.
//! Invariant: nothing outside the given area is touched, at any size (test `every_size_draws` of tests/screens/hostile.rs).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::{Shown, Text};
use crate::tui::theme::{Ink, Theme};

/// Which lines a frame is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Thin lines, for panes.
    Light,
    /// Thick lines, for band and sheets.
    Heavy,
}

/// A buffer with a theme.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
}

impl<'a> Canvas<'a> {
    /// Draws on `buffer` in `theme`.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { buffer, theme }
    }

    /// The same surface in another theme: another target's colour.
    pub fn in_theme<'b>(&'b mut self, theme: &'b Theme) -> Canvas<'b> {
        Canvas {
            buffer: self.buffer,
            theme,
        }
    }

    /// Colours and glyphs that are drawn with.
    pub fn theme(&self) -> &'a Theme {
        self.theme
    }

    /// The whole surface.
    pub fn area(&self) -> Rect {
        self.buffer.area
    }

    /// Draws a line; what does not fit `width` is cut with a mark and a count.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &Text) {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() {
            return;
        }
        let width = width.min(area.right() - x);
        // Most lines are as they may be drawn: ASCII that fits.
        let ascii = text.pieces().all(|(shown, _)| shown.as_str().is_ascii());
        if ascii && text.width() <= width.into() {
            return self.pieces(x, y, width, text);
        }
        let fitting = text.shown_as(|shown| self.theme.fitting(shown));
        let fit = fitting.clip(width.into(), self.theme.ellipsis());
        self.pieces(x, y, width, &fit);
    }

    fn pieces(&mut self, x: u16, y: u16, width: u16, text: &Text) {
        let mut at = x;
        for (shown, ink) in text.pieces() {
            let room = (x + width).saturating_sub(at);
            at = self.put(at, y, room, shown, self.style(ink));
        }
    }

    /// Writes what fits `room` columns into the cells from `x` on, which is on the surface; gives the column behind it.
    fn put(&mut self, x: u16, y: u16, room: u16, shown: &Shown, style: Style) -> u16 {
        let text = shown.as_str();
        if !text.is_ascii() {
            return self.buffer.set_stringn(x, y, text, room.into(), style).0;
        }
        // No control character is in what is shown: a byte is a column.
        let room = room.min(self.buffer.area.right().saturating_sub(x));
        let mut at = x;
        for byte in text.bytes().take(room.into()) {
            let cell = &mut self.buffer[(at, y)];
            cell.set_char(byte.into()).set_style(style);
            at += 1;
        }
        at
    }

    /// The style of an ink, whatever a cell looked like before: a title is not as dim as the frame that it is written on, and
    /// no cell is bold and dim at once, which terminals with one intensity show as whichever came last.
    fn style(&self, ink: Ink) -> Style {
        Style::reset().patch(self.theme.style(ink))
    }

    /// Draws a line that ends at `right`.
    pub fn text_right(&mut self, right: u16, y: u16, width: u16, text: &Text) {
        let taken = u16::try_from(text.width()).unwrap_or(u16::MAX).min(width);
        self.text(right.saturating_sub(taken), y, taken, text);
    }

    /// Resets the cells of an area.
    pub fn blank(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
    }

    /// Copies the cells of another drawing, from its row `top` on, into an area that is no wider than it.
    pub fn copy(&mut self, area: Rect, from: &Buffer, top: u16) {
        let area = area.intersection(self.buffer.area);
        for y in 0..area.height {
            for x in 0..area.width {
                let cell = &from[(x, y + top)];
                // Half of a wide character cannot be drawn.
                let cut = x + 1 == area.width && cell.symbol().width() > 1;
                let place = &mut self.buffer[(area.x + x, area.y + y)];
                if cut {
                    place.reset();
                } else {
                    place.clone_from(cell);
                }
            }
        }
    }

    /// Draws a frame with a title on the left and a remark on the right of its upper line; gives the area inside.
    pub fn frame(
        &mut self,
        area: Rect,
        weight: Weight,
        ink: Ink,
        title: &Text,
        right: &Text,
    ) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 2 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        let lines = self.theme.lines(weight == Weight::Heavy);
        let style = self.theme.style(ink);
        let (last_x, last_y) = (area.right() - 1, area.bottom() - 1);
        for (y, [left, right]) in [(area.y, lines.top), (last_y, lines.bottom)] {
            self.buffer[(area.x, y)].set_symbol(left).set_style(style);
            self.buffer[(last_x, y)].set_symbol(right).set_style(style);
            for x in area.x + 1..last_x {
                self.buffer[(x, y)]
                    .set_symbol(lines.across)
                    .set_style(style);
            }
        }
        for y in area.y + 1..last_y {
            self.buffer[(area.x, y)]
                .set_symbol(lines.down)
                .set_style(style);
            self.buffer[(last_x, y)]
                .set_symbol(lines.down)
                .set_style(style);
        }
        self.on_edge(area, area.y, title, right);
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }

    /// Says on the lower edge which of its lines a page shows, where it does not show all.
    pub fn part_shown(&mut self, area: Rect, top: usize, room: usize, lines: usize) {
        if lines > room {
            let last = (top + room).min(lines);
            let cut = Text::inked(Ink::Dim, format!("lines {}-{last} of {lines}", top + 1));
            self.on_edge(area, area.bottom().saturating_sub(1), &Text::new(), &cut);
        }
    }

    /// Writes a title and a remark on a horizontal edge; the remark gives way first.
    pub fn on_edge(&mut self, area: Rect, y: u16, title: &Text, right: &Text) {
        let room = area.width.saturating_sub(4);
        let wanted = u16::try_from(title.width() + 2).unwrap_or(u16::MAX);
        let title_room = wanted.min(room);
        if !title.is_empty() && title_room > 2 {
            let padded = Text::plain(" ")
                .then(
                    title
                        .clone()
                        .clip(usize::from(title_room) - 2, self.theme.ellipsis()),
                )
                .with(Ink::Plain, " ");
            self.text(area.x + 2, y, title_room, &padded);
        }
        let taken = if title.is_empty() { 0 } else { title_room };
        let left = room.saturating_sub(taken + 1);
        if !right.is_empty() && left > 6 {
            let cut = right
                .clone()
                .clip(usize::from(left) - 2, self.theme.ellipsis());
            let padded = Text::plain(" ").then(cut).with(Ink::Plain, " ");
            self.text_right(area.right().saturating_sub(2), y, left, &padded);
        }
    }
}

//! One pane: title, head, rows, scrolling. Rows that do not fit are counted on the frame.

use ratatui::layout::Rect;

use super::body::panes_on_screen;
use super::pane_texts::kept_text;
use super::{effect, events, facts, gates, proof, script, stops, timeline};
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::{Model, Over, Pane};
use crate::tui::open_text::TextSubject;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// A row of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaneRow {
    /// Text of the row.
    pub text: Text,
    /// The page that Enter opens; `None`: none.
    pub opens: Option<TextSubject>,
    /// The whole value that `y` copies.
    pub copies: Option<String>,
}

impl PaneRow {
    /// A row that opens something.
    pub fn new(text: Text, opens: TextSubject) -> Self {
        Self {
            text,
            opens: Some(opens),
            copies: None,
        }
    }

    /// A row that is only read.
    pub fn only(text: Text) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }

    /// The row with what `y` copies.
    #[must_use]
    pub fn copying(mut self, value: impl Into<String>) -> Self {
        self.copies = Some(value.into());
        self
    }
}

/// Title and rows of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaneText {
    /// Title without its digit.
    pub title: &'static str,
    /// Remark on the right of the upper edge.
    pub right: Text,
    /// Remark on the left of the lower edge; where there is no room for all of it, it takes the place of `right`.
    pub below: Text,
    /// Rows that stay while the others scroll.
    pub head: Vec<Text>,
    /// The rows, without those before `skipped`.
    pub rows: Vec<PaneRow>,
    /// Rows before the first of `rows`.
    pub skipped: usize,
    /// Number of all rows, those of `rows` among them.
    pub total: usize,
    /// The row that is chosen until somebody chooses another.
    pub rests_on: usize,
}

/// What is in a pane of that inner width. A pane with many rows makes only those of `window`: rows on screen; `None`: all.
pub fn pane_text(model: &Model, pane: Pane, width: usize, window: Option<usize>) -> PaneText {
    let mut content = match pane {
        Pane::Gates => gates::text(model, width),
        Pane::Facts => facts::text(model, width),
        Pane::Stops => stops::text(model),
        Pane::Effect => effect::text(model, width),
        Pane::Proof => proof::text(model, width),
        Pane::Events => match &model.playback {
            Some(told) if model.shows_timeline => timeline::text(model, told, width, window),
            // The events pane sets `total` itself, as it makes only the rows of the window.
            _ => {
                let script = script::text(model, width, window);
                return script.unwrap_or_else(|| events::text(model, width, window));
            }
        },
    };
    content.total = content.rows.len();
    content
}

/// What the key that goes to a pane is called.
fn key(model: &Model, pane: Pane) -> String {
    key_of(model.scope(), Action::Pane(pane.digit()))
}

/// Draws a pane, scrolled so that the chosen row is on screen.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, pane: Pane) {
    let window = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2));
    let content = kept_text(model, pane, width, Some(window));
    let focused = model.focus == pane && model.over == Over::Nothing;
    let title_ink = if model.focus == pane {
        Ink::Bold
    } else {
        Ink::Plain
    };
    let mark = if focused && model.enlarged {
        format!(" ({} back)", key_of(model.scope(), Action::Back))
    } else {
        String::new()
    };
    let title = Text::inked(
        title_ink,
        format!("{} {}{mark}", key(model, pane), content.title),
    );
    let heads = content.head.len().min(window);
    let room = window - heads;
    let view = model.views[pane.index()];
    let chosen = view.chosen(content.total, content.rests_on);
    let top = first_row(content.total, room, chosen);
    let cut = cut_words(top, content.total.saturating_sub(top + room));
    let [long, _] = &cut;
    let (below, cut) = stops_below(model, (canvas.area(), area), pane, &cut)
        .unwrap_or_else(|| (content.below.clone(), long.clone()));
    let (right, below) = if fits_on_edge(area, &below, &cut) {
        (&content.right, below)
    } else {
        (&content.below, Text::new())
    };
    let inside = canvas.frame(area, Weight::Light, Ink::Dim, &title, right);
    if inside.height == 0 || inside.width == 0 {
        return;
    }
    let mut y = inside.y;
    for line in content.head.iter().take(heads) {
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(1), line);
        y += 1;
    }
    let shown = content.rows.iter().enumerate();
    for (nth, row) in shown.skip(top - content.skipped).take(room) {
        // The mark is a letter and no colour, so it is there on every terminal.
        if focused && nth + content.skipped == chosen {
            canvas.text(inside.x, y, 1, &Text::inked(Ink::Bold, ">"));
        }
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(1), &row.text);
        y += 1;
    }
    let last = area.bottom() - 1;
    canvas.on_edge(area, last, &below, &Text::inked(Ink::Dim, cut));
}

/// How many rows are not on screen: `3 more below`, and in short `3 below`.
fn cut_words(above: usize, below: usize) -> [String; 2] {
    let words = |more: &str| match (above, below) {
        (0, 0) => String::new(),
        (0, below) => format!("{below}{more} below"),
        (above, 0) => format!("{above}{more} above"),
        (above, below) => format!("{above} above, {below} below"),
    };
    [words(" more"), words("")]
}

/// Title and remark have 3 columns each around them, and each corner has one.
fn fits_on_edge(area: Rect, title: &Text, remark: &str) -> bool {
    title.width() + remark.len() + 8 <= usize::from(area.width)
}

/// The stop points, in one line on the edge below the facts, where their own pane is not on screen, and the remark beside them.
fn stops_below(
    model: &Model,
    (screen, area): (Rect, Rect),
    pane: Pane,
    cut: &[String; 2],
) -> Option<(Text, String)> {
    let on_screen = panes_on_screen(model, screen);
    let is_shown = |wanted| on_screen.iter().any(|(shown, _)| *shown == wanted);
    if pane != Pane::Facts || is_shown(Pane::Stops) || !is_shown(Pane::Gates) {
        return None;
    }
    let name = Text::plain(format!("{} STOPS  ", key(model, Pane::Stops)));
    let lines = stops::one_line(model).into_iter();
    let mut forms = lines.flat_map(|line| {
        let line = name.clone().then(line);
        cut.each_ref().map(|cut| (line.clone(), cut.clone()))
    });
    forms.find(|(line, cut)| fits_on_edge(area, line, cut))
}

/// The first row on screen, so that the chosen one is on it and no room is left empty.
pub(super) fn first_row(rows: usize, room: usize, chosen: usize) -> usize {
    chosen
        .saturating_sub(room / 2)
        .min(rows.saturating_sub(room))
}

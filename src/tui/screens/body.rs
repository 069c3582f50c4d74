//! The whole run screen: where each region goes at each size. It works from 60x16; below that it says which size it needs (test
//! `every_size_draws` of tests/screens/hostile.rs).
//!
//! ```text
//! 160x48            120x36            80x24
//! header 2          header 2          header 1
//! band   8          band   8          band   7
//! 1    | 2          1    | 2          1    | 2
//! 3 | 4 | 5         3 | 4 | 5         claims 1
//! 6                 footer 1          footer 1
//! footer 1
//! ```

use ratatui::layout::Rect;

use super::{approve_sheet, band, diff, footer, header, pane, proof, reject_sheet, text_page};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::model::{Model, Over, Pane};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// Smallest size, columns and rows, that the screen works in.
const SMALLEST: (u16, u16) = (60, 16);

/// Height of the body from which the events have room under the other panes.
const EVENTS_FROM: u16 = 34;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenShape {
    /// Less than the screen needs.
    TooSmall,
    /// Two panes, or one.
    Narrow,
    /// Five panes, and the events where there is room.
    Wide,
}

/// The shape for a size.
pub fn shape(width: u16, height: u16) -> ScreenShape {
    if width < SMALLEST.0 || height < SMALLEST.1 {
        ScreenShape::TooSmall
    } else if width >= 110 && height >= 34 {
        ScreenShape::Wide
    } else {
        ScreenShape::Narrow
    }
}

/// Draws the run screen.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model) {
    let area = canvas.area();
    match shape(area.width, area.height) {
        ScreenShape::TooSmall => too_small(canvas, area, model),
        shape => sized(canvas, area, model, shape),
    }
}

/// The panes on screen with their places, the band and header apart.
pub fn panes_on_screen(model: &Model, area: Rect) -> Vec<(Pane, Rect)> {
    let shape = shape(area.width, area.height);
    let body = regions(area, shape).2;
    let hidden = match shape {
        ScreenShape::TooSmall => return Vec::new(),
        // Two panes at most fit here; below 76 columns only the focused one.
        ScreenShape::Narrow => model.focus > Pane::Facts || area.width < 76,
        ScreenShape::Wide => model.focus == Pane::Events && !events_fit(body),
    };
    if model.enlarged || hidden {
        return vec![(model.focus, body)];
    }
    match shape {
        ScreenShape::Wide => wide(body),
        _ => narrow(body),
    }
}

/// Header, band, body, footer.
fn regions(area: Rect, shape: ScreenShape) -> (Rect, Rect, Rect, Rect) {
    let (header, band, status) = match shape {
        ScreenShape::Wide => (2, 8, 0),
        _ => (1, 7.min(area.height.saturating_sub(9)), 1),
    };
    let at = |y: u16, height: u16| {
        Rect::new(
            area.x,
            area.y + y.min(area.height),
            area.width,
            height.min(area.height.saturating_sub(y)),
        )
    };
    let body = area.height.saturating_sub(header + band + status + 1);
    (
        at(0, header),
        at(header, band),
        at(header + band, body),
        at(area.height.saturating_sub(1 + status), 1 + status),
    )
}

fn events_fit(body: Rect) -> bool {
    body.height >= EVENTS_FROM
}

fn wide(body: Rect) -> Vec<(Pane, Rect)> {
    let left = if body.width >= 140 {
        45
    } else {
        44.min(body.width - 71)
    };
    let middle = 10;
    let top = match body.height {
        ..EVENTS_FROM => body.height - middle,
        37.. => 19 + (body.height - 37) / 3,
        _ => body.height - middle - 8,
    };
    let rest = body.width - left;
    // 57 of 115 columns at a width of 160, and in that proportion at other widths.
    let effect = (rest * 57 / 115).max(41);
    let (x, y) = (body.x, body.y);
    let mut panes = vec![
        (Pane::Gates, Rect::new(x, y, left, top)),
        (Pane::Facts, Rect::new(x + left, y, rest, top)),
        (Pane::Stops, Rect::new(x, y + top, left, middle)),
        (Pane::Effect, Rect::new(x + left, y + top, effect, middle)),
        (
            Pane::Proof,
            Rect::new(x + left + effect, y + top, rest - effect, middle),
        ),
    ];
    if events_fit(body) {
        let height = body.height - top - middle;
        panes.push((
            Pane::Events,
            Rect::new(x, y + top + middle, body.width, height),
        ));
    }
    panes
}

fn narrow(body: Rect) -> Vec<(Pane, Rect)> {
    let left = 31;
    vec![
        (Pane::Gates, Rect::new(body.x, body.y, left, body.height)),
        (
            Pane::Facts,
            Rect::new(body.x + left, body.y, body.width - left, body.height),
        ),
    ]
}

fn sized(canvas: &mut Canvas<'_>, area: Rect, model: &Model, shape: ScreenShape) {
    // The diff and the view of an approver draw the whole screen.
    if let Over::Diff(view) = &model.over {
        diff::draw(canvas, area, model, view);
        return;
    }
    if let Over::Seen(seen) = &model.over {
        super::approver_view::draw(canvas, area, model, seen);
        return;
    }
    let (top, alarm, body, bottom) = regions(area, shape);
    header::draw(canvas, top, model);
    if let Over::Approving(sheet) = &model.over {
        let place = approve_sheet::place(area);
        if approve_sheet::leaves_the_band(area) {
            behind(canvas, area, model, shape);
        }
        approve_sheet::draw(canvas, place, model, sheet);
        return;
    }
    band::draw(canvas, alarm, model, shape == ScreenShape::Narrow);
    match &model.over {
        Over::Reading(reading) => text_page::draw(canvas, body, model, reading),
        _ => panes(canvas, area, model),
    }
    bottom_lines(canvas, bottom, model);
    match &model.over {
        Over::Rejecting(sheet) => reject_sheet::draw(canvas, body, model, sheet),
        Over::Leaving => leaving(canvas, body, model),
        _ => {}
    }
}

/// What is seen around a sheet that does not take the whole screen.
fn behind(canvas: &mut Canvas<'_>, area: Rect, model: &Model, shape: ScreenShape) {
    let (_, alarm, _, bottom) = regions(area, shape);
    band::draw(canvas, alarm, model, shape == ScreenShape::Narrow);
    panes(canvas, area, model);
    bottom_lines(canvas, bottom, model);
}

fn panes(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    for (which, place) in panes_on_screen(model, area) {
        pane::draw(canvas, place, model, which);
    }
}

fn bottom_lines(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    if area.height > 1 {
        let line = proof::one_line(model);
        canvas.text(area.x + 1, area.y, area.width.saturating_sub(2), &line);
    }
    let last = Rect::new(area.x, area.bottom().saturating_sub(1), area.width, 1);
    footer::draw(canvas, last.intersection(area), model);
}

fn leaving(canvas: &mut Canvas<'_>, body: Rect, model: &Model) {
    let width = body.width.min(64);
    let height = body.height.min(6);
    let place = Rect::new(
        body.x + (body.width - width) / 2,
        body.y + (body.height - height) / 2,
        width,
        height,
    );
    canvas.blank(place);
    let title = Text::inked(Ink::Bold, "LEAVE WHILE WORK RUNS?");
    let inside = canvas.frame(place, Weight::Heavy, Ink::Needed, &title, &Text::new());
    // Where the text is cut here, it is printed whole after the screen was left.
    let stays = if model.run().is_demo() {
        "The work stops and its database goes; the run can be read."
    } else {
        "The work stops; the run is kept and can be resumed."
    };
    let lines = [
        Text::plain(stays),
        Text::plain("The command for that is printed when you have left."),
        Text::new(),
        Text::inked(Ink::Bold, key_of(model.scope(), Action::Quit))
            .with(Ink::Plain, " leave     ")
            .with(Ink::Bold, key_of(model.scope(), Action::Back))
            .with(Ink::Plain, " stay"),
    ];
    for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(1), line);
    }
}

fn too_small(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    let band = band::band(model, true);
    let mut lines = vec![
        Text::inked(band.ink, format!("{}  {}", band.title, band.right)),
        Text::plain(format!(
            "drygate needs {}x{}, this terminal has {}x{}.",
            SMALLEST.0, SMALLEST.1, area.width, area.height
        )),
    ];
    if let Some(created) = &model.run().created {
        lines.push(Text::inked(
            Ink::Target,
            format!("[{}]", created.target.label),
        ));
    }
    if model.over != Over::Nothing {
        // A sheet that cannot be shown in full must not take an approval.
        let closes = key_of(KeyScope::Sheet, Action::Back);
        lines.push(Text::plain(format!(
            "Nothing is approved in a screen this small. {closes} closes the sheet."
        )));
    }
    let quits = key_of(model.scope(), Action::Quit);
    lines.push(Text::inked(Ink::Bold, quits).with(Ink::Plain, " leave"));
    let wrapped = lines.iter().flat_map(|line| line.wrap(area.width.into()));
    for (y, line) in (area.y..area.bottom()).zip(wrapped) {
        canvas.text(area.x, y, area.width, &line);
    }
}

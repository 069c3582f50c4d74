//! The whole run screen: where each region goes at each size. It works from 60x16; below that it says which size it needs (test
//! `every_size_draws` of tests/screens/hostile.rs).
//!
//! ```text
//! 160x48            120x36            100x30            80x24
//! header 2          header 2          header 1          header 1
//! band   8          band   8          band   7          band   7
//! 1    | 2          1    | 2          1    | 2          1    | 2
//! 3 | 4 | 5         3 | 4 | 5         4    | 6          claims 1
//! 6                 footer 1          claims 1          footer 1
//! footer 1                            footer 1
//! ```
//!
//! A pane that is gone to and has no place takes the rows under 1 and 2, so that gates, facts and stop points (a pane, or the
//! line below the facts) stay on screen until somebody enlarges a pane.

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

/// Columns from which two panes stand beside each other.
const TWO_FROM: u16 = 76;

/// Rows of the gates where none is cut, with their frame, on a narrow screen.
const GATES_HEIGHT: u16 = 14;

/// Rows from which a pane under the gates is worth its frame.
const UNDER_MIN: u16 = 5;

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
    if shape == ScreenShape::TooSmall {
        return Vec::new();
    }
    if model.enlarged || area.width < TWO_FROM {
        return vec![(model.focus, body)];
    }
    let panes = match shape {
        ScreenShape::Wide => wide(body),
        _ => narrow(body),
    };
    if panes.iter().any(|(shown, _)| *shown == model.focus) {
        panes
    } else {
        with_under(&panes, model.focus, body)
    }
}

/// Gates and facts, and under them the pane that was gone to over the whole width.
fn with_under(panes: &[(Pane, Rect)], focus: Pane, body: Rect) -> Vec<(Pane, Rect)> {
    let gates = panes.first().map_or(0, |(_, place)| place.height);
    let above = if body.height - gates >= UNDER_MIN {
        gates
    } else {
        body.height / 2
    };
    if above < UNDER_MIN {
        return vec![(focus, body)];
    }
    let mut kept: Vec<_> = panes
        .iter()
        .filter(|(pane, _)| matches!(pane, Pane::Gates | Pane::Facts))
        .map(|(pane, place)| {
            (
                *pane,
                Rect {
                    height: above,
                    ..*place
                },
            )
        })
        .collect();
    kept.push((focus, under(body, above)));
    kept
}

/// The rows of the body from `above` on.
fn under(body: Rect, above: u16) -> Rect {
    Rect {
        y: body.y + above,
        height: body.height - above,
        ..body
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

/// Gates and facts; under them, where all gates have room, the predicted effect and the events.
fn narrow(body: Rect) -> Vec<(Pane, Rect)> {
    let left = 31;
    let has_under = body.height >= GATES_HEIGHT + UNDER_MIN;
    let top = if has_under { GATES_HEIGHT } else { body.height };
    let mut panes = vec![
        (Pane::Gates, Rect::new(body.x, body.y, left, top)),
        (
            Pane::Facts,
            Rect::new(body.x + left, body.y, body.width - left, top),
        ),
    ];
    if !has_under {
        return panes;
    }
    let rest = under(body, top);
    // An event says nothing in fewer columns: the effect takes them all, and where there are rows the events go below.
    let (effect, events) = if body.width >= 96 {
        let wide = 41;
        let events = Rect {
            x: rest.x + wide,
            width: rest.width - wide,
            ..rest
        };
        (
            Rect {
                width: wide,
                ..rest
            },
            Some(events),
        )
    } else if rest.height >= 2 * UNDER_MIN {
        let half = rest.height / 2;
        (
            Rect {
                height: half,
                ..rest
            },
            Some(under(rest, half)),
        )
    } else {
        (rest, None)
    };
    panes.push((Pane::Effect, effect));
    panes.extend(events.map(|place| (Pane::Events, place)));
    panes
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
        if let Some(reading) = sheet.reading() {
            text_page::draw(canvas, in_place_of_sheet(area), model, reading);
            footer::nothing_counts(canvas, area);
            return;
        }
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

/// Where a page goes that is read in the place of a sheet: between the header and the last line.
pub(super) fn in_place_of_sheet(area: Rect) -> Rect {
    let header = regions(area, shape(area.width, area.height)).0;
    Rect {
        y: header.bottom(),
        height: area.height.saturating_sub(header.height + 1),
        ..area
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
        let width = area.width.saturating_sub(2);
        let line = proof::one_line(model, width.into());
        canvas.text(area.x + 1, area.y, width, &line);
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

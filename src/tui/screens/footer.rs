//! The footer: keys from the table, the answer to the last key, the search. Invariant: it names no key that the table does not have.

use ratatui::layout::Rect;

use super::timeline;
use crate::tui::inbox::Source;
use crate::tui::keymap::{self, Scope};
use crate::tui::model::{Model, Over};
use crate::tui::retelling::Told;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text};

/// Draws the footer.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    if area.height == 0 || area.width < 4 {
        return;
    }
    let width = area.width - 2;
    if let Some(search) = model.search.as_ref().filter(|search| search.typing) {
        let text = Text::inked(Ink::Bold, "/")
            .with(Ink::Plain, &search.text)
            .with(Ink::Bold, "_")
            .with(Ink::Dim, "   Enter finds, Esc leaves");
        canvas.text(area.x + 1, area.y, width, &text);
        return;
    }
    if let Some(notice) = &model.notice {
        canvas.text(area.x + 1, area.y, width, &Text::inked(Ink::Bold, notice));
        return;
    }
    if let Over::GoingTo(text) = &model.over {
        let text = Text::inked(Ink::Bold, "go to ")
            .with(Ink::Plain, text)
            .with(Ink::Bold, "_")
            .with(
                Ink::Dim,
                "   a record or a time: 212, 09:33, 09:33:06; Esc leaves",
            );
        canvas.text(area.x + 1, area.y, width, &text);
        return;
    }
    if let Some(told) = model.told.as_ref().filter(|_| area.width < 110) {
        draw_strip(canvas, area, told);
        return;
    }
    let keys = keys(model.scope(), area.width < 110);
    let taken = u16::try_from(keys.width()).unwrap_or(u16::MAX);
    canvas.text(area.x + 1, area.y, width, &keys);
    let script = script(model);
    let room = width.saturating_sub(taken + 4);
    if usize::from(room) >= script.width() {
        canvas.text_right(area.right() - 1, area.y, room, &script);
    }
}

/// Where there is no room for words: the run over time, and the keys alone.
fn draw_strip(canvas: &mut Canvas<'_>, area: Rect, told: &Told) {
    let mut keys = Text::new();
    for (binding, _) in keymap::footer(Scope::Replay) {
        keys.push(Ink::Bold, binding.keys);
        keys.push(Ink::Plain, " ");
    }
    let taken = u16::try_from(keys.width()).unwrap_or(u16::MAX);
    let state = if told.is_playing { "playing" } else { "paused" };
    let state = format!(" {} {state} {} ", told.now.clock(), told.speed);
    let room = usize::from(area.width).saturating_sub(usize::from(taken) + state.len() + 2);
    let text = timeline::one_line(told, room).with(Ink::Plain, state);
    let width = area.width.saturating_sub(taken + 2);
    canvas.text(area.x + 1, area.y, width, &text);
    canvas.text_right(area.right() - 1, area.y, taken, &keys);
}

fn keys(scope: Scope, narrow: bool) -> Text {
    let mut text = Text::new();
    for (binding, does) in keymap::footer(scope) {
        let gap = match (text.is_empty(), narrow) {
            (true, _) => "",
            (false, true) => "  ",
            (false, false) => "   ",
        };
        text = text
            .with(Ink::Bold, format!("{gap}{}", binding.keys))
            .with(Ink::Plain, format!(" {does}"));
    }
    text
}

/// The same without a screen.
fn script(model: &Model) -> Text {
    let run = &model.run;
    let Some(id) = run.run_id() else {
        return Text::new();
    };
    let stands = run.drift.as_ref().is_some_and(|drift| drift.gate.is_some());
    match (&model.source, run.waits_at()) {
        (Source::Live | Source::Watching, _) if stands => Text::inked(
            Ink::Dim,
            format!("in a script: drygate resume {}", id.tail()),
        ),
        (Source::Replay, _) => Text::inked(Ink::Dim, "a, x: not in a replay"),
        (_, Some(gate)) => Text::inked(
            Ink::Dim,
            format!(
                "in a script: drygate approve {} {gate} --digest ...",
                id.tail()
            ),
        ),
        (_, None) if run.sealed.is_some() => {
            Text::inked(Ink::Dim, format!("anybody: drygate verify {}", id.tail()))
        }
        _ => Text::new(),
    }
}

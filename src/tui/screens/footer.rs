//! The footer: keys from the key table, the answer to the last key, the search that is being typed.

use ratatui::layout::Rect;

use crate::tui::inbox::Source;
use crate::tui::keymap::{self, Action, KeyScope, key_of};
use crate::tui::model::{Model, Over};
use crate::tui::playback::PlaybackState;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text};

/// Draws the footer line.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    if area.height == 0 || area.width < 4 {
        return;
    }
    let width = area.width - 2;
    if let Some(search) = model.search.as_ref().filter(|search| search.typing) {
        let text = typed_search(model.scope(), &search.text);
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
                format!(
                    "   a record or a time: 212, 09:33, 09:33:06; {} leaves",
                    key_of(KeyScope::Typing, Action::Back)
                ),
            );
        canvas.text(area.x + 1, area.y, width, &text);
        return;
    }
    let narrow = area.width < 110;
    let place = model
        .playback
        .as_ref()
        .filter(|_| narrow)
        .map(|playback| place(playback));
    let room = usize::from(width) - place.as_ref().map_or(0, |place| place.width() + 2);
    let keys = keys(model, narrow, room);
    let keys = match place {
        Some(place) => place.with(Ink::Plain, "  ").then(keys),
        None => keys,
    };
    let taken = u16::try_from(keys.width()).unwrap_or(u16::MAX);
    canvas.text(area.x + 1, area.y, width, &keys);
    let script = script(model);
    let room = width.saturating_sub(taken + 4);
    // Whole or not at all: a command that is cut could be copied.
    if usize::from(room) >= script.width() {
        canvas.text_right(area.right() - 1, area.y, room, &script);
    }
}

/// The last line under a page that is read in the place of a sheet.
pub(super) fn nothing_counts(canvas: &mut Canvas<'_>, area: Rect) {
    let key = |action| key_of(KeyScope::Sheet, action);
    let (back, page) = (key(Action::Back), key(Action::PageDown));
    let says =
        format!("{page} reads on, {back} goes back to the sheet. What is typed here is dropped.");
    let width = area.width.saturating_sub(2);
    canvas.text(area.x + 1, area.bottom() - 1, width, &Text::plain(says));
}

/// A search that is being typed.
pub(super) fn typed_search(scope: KeyScope, text: &str) -> Text {
    let typing = |action| key_of(KeyScope::Typing, action);
    let (finds, leaves) = (typing(Action::Confirm), typing(Action::Back));
    Text::inked(Ink::Bold, key_of(scope, Action::Search))
        .with(Ink::Plain, text)
        .with(Ink::Bold, "_")
        .with(Ink::Dim, format!("   {finds} finds, {leaves} leaves"))
}

/// Where there is no room for the timeline: the time that a replay stands at, and whether it plays.
fn place(playback: &PlaybackState) -> Text {
    let state = if playback.is_playing {
        "playing"
    } else {
        "paused"
    };
    Text::plain(format!("{} {state}", playback.now.clock()))
}

fn keys(model: &Model, narrow: bool, room: usize) -> Text {
    let plays = model.playback.as_ref().is_some_and(|it| it.is_playing);
    let entries: Vec<_> = keymap::footer(model.scope())
        .map(|(binding, does)| {
            let pauses = plays && binding.does(Action::PlayPause);
            (binding.keys, if pauses { "pause" } else { does })
        })
        .collect();
    fitting(&entries, if narrow { "  " } else { "   " }, room)
}

/// Keys with what they do, as many as there is room for. The last two stay in any case: they lead to the others and away.
pub(super) fn fitting(entries: &[(&str, &str)], gap: &str, room: usize) -> Text {
    let entry = |(keys, does): &(&str, &str)| {
        Text::inked(Ink::Bold, *keys).with(Ink::Plain, format!(" {does}"))
    };
    let (first, last) = entries.split_at(entries.len().saturating_sub(2));
    let width = |text: &Text| text.width() + gap.len();
    // The last entry has no gap behind it.
    let mut left = room + gap.len();
    let last: Vec<Text> = last.iter().map(entry).collect();
    left = left.saturating_sub(last.iter().map(width).sum());
    let first = first.iter().map(entry).take_while(|text| {
        let fits = width(text) <= left;
        left = left.saturating_sub(width(text));
        fits
    });
    let all: Vec<Text> = first.chain(last.iter().cloned()).collect();
    let joined = |line: Text, text: Text| line.with(Ink::Plain, gap).then(text);
    all.into_iter().reduce(joined).unwrap_or_default()
}

/// The command that does the same without a screen.
fn script(model: &Model) -> Text {
    let run = model.run();
    let Some(id) = run.run_id() else {
        return Text::new();
    };
    let command = |words: String| model.call.to(words);
    let stands = run.drift.as_ref().is_some_and(|drift| drift.gate.is_some());
    match (&model.source, run.waits_at()) {
        (Source::Live | Source::Watching | Source::Unheld, _) if stands => Text::inked(
            Ink::Dim,
            format!("in a script: {}", command(format!("resume {}", id.tail()))),
        ),
        (Source::Replay, _) => {
            let key = |action| key_of(KeyScope::Replay, action);
            let (approve, reject) = (key(Action::Approve), key(Action::Reject));
            Text::inked(Ink::Dim, format!("{approve}, {reject}: not in a replay"))
        }
        (_, Some(gate)) => Text::inked(
            Ink::Dim,
            format!(
                "elsewhere: {}",
                command(format!("approve {} {gate}", id.tail()))
            ),
        ),
        (_, None) if run.sealed.is_some() => {
            let verify = command(format!("verify {}", id.tail()));
            Text::inked(Ink::Dim, format!("anybody: {verify}"))
        }
        _ => Text::new(),
    }
}

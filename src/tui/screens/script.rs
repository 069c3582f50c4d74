//! Pane 6 of a run with a change that waits or has ended: its statements as they were recorded, in the place of the events.

use super::pane::{PaneRow, PaneText, first_row};
use super::rehearsed;
use crate::run::{RecordedChange, RecordedStatement, TakenLock};
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::{Model, Pane};
use crate::tui::open_text::TextSubject;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// What was recorded last; `None`: events are shown. While something is done they tell how far it is.
fn recorded(model: &Model) -> Option<&RecordedChange> {
    if model.is_running() || model.playback.is_some() {
        return None;
    }
    rehearsed::recorded(model.run())
}

/// How many rows the pane has in the place of the events; `None`: it has events.
pub(super) fn count(model: &Model) -> Option<usize> {
    let recorded = recorded(model)?;
    Some(recorded.statements().count() + usize::from(recorded.left_out > 0))
}

/// The statements, in the place of the events; `None`: it has events.
pub(super) fn text(model: &Model, width: usize, window: Option<usize>) -> Option<PaneText> {
    let recorded = recorded(model)?;
    let total = count(model)?;
    let view = model.views[Pane::Events.index()];
    let skipped = window.map_or(0, |room| first_row(total, room, view.chosen(total, 0)));
    let several = recorded.phases.len() > 1;
    let statements = recorded.statements().skip(skipped);
    let statements = statements.take(window.unwrap_or(total));
    let mut rows: Vec<PaneRow> = statements
        .map(|(phase, nth, statement)| {
            let of = several.then(|| format!("{phase}."));
            let number = format!("{}{nth}", of.unwrap_or_default());
            let line = line(&number, statement, width);
            PaneRow::new(line, TextSubject::Statement(phase, nth)).copying(statement.text.clone())
        })
        .collect();
    if recorded.left_out > 0 && skipped + rows.len() + 1 == total {
        let more = format!("{} more statements", recorded.left_out);
        rows.push(PaneRow::only(Text::inked(Ink::Dim, more)));
    }
    Some(PaneText {
        title: "SCRIPT",
        right: Text::plain(format!(
            "{} files, whole   # = REHEARSED",
            key_of(model.scope(), Action::ChangeFiles)
        )),
        below: recorded
            .held_lines()
            .first()
            .map_or_else(Text::new, |held| Text::inked(Ink::Needed, held)),
        head: vec![heading(width)],
        rows,
        skipped,
        total,
        ..PaneText::default()
    })
}

/// Columns of the text; `None`: there is no room for rows and locks.
fn room_of_text(width: usize) -> Option<usize> {
    (width >= 90).then(|| (width - 28) / 2)
}

fn heading(width: usize) -> Text {
    let right = |text: &str, columns| Text::inked(Ink::Dim, text).right(columns);
    let mut text = right("#", 5).then(right("ms", 9));
    let Some(room) = room_of_text(width) else {
        text.push(Ink::Dim, "  statement");
        return text;
    };
    text = text.then(right("rows", 10));
    text.push(Ink::Dim, "  statement");
    text.to_column(26 + room)
        .with(Ink::Dim, "  takes, and holds")
}

fn line(number: &str, statement: &RecordedStatement, width: usize) -> Text {
    let ink = if statement.error.is_some() {
        Ink::Bad
    } else {
        Ink::Plain
    };
    let took = format!("#{}", statement.took_ms);
    let mut text = Text::inked(Ink::Dim, number)
        .right(5)
        .then(Text::plain(took).right(9));
    let Some(room) = room_of_text(width) else {
        let room = width.saturating_sub(18);
        text.push(ink, format!("  {}", statement.text_in_line(room)));
        return text;
    };
    let rows = statement
        .rows
        .map_or_else(|| "-".to_owned(), |rows| rows.to_string());
    text = text.then(Text::plain(rows).right(10));
    text.push(ink, format!("  {}", statement.text_in_line(room)));
    text = text.to_column(26 + room);
    text.push(Ink::Plain, "  ");
    if let Some(error) = &statement.error {
        text.push(Ink::Bad, format!("{} {}", error.code, error.message));
        return text;
    }
    // The strongest comes first: of others there may be no room.
    let mut locks: Vec<&TakenLock> = statement.locks.iter().collect();
    locks.sort_by_key(|lock| std::cmp::Reverse(lock.mode));
    for (nth, lock) in locks.into_iter().enumerate() {
        text.push(Ink::Plain, if nth == 0 { "" } else { ", " });
        let ink = if lock.mode.is_strong() {
            Ink::Needed
        } else {
            Ink::Plain
        };
        let (relation, mode) = (&lock.relation, lock.mode.name());
        let mode = mode.trim_end_matches("Lock");
        text.push(ink, format!("{relation} {mode} {}", lock.held()));
    }
    text
}

//! Pane 6: the events of the journal as rows. Rows that are no longer kept in memory are counted in the first row.

use super::pane::{PaneRow, PaneText, first_row};
use super::script;
use crate::run::EventRow;
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::{Model, Pane};
use crate::tui::open_text::TextSubject;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// How many rows the pane has, with events or with statements.
pub fn count(model: &Model) -> usize {
    let events = model.run().rows.len() + usize::from(model.run().rows_dropped > 0);
    script::count(model).unwrap_or(events)
}

/// What is in the pane: the rows around the chosen one, as many as `window`.
pub(super) fn text(model: &Model, width: usize, window: Option<usize>) -> PaneText {
    let view = model.views[Pane::Events.index()];
    let total = model.run().rows.len() + usize::from(model.run().rows_dropped > 0);
    let skipped = window.map_or(0, |room| first_row(total, room, view.chosen(total, 0)));
    let take = window.unwrap_or(total);
    let dropped = usize::from(model.run().rows_dropped > 0);
    let mut rows = Vec::with_capacity(take.min(total));
    if dropped > 0 && skipped == 0 {
        rows.push(PaneRow::only(Text::inked(
            Ink::Dim,
            format!(
                "{} earlier events: in journal.jsonl",
                model.run().rows_dropped
            ),
        )));
    }
    let kept = model
        .run()
        .rows
        .iter()
        .skip(skipped.saturating_sub(dropped));
    rows.extend(kept.take(take).map(|row| line(row, width < 70)));
    PaneText {
        title: "EVENTS",
        right: Text::plain(if view.follow {
            "follow".to_owned()
        } else {
            format!("{} follows", key_of(model.scope(), Action::Last))
        }),
        rows,
        skipped,
        total,
        ..PaneText::default()
    }
}

fn line(row: &EventRow, narrow: bool) -> PaneRow {
    let name = if narrow { 18 } else { 20 };
    let mut text = Text::plain(row.at.clock())
        .with(Ink::Dim, format!("  {:>4}  ", row.seq))
        .with(ink(row.name), format!("{:<name$}  ", row.name))
        .with(Ink::Plain, &*row.text);
    if row.folded > 0 {
        text.push(Ink::Dim, format!("  (and {} before)", row.folded));
    }
    PaneRow::new(text, TextSubject::Event(row.seq)).copying(row.text.to_string())
}

fn ink(name: &str) -> Ink {
    match name {
        "drift_found" => Ink::Drift,
        "approval_refused" => Ink::Needed,
        "torn_tail_set_aside" | "transaction_unseen" => Ink::Bad,
        _ => Ink::Plain,
    }
}

//! Pane 4: the predicted effect, table by table, and above it the rehearsed one of a run with a change. Every number is a
//! `Simulated` value, which prints its `~`, or a `Rehearsed` one with its `#`.

use super::pane::{PaneRow, PaneText};
use super::rehearsed;
use crate::run::{ChangeEvidence, RunState};
use crate::simulate::SimulatedStep;
use crate::survey::Simulated;
use crate::tui::model::Model;
use crate::tui::open_text::TextSubject;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// Why the pane has no table; `None`: it has some.
fn nothing(run: &RunState) -> Option<&'static str> {
    match (run.simulates(), run.change().is_some()) {
        (true, _) if run.predicted.is_some() => None,
        (true, _) if run.ended_early() => Some("Nothing predicted: it ended before G2."),
        (true, _) => Some("Nothing predicted yet: G2 computes it."),
        (false, true) => None,
        (false, false) => Some(run.nothing_predicted()),
    }
}

fn heading(name: usize, number: usize) -> Text {
    let of_number = |text: &str| Text::inked(Ink::Dim, text).right(number);
    Text::inked(Ink::Dim, "table")
        .to_column(name)
        .then(of_number("insert"))
        .then(of_number("update"))
        .then(of_number("delete"))
}

/// The rows of the pane for an inner width.
pub(super) fn text(model: &Model, width: usize) -> PaneText {
    let width = width.saturating_sub(2);
    let run = model.run();
    let changes = run.change().is_some();
    let mut pane = PaneText {
        title: if changes {
            "EFFECT"
        } else {
            "PREDICTED EFFECT"
        },
        right: match (changes, run.simulates()) {
            (true, true) => Text::plain("# REHEARSED ").with(Ink::Simulated, "~ SIMULATED"),
            (true, false) => Text::plain("# = REHEARSED"),
            (false, true) => Text::inked(Ink::Simulated, "~ = SIMULATED"),
            (false, false) => Text::new(),
        },
        ..PaneText::default()
    };
    if let Some(says) = nothing(run) {
        // A sentence needs no room on its right.
        let lines = Text::inked(Ink::Dim, says).wrap(width + 1);
        pane.rows.extend(lines.into_iter().map(PaneRow::only));
        return pane;
    }
    let number = if width >= 50 { 10 } else { 7 };
    let name = width.saturating_sub(3 * number).min(24);
    let is_rehearsed = |change: ChangeEvidence| change.rehearsed.is_some();
    if run.predicted.is_some() || run.change_evidence().is_some_and(is_rehearsed) {
        pane.head.push(heading(name, number));
    }
    pane.rows
        .extend(rehearsed::pane_rows(run, width, name, number));
    let predicted = run.predicted.as_ref();
    for table in predicted.into_iter().flat_map(|(effect, _)| &effect.tables) {
        let mut text = Text::plain(&table.table).to_column(name);
        for (count, loud) in [
            (table.insert, false),
            (table.update, false),
            // Deleted rows are red where there are any.
            (table.delete, true),
        ] {
            text = text.then(cell(count, loud, number));
        }
        pane.rows
            .push(PaneRow::new(text, TextSubject::Table(table.table.clone())));
    }
    let drifted = run.drift.as_ref().is_some_and(|drift| drift.gate.is_some());
    if drifted {
        pane.rows.push(PaneRow::only(Text::inked(
            Ink::Drift,
            "void: its facts have moved since",
        )));
        return pane;
    }
    let Some((_, counts)) = predicted else {
        return pane;
    };
    let done = |step: SimulatedStep| run.steps.iter().find(|done| done.step == step);
    let units = counts.verified.get() + counts.unverified.get();
    let confirmed = match done(SimulatedStep::Verify) {
        Some(done) => Text::inked(Ink::Simulated, done.counts.verified.to_string()).with(
            Ink::Plain,
            format!(" of {units}{}", if width < 46 { "" } else { " LIVE units" }),
        ),
        None => pending(run.ended_early(), "SG1", width < 46),
    };
    let enacted = match done(SimulatedStep::Enact) {
        Some(done) => {
            let count = done.counts.would_enact.get() + done.counts.already_enacted.get();
            Text::inked(Ink::Simulated, Simulated::new(count).to_string())
        }
        None => pending(run.ended_early(), "SG2", width < 46),
    };
    for (name, value, step) in [
        (
            "candidate_count_confirmed",
            confirmed,
            SimulatedStep::Verify,
        ),
        ("lifecycle_enacted_count", enacted, SimulatedStep::Enact),
    ] {
        let text = if width >= 46 {
            Text::plain(name).to_column(27).then(value)
        } else {
            let room = width.saturating_sub(name.len() + 1);
            Text::plain(name)
                .with(Ink::Plain, " ")
                .then(value.clip(room, "…"))
        };
        pane.rows.push(PaneRow::new(text, TextSubject::Step(step)));
    }
    pane
}

fn pending(ended: bool, gate: &str, short: bool) -> Text {
    let says = match (ended, short) {
        (true, _) => "not reached".to_owned(),
        (false, true) => format!("after {gate}"),
        (false, false) => format!("pending (after {gate})"),
    };
    Text::inked(Ink::Dim, says)
}

fn cell(count: Simulated<u64>, loud: bool, width: usize) -> Text {
    let ink = if loud && *count.get() > 0 {
        Ink::Bad
    } else {
        Ink::Simulated
    };
    Text::inked(ink, count.to_string()).right(width)
}

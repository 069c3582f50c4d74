//! Pane 3: all stop points: past, present, to come. Returns are numbered as in the journal, from 1.

use std::ops::Range;

use super::pane::{PaneRow, PaneText};
use super::words;
use crate::run::{RunState, State, StopCode};
use crate::survey::UtcTime;
use crate::tui::model::Model;
use crate::tui::open_text::TextSubject;
use crate::tui::theme::{Glyph, Ink};
use crate::tui::widgets::Text;

/// The rows of the pane.
pub(super) fn text(model: &Model) -> PaneText {
    let run = model.run();
    let mut rows = Vec::new();
    for (nth, (state, code, at)) in run.returns.iter().enumerate() {
        past(model, &mut rows, nth, (*state, *code, *at));
    }
    coming(model, &mut rows);
    PaneText {
        title: "STOP POINTS",
        rows,
        ..PaneText::default()
    }
}

fn past(
    model: &Model,
    rows: &mut Vec<PaneRow>,
    nth: usize,
    (state, code, at): (State, Option<StopCode>, UtcTime),
) {
    let run = model.run();
    let subject = || TextSubject::Stop(nth);
    let here = stands_at(run, nth);
    let mark = mark(model, state, code, here);
    let Some(code) = code else {
        let text = mark.with(
            Ink::Plain,
            format!(" r{}  {state} / stop_code=None", nth + 1),
        );
        rows.push(PaneRow::new(text, subject()));
        return;
    };
    rows.push(PaneRow::new(
        mark.with(Ink::Plain, format!(" r{}  {state}", nth + 1)),
        subject(),
    ));
    let drifted = code == StopCode::StopFactsDrifted;
    let code_ink = if drifted { Ink::Drift } else { Ink::Plain };
    let stop = Text::inked(code_ink, format!("      {:<22}", code.name()))
        .with(Ink::Plain, format!(" {}", at.clock()));
    rows.push(PaneRow::new(stop, subject()));
    let outcome = outcome(run, nth, at, here);
    if !outcome.is_empty() {
        rows.push(PaneRow::new(Text::plain("      ").then(outcome), subject()));
    }
}

/// Whether the run stands at this return and waits for a person.
fn stands_at(run: &RunState, nth: usize) -> bool {
    let is_last = nth + 1 == run.returns.len();
    // A run that has gone on is not back with a person before its next return.
    let is_back = run
        .returns
        .get(nth)
        .is_some_and(|(state, ..)| *state == run.state);
    is_last && is_back && run.sealed.is_none() && (run.waits_at().is_some() || run.drift.is_some())
}

/// A tick only for what went well.
fn mark(model: &Model, state: State, code: Option<StopCode>, here: bool) -> Text {
    let (glyph, ink) = match (code, state) {
        (Some(StopCode::StopFactsDrifted), _) => (Glyph::Alarm, Ink::Drift),
        (_, State::Failed) => (Glyph::Alarm, Ink::Bad),
        (_, State::Rejected) => (Glyph::Alarm, Ink::Needed),
        _ if here => (Glyph::Here, Ink::Needed),
        _ => (Glyph::Done, Ink::Plain),
    };
    Text::inked(ink, model.theme.glyph(glyph))
}

/// All stop points in one line, the longest form first: `r1 ✓  r2 ▸ YOU  r3 ·  r4 ·`, then `r1✓ r2▸ YOU r3· r4·`. Where there is no
/// room for all, those before the one where the run stands are left out first, then those behind it.
pub(super) fn one_line(model: &Model) -> Vec<Text> {
    let marks = marks(model);
    if marks.is_empty() {
        return vec![Text::plain("none")];
    }
    let here = model.run().returns.len().saturating_sub(1);
    let here = here.min(marks.len());
    let before = (0..=here).map(|from| from..marks.len());
    let behind = (here..marks.len()).rev().map(|to| here..to);
    let narrow = before
        .chain(behind)
        .map(|stops| joined(&marks, stops, "", " "));
    let wide = joined(&marks, 0..marks.len(), " ", "  ");
    std::iter::once(wide).chain(narrow).collect()
}

/// A mark for each stop point, past and to come, and who is waited for.
fn marks(model: &Model) -> Vec<Text> {
    let run = model.run();
    let past = run.returns.iter().enumerate();
    let past = past.map(|(nth, (state, code, _))| {
        let here = stands_at(run, nth);
        let you = if here { " YOU" } else { "" };
        mark(model, *state, *code, here).with(Ink::Needed, you)
    });
    let drifted = run.drift.as_ref().is_some_and(|drift| drift.gate.is_some());
    let ahead = if drifted { 0 } else { returns_ahead(run).len() };
    let coming = Text::inked(Ink::Dim, model.theme.glyph(Glyph::Coming));
    past.chain(std::iter::repeat_n(coming, ahead)).collect()
}

/// Some of the stop points by their numbers: `blank` stands before a mark, `gap` between two of them.
fn joined(marks: &[Text], stops: Range<usize>, blank: &str, gap: &str) -> Text {
    let mut line = Text::new();
    for nth in stops {
        let gap = if line.is_empty() { "" } else { gap };
        let name = format!("{gap}r{}{blank}", nth + 1);
        line = line.with(Ink::Plain, name).then(marks[nth].clone());
    }
    line
}

/// The states that the run will come back to a person with, as far as that is known.
fn returns_ahead(run: &RunState) -> Vec<State> {
    if run.sealed.is_some() || run.ended_early() {
        return Vec::new();
    }
    let waits = [
        (State::AwaitingCutAuthorization, State::CutSimulated),
        (State::AwaitingLifecycleAuthorization, State::EnactSimulated),
    ];
    let is_ahead = |(waits, after): &(State, State)| {
        run.state < *waits || (run.state == *waits && run.owes_return && run.state < *after)
    };
    let closed = run.returns.iter();
    let closed = closed.filter(|(state, ..)| *state == State::CloseoutReported);
    let closeouts = match run.state {
        State::CloseoutReported => 2 - closed.count().min(2),
        _ => 2,
    };
    let waits = waits.into_iter().filter(is_ahead).map(|(waits, _)| waits);
    waits
        .chain(std::iter::repeat_n(State::CloseoutReported, closeouts))
        .collect()
}

/// What a person did at a return, before the next one.
fn outcome(run: &RunState, nth: usize, at: UtcTime, here: bool) -> Text {
    let until = run.returns.get(nth + 1).map(|(_, _, next)| *next);
    let decision = run
        .approvals
        .iter()
        .rev()
        .find(|approval| approval.at >= at && until.is_none_or(|until| approval.at <= until));
    match decision {
        Some(approval) => {
            let void = approval.status == crate::run::ApprovalStatus::Void;
            Text::plain(format!(
                "{} by {} {}{}",
                words::decided(approval.decision),
                approval.by.name(),
                approval.at.clock(),
                if void { ", void" } else { "" }
            ))
        }
        None if here => Text::inked(Ink::Needed, "waiting for you"),
        None => Text::new(),
    }
}

fn coming(model: &Model, rows: &mut Vec<PaneRow>) {
    let run = model.run();
    if run.sealed.is_some() || run.ended_early() {
        return;
    }
    let mark = model.theme.glyph(Glyph::Coming);
    let mut row = |says: String| {
        rows.push(PaneRow::new(
            Text::inked(Ink::Dim, format!("{mark} {says}")),
            TextSubject::Coming,
        ));
    };
    if run.drift.as_ref().is_some_and(|drift| drift.gate.is_some()) {
        row("then SG1 again, SG2 again, closeout".to_owned());
        row("idempotent resume, seal".to_owned());
        return;
    }
    let ahead = returns_ahead(run).into_iter();
    for (r, state) in (run.returns.len() + 1..).zip(ahead) {
        let code = match state {
            State::CloseoutReported => " / stop_code=None",
            _ => "",
        };
        row(format!("r{r}  {state}{code}"));
    }
}

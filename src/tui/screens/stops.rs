//! Pane 3: all stop points: past, present, coming. Invariant: returns are numbered as the journal numbers them.

use super::pane::{PaneRow, PaneText};
use super::words;
use crate::run::{RunState, State, StopCode};
use crate::survey::UtcTime;
use crate::tui::model::Model;
use crate::tui::reading::Subject;
use crate::tui::theme::{Glyph, Ink};
use crate::tui::widgets::Text;

/// What is in the pane.
pub(super) fn text(model: &Model) -> PaneText {
    let run = &model.run;
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
    let run = &model.run;
    let subject = || Subject::Stop(nth);
    let is_last = nth + 1 == run.returns.len();
    let here = is_last && run.sealed.is_none() && (run.waits_at().is_some() || run.drift.is_some());
    let drifted = code == Some(StopCode::StopFactsDrifted);
    let (glyph, ink) = match (drifted, here) {
        (true, _) => (Glyph::Alarm, Ink::Drift),
        (false, true) => (Glyph::Here, Ink::Needed),
        (false, false) => (Glyph::Done, Ink::Plain),
    };
    let mark = Text::inked(ink, model.theme.glyph(glyph));
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
    let code_ink = if drifted { Ink::Drift } else { Ink::Plain };
    let stop = Text::inked(code_ink, format!("      {:<22}", code.name()))
        .with(Ink::Plain, format!(" {}", at.clock()));
    rows.push(PaneRow::new(stop, subject()));
    let outcome = outcome(run, nth, at, here);
    if !outcome.is_empty() {
        rows.push(PaneRow::new(Text::plain("      ").then(outcome), subject()));
    }
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
                approval.by.user,
                approval.at.clock(),
                if void { ", void" } else { "" }
            ))
        }
        None if here => Text::inked(Ink::Needed, "waiting for you"),
        None => Text::new(),
    }
}

fn coming(model: &Model, rows: &mut Vec<PaneRow>) {
    let run = &model.run;
    if run.sealed.is_some() || run.ended_early() {
        return;
    }
    let mark = model.theme.glyph(Glyph::Coming);
    let mut row = |says: String| {
        rows.push(PaneRow::new(
            Text::inked(Ink::Dim, format!("{mark} {says}")),
            Subject::Coming,
        ));
    };
    if run.drift.as_ref().is_some_and(|drift| drift.gate.is_some()) {
        row("then SG1 again, SG2 again, closeout".to_owned());
        row("idempotent resume, seal".to_owned());
        return;
    }
    let mut r = run.returns.len();
    let owed = run.owes_return;
    for (waits, after) in [
        (State::AwaitingCutAuthorization, State::CutSimulated),
        (State::AwaitingLifecycleAuthorization, State::EnactSimulated),
    ] {
        let ahead = run.state < waits || (run.state == waits && owed && run.state < after);
        if ahead {
            r += 1;
            row(format!("r{r}  {waits}"));
        }
    }
    let closeouts = if run.state == State::CloseoutReported {
        2 - run
            .returns
            .iter()
            .filter(|(state, _, _)| *state == State::CloseoutReported)
            .count()
            .min(2)
    } else {
        2
    };
    for _ in 0..closeouts {
        r += 1;
        row(format!("r{r}  closeout_reported / stop_code=None"));
    }
}

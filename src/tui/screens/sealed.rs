//! The band of a sealed run. Green is for PASS and PROVEN alone.

use super::band::{Band, BandKey, state_line};
use super::changed_words::changed_within_band;
use super::words;
use crate::compare::Comparison;
use crate::run::{
    CarriedOut, Decision, Gate, NonMutationVerdict, RunResult, StopCode, Subject, Verdict, counted,
};
use crate::tui::keymap::{Action, key_of};
use crate::tui::keys::next_command;
use crate::tui::model::Model;
use crate::tui::navigation;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// Keys of a sealed run: what is not there is not offered.
fn keys(model: &Model) -> Vec<BandKey> {
    let has_evidence = model.run().evidence.is_some();
    let compares = !Comparison::available(&model.history).is_empty();
    let keys = [
        (true, (Action::Open, "opens the row")),
        (compares, (Action::Differences, "differences")),
        (true, (Action::Reports, "reports")),
        (has_evidence, (Action::Evidence, "last evidence")),
        (true, (Action::Quit, "leave")),
    ];
    let offered = keys.into_iter().filter(|(is_there, _)| *is_there);
    offered.map(|(_, key)| key).collect()
}

/// The band of a run with its result.
pub(super) fn band(model: &Model, result: &str, outcome: RunResult) -> Band {
    let (ink, right, stop) = match outcome {
        RunResult::Pass => (Ink::Good, "PROVEN".to_owned(), None),
        RunResult::ChangedByOthers => (
            Ink::Drift,
            "CHANGED BY OTHERS".to_owned(),
            Some(StopCode::StopFactsDrifted),
        ),
        RunResult::Rejected => (
            Ink::Needed,
            "REJECTED".to_owned(),
            Some(StopCode::StopApprovalRejected),
        ),
        RunResult::Fail => (
            Ink::Bad,
            failed_right(model),
            Some(StopCode::StopGateFailed),
        ),
        RunResult::MutationSuspected => (
            Ink::Bad,
            "MUTATION SUSPECTED".to_owned(),
            Some(StopCode::StopMutationSuspected),
        ),
        RunResult::Incomplete => {
            let [.., not_checked, _] = model.run().verdict_counts();
            let right = match not_checked {
                0 => "UNPROVEN".to_owned(),
                n => format!("{n} NOT CHECKED"),
            };
            (Ink::Needed, right, None)
        }
    };
    let code = stop.map_or("stop_code=None", StopCode::name);
    let band = Band::new(ink, result, right);
    sentences(model, outcome, band)
        .say(came_of(model, outcome))
        .say(with_next_command(model, state_line(model, code)))
        .keys(&keys(model))
}

/// Stop and state, and behind them the next command: whole, or not at all, since what is cut could be copied.
fn with_next_command(model: &Model, state: Text) -> Text {
    let Some(command) = next_command(model) else {
        return state;
    };
    let width = usize::from(model.size.width);
    let (gap, margins) = if width < 110 { ("  ", 4) } else { ("    ", 8) };
    let copies = key_of(model.scope(), Action::Copy);
    let next = Text::plain(format!("{gap}next: ")).with(Ink::Bold, command);
    // The key copies the chosen row first, where that has a value.
    let forms = match navigation::copied(model) {
        None => [
            next.with(Ink::Plain, format!(" ({copies} copies it)")),
            Text::plain(format!("{gap}{copies} copies the next command")),
        ],
        Some(_) => [next, Text::new()],
    };
    let forms = forms.map(|form| state.clone().then(form));
    Text::first_fitting(forms, width.saturating_sub(margins))
}

/// What was approved, and whether it was carried out as far as somebody looked: `Approved: #80 rows in 3 tables; afterwards: came
/// true, seen 21:35Z by root`. Of a run that says nothing of a change, and of which nobody looked, nothing is said.
fn came_of(model: &Model, result: RunResult) -> Text {
    let run = model.run();
    let seen = model.outcome.as_ref().zip(run.last);
    let awaited = result == RunResult::Pass && run.change().is_some() && !run.is_demo();
    if seen.is_none() && !awaited {
        return Text::new();
    }
    let change = run.change_evidence();
    let rehearsed = change.and_then(|change| change.rehearsed);
    let (rows, tables) = match (rehearsed, &run.predicted) {
        (Some(it), _) => (it.rows().to_string(), it.effect.len()),
        (None, Some((it, _))) => (it.rows().to_string(), it.touched().count()),
        (None, None) => return Text::new(),
    };
    let approved = format!("Approved: {rows} rows in {}; ", counted(tables, "table"));
    let Some((seen, (_, sealed))) = seen else {
        return Text::plain(approved + "afterwards: nobody looked yet");
    };
    let words = seen.words(sealed);
    let forms = [
        format!("{approved}afterwards: {words}"),
        format!("{approved}{words}"),
        format!("afterwards: {words}"),
    ];
    let width = usize::from(model.size.width);
    let room = width.saturating_sub(if width < 110 { 4 } else { 8 });
    let ink = match seen.outcome {
        CarriedOut::DidNotComeTrue => Ink::Bad,
        CarriedOut::CameTrue | CarriedOut::NotCarriedOut => Ink::Bold,
    };
    Text::first_fitting(forms.map(|form| Text::inked(ink, form)), room)
}

fn sentences(model: &Model, outcome: RunResult, band: Band) -> Band {
    let run = model.run();
    match outcome {
        RunResult::Pass => band.say(Text::plain(format!(
            "No change measured in production; our sessions wrote nothing. {}",
            totals(model)
        ))),
        RunResult::ChangedByOthers => {
            let changes = run.non_mutation.as_ref().map_or(&[][..], |n| &n.changes);
            band.say(Text::plain(words::changed_by_others(run, changes)))
                .say(changed_within_band(model, changes, 0))
                .say(Text::plain(format!(
                    "Our sessions wrote nothing. {}",
                    totals(model)
                )))
        }
        RunResult::Rejected => {
            let rejection = run
                .approvals
                .iter()
                .rev()
                .find(|approval| approval.decision == Decision::Reject);
            let Some(rejection) = rejection else {
                return band;
            };
            band.say(Text::plain(format!(
                "{} rejected by {} {}: {}",
                rejection.gate,
                rejection.by.name(),
                rejection.at.clock(),
                rejection.reason.as_deref().unwrap_or("no reason recorded")
            )))
            .say(moved_before(model))
            .say(Text::plain(
                "No post survey was taken, so nothing is claimed of the database after the pin.",
            ))
        }
        RunResult::Fail | RunResult::MutationSuspected => failed(model, band),
        RunResult::Incomplete => incomplete(model, band),
    }
}

/// What had moved when the run was rejected: it is often why.
fn moved_before(model: &Model) -> Text {
    let run = model.run();
    let drifted = run.drift.as_ref().map(|drift| drift.changes.clone());
    let moved = drifted.unwrap_or_else(|| run.moved());
    if moved.is_empty() {
        return Text::new();
    }
    let what = if Subject::among(&moved) == [Subject::Facts] {
        "facts had moved: "
    } else {
        "had moved: "
    };
    let lead = Text::inked(Ink::Drift, what);
    let taken = lead.width();
    lead.then(changed_within_band(model, &moved, taken))
}

fn totals(model: &Model) -> String {
    let run = model.run();
    let passed = Gate::ALL
        .iter()
        .filter(|gate| run.finished(**gate) == Some(Verdict::Pass))
        .count();
    let rows = run.predicted.as_ref().map_or_else(
        || "nothing".to_owned(),
        |(predicted, _)| format!("{} rows", predicted.rows()),
    );
    let (gates, reports) = (Gate::ALL.len(), run.reports.len());
    // The narrow band has no line left for what the effect pane says.
    let predicted = if model.size.width < 110 || !run.simulates() {
        String::new()
    } else {
        format!(" {rows} predicted,")
    };
    format!("{passed} of {gates} gates PASS,{predicted} {reports} reports in kb/.")
}

fn failed_right(model: &Model) -> String {
    first_fail(model).map_or_else(|| "FAIL".to_owned(), |(gate, _, _)| format!("{gate} FAIL"))
}

fn first_fail(model: &Model) -> Option<(Gate, &str, &str)> {
    model
        .run()
        .checks()
        .find(|(_, check)| check.verdict == Verdict::Fail && check.cause.is_none())
        .map(|(gate, check)| (gate, check.name.name(), check.says.as_str()))
}

fn failed(model: &Model, band: Band) -> Band {
    let band = match model.run().non_mutation.as_ref().map(|n| n.verdict) {
        Some(NonMutationVerdict::MutationSuspected) => {
            let measured = model.run().non_mutation.as_ref().and_then(|n| {
                n.claims
                    .iter()
                    .find(|claim| claim.name == crate::run::ClaimName::A)
                    .map(|claim| claim.measured.clone())
            });
            band.say(Text::plain(format!(
                "Claim A is false: our sessions are not proven clean. {}",
                measured.unwrap_or_default()
            )))
        }
        _ => band,
    };
    let next = model
        .run()
        .stops
        .iter()
        .rev()
        .find(|raised| raised.stop.stop_code == StopCode::StopGateFailed)
        .map_or("", |raised| raised.stop.next.as_str());
    match first_fail(model) {
        Some((gate, name, says)) => {
            let [_, fails, ..] = model.run().verdict_counts();
            let more = match fails.saturating_sub(1) {
                0 => String::new(),
                more => {
                    let opens = key_of(model.scope(), Action::Open);
                    format!("  {more} more FAIL: {opens} on the gate shows each.")
                }
            };
            band.say(
                Text::inked(Ink::Bad, format!("{gate} {name}"))
                    .with(Ink::Plain, format!(": {says}{more}")),
            )
            .say(Text::plain(next))
        }
        None => band,
    }
}

fn incomplete(model: &Model, band: Band) -> Band {
    let opens = key_of(model.scope(), Action::Open);
    let band = match model.run().first_not_checked() {
        Some((gate, check)) => band.say(Text::plain(format!(
            "{gate} {}: {} {opens} shows each, with what would check it.",
            check.name,
            sentence(&check.says)
        ))),
        None => band.say(Text::plain(format!(
            "The non-mutation proof is UNPROVEN. {opens} on a claim shows what was not measured."
        ))),
    };
    band.say(Text::plain(totals(model)))
}

fn sentence(text: &str) -> String {
    if text.ends_with('.') {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

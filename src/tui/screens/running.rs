//! The band while work runs. Progress, rate and time left are shown only where they were measured.

use super::band::{Band, state_line};
use super::words;
use crate::run::{Gate, Progress, State};
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Rate};
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// The band of the gate that is being worked on.
pub(super) fn band(model: &Model, narrow: bool) -> Band {
    let run = model.run();
    if run.created.is_none() {
        return Band::new(Ink::Running, "STARTING", "RUNNING")
            .say(Text::plain(
                "The run is being created; nothing is connected yet.",
            ))
            .keys(&[(Action::Quit, "leave")]);
    }
    let open = Gate::ALL
        .into_iter()
        .rev()
        .find(|gate| run.gates.get(gate).is_some_and(|g| g.finished.is_none()));
    let title = match open {
        Some(gate) => format!("{gate}   {}", run.words().title(gate).to_uppercase()),
        None => format!("{}", run.state).to_uppercase().replace('_', " "),
    };
    let mut band = Band::new(Ink::Running, title, right_side(model, open))
        .say(doing(model, open))
        .keys(&[
            (Action::Quit, "leave"),
            (Action::Open, "opens the row"),
            (Action::Help, "all keys"),
        ]);
    if let Some((predicted, _)) = &run.predicted {
        let gap = if narrow { " " } else { "    " };
        band = band.say(words::prediction(run, predicted, gap));
    }
    band.say(state_line(model, "stop_code=None"))
}

/// Seconds are shown only while they pass.
fn right_side(model: &Model, open: Option<Gate>) -> String {
    let started = open
        .and_then(|gate| model.run().gates.get(&gate))
        .map(|gate| gate.started_at);
    match started {
        Some(started)
            if (model.is_running() || model.playback.is_some()) && open != Some(Gate::G3) =>
        {
            let seconds = (model.now.unix_micros() - started.unix_micros()).max(0) / 1_000_000;
            format!("RUNNING   {seconds} s")
        }
        _ => "RUNNING".to_owned(),
    }
}

fn doing(model: &Model, open: Option<Gate>) -> Text {
    if let Some(progress) = &model.progress {
        return progress_line(model, progress);
    }
    let run = model.run();
    let sentence = match run.state {
        State::Created => "Looking at the SSOT documents and the repository.",
        State::Prechecked => "Reading the live facts: one read-only transaction, one snapshot.",
        State::Surveyed => "Seeding the simulator from the survey, writing the context pins.",
        State::Seeded => "Making the evidence of SG1 durable.",
        State::AwaitingCutAuthorization | State::AwaitingLifecycleAuthorization => {
            "Taking new evidence: the live facts are read again."
        }
        State::CutSimulated => {
            let [one, two, _] = &run.words().steps;
            return Text::plain(format!(
                "{one} is simulated; {two} compares each unit with the live one."
            ));
        }
        State::Verified => "Making the evidence of SG2 durable.",
        State::EnactSimulated => "Taking the post survey on a new snapshot.",
        State::PostSurveyed => "Judging the five claims of the non-mutation proof.",
        State::CloseoutReported | State::Rejected | State::Failed => match open {
            Some(Gate::G4) => "A fresh runner folds the journal from disk and resumes.",
            Some(Gate::G5) => "Running the safety probes.",
            Some(Gate::G6) => "Rendering the reports, then the seal.",
            _ => "Closing out.",
        },
    };
    Text::plain(sentence)
}

/// `Grant matrix  212,400 of 337,671 lines  [########----]  91,000/s  1 s left`
pub(super) fn progress_line(model: &Model, progress: &Progress) -> Text {
    let mut text = Text::inked(Ink::Bold, &progress.what);
    if progress.noun.is_empty() {
        return text;
    }
    let done = words::grouped(progress.done);
    match progress.total {
        Some(total) => {
            let wide = if model.size.width < 110 { 12 } else { 24 };
            let filled = if total == 0 {
                wide
            } else {
                usize::try_from(
                    u128::from(progress.done.min(total)) * wide as u128 / u128::from(total),
                )
                .unwrap_or(wide)
            };
            let bar = format!("[{}{}]", "#".repeat(filled), "-".repeat(wide - filled));
            let total = words::grouped(total);
            text.push(
                Ink::Plain,
                format!(
                    "  {done:>width$} of {total} {}  ",
                    progress.noun,
                    width = total.len()
                ),
            );
            text.push(Ink::Running, bar);
        }
        None => text.push(Ink::Plain, format!("  {done} {}", progress.noun)),
    }
    if let Some(rate) = model.rate {
        text.push(Ink::Plain, format!("  {}", speed(rate)));
    }
    if let Some(left) = model.seconds_left() {
        text.push(Ink::Plain, format!("  {left} s left"));
    }
    text
}

/// `91,000/s`; of what is slow `0.4/s`.
fn speed(rate: Rate) -> String {
    let scaled = rate.per_1000_seconds();
    if scaled < 10_000 {
        format!("{}.{}/s", scaled / 1_000, scaled % 1_000 / 100)
    } else {
        format!("{}/s", words::grouped(scaled / 1_000))
    }
}

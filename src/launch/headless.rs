//! Driving a run without a screen. Invariant: standard output carries one JSON document, journal lines, or a few lines of text, as asked.

use std::cell::RefCell;

use super::take_run::OwnedRun;
use super::{LaunchError, output};
use crate::cli::{Output, Settings};
use crate::report::visible;
use crate::run::{ApprovalRequest, Event, RunState};
use crate::runner::{self, MessageSink, Patience, RunnerEnd, RunnerMessage, RunnerOptions};

/// Where the notices of a headless run go: journal lines for `--events`, nothing else.
pub fn sink(settings: &Settings) -> MessageSink {
    let events = settings.output == Output::Events;
    Box::new(move |notice| {
        if let (true, RunnerMessage::Recorded { line, .. }) = (events, notice) {
            // A reader that has gone away does not stop the run: the journal is the authority.
            let _ = output::line(&line);
        }
    })
}

/// Drives a run until it stops; gives the exit code.
pub fn drive(
    settings: &Settings,
    owned: OwnedRun,
    sink: MessageSink,
    first: Option<ApprovalRequest>,
) -> Result<u8, LaunchError> {
    carry_on(settings, owned, sink, first, Patience::Return)
}

/// Drives a run until it ends; decisions come from other processes. Says on standard error how to give them.
pub fn drive_until_end(
    settings: &Settings,
    owned: OwnedRun,
    sink: MessageSink,
) -> Result<u8, LaunchError> {
    let (run, call) = (RefCell::new(owned.run.clone()), settings.call.clone());
    let telling: MessageSink = Box::new(move |notice| {
        if let RunnerMessage::Recorded { seq, at, event, .. } = &notice {
            let mut run = run.borrow_mut();
            run.apply(*seq, *at, event);
            if let Event::StopRaised(stop) = &**event {
                output::say(&visible(&format!("{stop} {}", run.advice(stop, &call))));
            }
        }
        sink(notice);
    });
    carry_on(settings, owned, telling, None, Patience::Stay)
}

fn carry_on(
    settings: &Settings,
    owned: OwnedRun,
    sink: MessageSink,
    first: Option<ApprovalRequest>,
    patience: Patience,
) -> Result<u8, LaunchError> {
    let created = owned.run.created.as_ref();
    if let Some(note) = created.and_then(|created| created.shared_note()) {
        output::say(&note);
    }
    let target = owned.target();
    let recorder = OwnedRun::recorder(owned.directory, owned.run, sink);
    let handle = runner::spawn(
        recorder,
        target,
        owned.repository,
        owned.plan,
        RunnerOptions {
            taken_up: owned.taken_up,
            first,
            patience,
            watchers_changed: Box::new(|_| ()),
            at_end: Box::new(|_| ()),
            at_exit: Box::new(|| ()),
        },
    )?;
    super::signals::leave_on_signal(handle.commands())?;
    let outcome = handle.join()?;
    report(settings, &outcome)?;
    Ok(super::signals::caught().map_or(outcome.exit_code, |signal| 128 + signal))
}

/// Prints how a run stands.
pub fn report(settings: &Settings, outcome: &RunnerEnd) -> Result<(), LaunchError> {
    match settings.output {
        Output::Json => output::document(&runner::json(outcome)),
        Output::Events => Ok(()),
        Output::Text => output::print(&text(outcome)),
    }
}

fn text(outcome: &RunnerEnd) -> String {
    let run: &RunState = &outcome.run;
    let mut lines = Vec::new();
    if let Some(run_id) = run.run_id() {
        lines.push(format!("run_id={run_id}"));
    }
    let code = outcome.stop_code.map_or("None", crate::run::StopCode::name);
    lines.push(format!("state={} / stop_code={code}", run.state));
    if let (Some(gate), Some(evidence)) = (run.waits_at(), &run.evidence) {
        lines.push(format!("gate={gate} {}", run.gate_label(gate)));
        lines.push(format!("evidence={}", evidence.digest));
    }
    if let Some((result, _, _)) = &run.sealed {
        lines.push(format!("result={result}"));
    }
    lines.push(visible(&outcome.message));
    lines.push(visible(&outcome.next));
    lines.push(String::new());
    lines.join("\n")
}

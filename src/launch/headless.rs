//! Driving a run without a screen, and the signals that end one. With `--json` standard output carries one JSON document, with
//! `--events` journal lines.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGXFSZ;
use signal_hook::iterator::Signals;
use tokio::sync::mpsc;

use super::run::OwnedRun;
use super::{LaunchError, output};
use crate::cli::{Output, Settings};
use crate::report::visible;
use crate::run::{ApprovalRequest, Event, RunState};
use crate::runner::{
    DecisionReply, MessageSink, Patience, RunnerCommand, RunnerEnd, RunnerMessage, RunnerOptions,
};
use crate::{runner, tui};

/// The message sink of a headless run: prints journal lines for `--events`, nothing else.
pub fn sink(settings: &Settings) -> MessageSink {
    let events = settings.output == Output::Events;
    Box::new(move |message| {
        if let (true, RunnerMessage::Recorded { line, .. }) = (events, message) {
            // A reader that has gone away does not stop the run: the journal is the authority.
            let _ = output::line(&line);
        }
    })
}

/// Pause before, and between, two lines about what is done.
const SAID_EVERY: Duration = Duration::from_secs(5);

/// Says on standard error how a decision takes effect: that it is recorded, and from time to time what is done.
pub struct DecisionProgress {
    said: Instant,
}

impl DecisionProgress {
    /// Of a decision that is given now.
    pub fn new() -> Self {
        Self {
            said: Instant::now(),
        }
    }

    /// Takes what the holder replied.
    pub fn hear(&mut self, reply: &DecisionReply) {
        match reply {
            DecisionReply::Durable { says } => output::say(says),
            DecisionReply::Working { says } => self.working(says),
            _ => {}
        }
    }

    fn working(&mut self, says: &str) {
        if self.said.elapsed() >= SAID_EVERY {
            self.said = Instant::now();
            output::say(&visible(&format!("{says} ...")));
        }
    }
}

/// Drives a run until it stops; gives the exit code.
pub fn drive(settings: &Settings, owned: OwnedRun, sink: MessageSink) -> Result<u8, LaunchError> {
    carry_on(settings, owned, sink, None, Patience::Return)
}

/// Gives a run that nobody holds a decision, and drives it until it stops; gives the exit code.
pub fn drive_with(
    settings: &Settings,
    owned: OwnedRun,
    decision: ApprovalRequest,
) -> Result<u8, LaunchError> {
    let (sink, progress) = (sink(settings), RefCell::new(DecisionProgress::new()));
    let telling: MessageSink = Box::new(move |message| {
        match &message {
            RunnerMessage::Recorded { recorded, .. } => {
                if let Event::ApprovalRecorded(made) = &*recorded.event {
                    output::say(&made.says(recorded.at));
                }
            }
            RunnerMessage::Progress(found) => progress.borrow_mut().working(&found.words()),
        }
        sink(message);
    });
    carry_on(settings, owned, telling, Some(decision), Patience::Return)
}

/// Drives a run until it ends; decisions come from other processes. Says on standard error how to give them.
pub fn drive_until_end(
    settings: &Settings,
    owned: OwnedRun,
    sink: MessageSink,
) -> Result<u8, LaunchError> {
    let (history, call) = (RefCell::new(owned.history.clone()), settings.call.clone());
    let telling: MessageSink = Box::new(move |message| {
        if let RunnerMessage::Recorded { recorded, .. } = &message {
            let mut history = history.borrow_mut();
            // The runner records what is legal, and nothing else.
            let _ = history.take_recorded(recorded);
            let run = history.run();
            if let Event::StopRaised(stop) = &*recorded.event {
                output::say(&visible(&format!("{stop} {}", run.advice(stop, &call))));
                // A line of its own: the one before ends with a command to be copied.
                if let Some(head) = run.journal_head() {
                    output::say(&format!("head={head}"));
                }
            }
        }
        sink(message);
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
    let created = owned.history.run().created.as_ref();
    if let Some(note) = created.and_then(|created| created.shared_note()) {
        output::say(&note);
    }
    let target = owned.target();
    let recorder = OwnedRun::recorder(owned.directory, owned.history, sink)
        .kept_on(owned.plan.store_cluster.clone());
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
    leave_on_signal(handle.commands())?;
    let outcome = handle.join()?;
    report(settings, &outcome)?;
    // As shells report a process that a signal ended.
    Ok(caught().map_or(outcome.exit_code, |signal| 128 + signal))
}

/// Prints how a run stands, in the format of the settings.
pub fn report(settings: &Settings, outcome: &RunnerEnd) -> Result<(), LaunchError> {
    match settings.output {
        Output::Json => output::document(&runner::document(outcome)),
        Output::Events => {
            // No line of the journal says it.
            if outcome.is_broken() {
                output::say(&visible(&outcome.message));
                output::say(&visible(&outcome.next));
            }
            Ok(())
        }
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
    if let Some(change) = run.change_evidence() {
        lines.extend(change.lines().iter().map(|line| visible(line)));
    }
    if let Some((result, _, _)) = &run.sealed {
        lines.push(format!("result={result}"));
    }
    if let Some(head) = run.journal_head() {
        lines.push(format!("head={head}"));
    }
    lines.push(visible(&outcome.message));
    lines.push(visible(&outcome.next));
    lines.push(String::new());
    lines.join("\n")
}

static CAUGHT: AtomicU8 = AtomicU8::new(0);

/// Tells the runner to leave when a signal comes.
pub fn leave_on_signal(commands: mpsc::Sender<RunnerCommand>) -> Result<(), LaunchError> {
    let mut signals = Signals::new(tui::ending_signals())
        .map_err(LaunchError::output("cannot listen for signals"))?;
    let waiting = thread::Builder::new().name("signals".to_owned());
    let started = waiting.spawn(move || {
        for signal in signals.forever() {
            tracing::info!(signal, "signal caught");
            CAUGHT.store(u8::try_from(signal).unwrap_or(0), Ordering::SeqCst);
            // A runner that is gone already has left.
            // First the run is left, then its hooks are cut: the runner waits for them after it has left.
            let _ = commands.try_send(RunnerCommand::Quit);
            let _ = commands.try_send(RunnerCommand::CutHooks);
        }
    });
    started
        .map(drop)
        .map_err(LaunchError::shortage("cannot wait for signals"))
}

/// Lets a write beyond the limit on the size of a file (`ulimit -f`) fail as every other write does, instead of ending the
/// process. A handler, not "ignored": that would be handed on to hooks and to the demo's server.
pub fn survive_the_file_size_limit() -> Result<(), LaunchError> {
    let heard = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGXFSZ, heard)
        .map(|_| ())
        .map_err(LaunchError::output("cannot listen for signals"))
}

/// The signal that was caught, if any.
pub fn caught() -> Option<u8> {
    Some(CAUGHT.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

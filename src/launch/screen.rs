//! The run screen over a runner on another thread.
//! Invariant: the terminal is given back before anything else is printed (`terminal_session::finish` comes after
//! `ScreenTerminalSession::play`, which drops the guard).

use std::sync::mpsc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::review::DocumentLoader;
use super::run::{NewRun, OwnedRun, TakenRun};
use super::terminal_session::ScreenTerminalSession;
use super::{
    LaunchError, headless, lookup, output, print, replay, run, run_plan, runs, terminal_session,
    watch,
};
use crate::cli::{RunPlace, RunRef, RunsCommand, Settings};
use crate::journal::{DirectoryStore, JournalReader, RunStore};
use crate::run::{ApprovalGate, Event, StopCode};
use crate::runner;
use crate::runner::{
    Handle, MessageSink, Patience, RunnerCommand, RunnerError, RunnerMessage, RunnerOptions,
    WatchersChanged, person,
};
use crate::tui::{Ending, RequestRoutes, ScreenMessage, Source, TakeUp};

/// Time for a runner that was asked to leave, before the process ends without it: 5 s.
const LEAVES_WITHIN: Duration = Duration::from_secs(5);

/// Interval at which a process that waits for a hook looks for a signal.
const LOOKS_UP: Duration = Duration::from_millis(50);

/// Starts a run and watches it.
pub fn run_new(
    settings: &Settings,
    store: &DirectoryStore,
    start: NewRun,
    watched: &dyn Fn(MessageSink) -> MessageSink,
) -> Result<u8, LaunchError> {
    let (messages, inbox) = mpsc::channel();
    let sink = watched(sink(messages.clone()));
    let owned = run::start(settings, store, start, &sink)?;
    show(settings, owned, sink, messages, &inbox)
}

/// Shows a run that was taken up.
pub fn take_up(settings: &Settings, owned: OwnedRun, what_for: TakeUp) -> Result<u8, LaunchError> {
    let (messages, inbox) = mpsc::channel();
    send_journal(&owned.directory.reader(), &messages)?;
    let _ = match what_for {
        TakeUp::Resume => Ok(()),
        TakeUp::Approve => messages.send(ScreenMessage::OpenSheet),
        TakeUp::Reject => messages.send(ScreenMessage::OpenRejectSheet),
        TakeUp::SurveyAgain => messages.send(ScreenMessage::SurveyAgain),
    };
    show(settings, owned, sink(messages.clone()), messages, &inbox)
}

/// `drygate approve` on a terminal, without a digest: the screen, with the sheet open.
pub fn approve(settings: &Settings, meant: &RunRef, gate: ApprovalGate) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let (run_id, found) = run::take(settings, &store, meant, false)?;
    let owned = match found {
        TakenRun::Owned(owned) => *owned,
        TakenRun::Sealed(run) => {
            let over = format!(
                "The run is over ({}); nothing waits for a decision.",
                run.state
            );
            return Err(LaunchError::Refused(over));
        }
        TakenRun::DemoIsOver => return Err(LaunchError::DemoIsOver { run_id }),
        TakenRun::Held(_) => return watch::watch(settings, &store, &run_id, Some(gate)),
    };
    if owned.history.run().waits_at() != Some(gate) {
        let stands = owned.history.run().state;
        return Err(LaunchError::Refused(format!(
            "The run does not wait at {gate} (state {stands})."
        )));
    }
    take_up(settings, owned, TakeUp::Approve)
}

/// `drygate` and `drygate RUN_ID`: what fits. Without a run it is the list; a run that waits for a person is shown, and nothing
/// is written until its keys take it up; another one that nobody holds is taken up, one that another process holds is watched,
/// a sealed one is read. Opening decides nothing: only `r` or `resume` takes new evidence.
pub fn open(settings: &Settings, meant: Option<&RunRef>) -> Result<u8, LaunchError> {
    let Some(meant) = meant else {
        let all = RunsCommand::default();
        return if settings.headless {
            runs::list(settings, &all)
        } else {
            runs::pick(settings, &all)
        };
    };
    let store = run_plan::store(settings)?;
    let mut what_for = TakeUp::Resume;
    if !settings.headless && stands_still(&store, meant)? {
        let screen_exit = watch::show(settings, &store, &lookup::resolve(&store, meant)?)?;
        let Ending::TakeUp(wanted) = screen_exit.ending else {
            return terminal_session::finish(screen_exit);
        };
        what_for = wanted;
    }
    match run::take(settings, &store, meant, false)? {
        (_, TakenRun::Sealed(_)) if settings.headless => {
            print::report(settings, &RunPlace::Run(meant.clone()))
        }
        (run_id, TakenRun::Sealed(_) | TakenRun::DemoIsOver) => {
            replay::replay(settings, &store, &run_id)
        }
        (run_id, TakenRun::Held(_)) => watch::watch(settings, &store, &run_id, None),
        (_, TakenRun::Owned(owned)) if settings.headless => {
            headless::drive(settings, *owned, headless::sink(settings))
        }
        (_, TakenRun::Owned(owned)) => take_up(settings, *owned, what_for),
    }
}

/// Whether a run waits for a person: nothing goes on in it until somebody decides, or takes new evidence.
fn stands_still(store: &DirectoryStore, meant: &RunRef) -> Result<bool, LaunchError> {
    let run_id = lookup::resolve(store, meant)?;
    if store.is_sealed(&run_id)? {
        return Ok(false);
    }
    let history = lookup::history(store, &run_id)?;
    let run = history.run();
    let is_drifted = run.drift.as_ref().is_some_and(|drift| drift.gate.is_some());
    let waits = run.waits_at().is_some() && run.pending_approval().is_none();
    Ok(!run.is_demo() && (waits || is_drifted))
}

/// Sends the entries of a journal to the screen.
pub(super) fn send_journal(
    reader: &JournalReader,
    messages: &Sender<ScreenMessage>,
) -> Result<(), LaunchError> {
    for entry in reader.walk::<Event>()? {
        let _ = messages.send(ScreenMessage::Recorded(entry?.into()));
    }
    Ok(())
}

/// A message sink that forwards to the screen's inbox, an unbounded channel.
fn sink(messages: Sender<ScreenMessage>) -> MessageSink {
    Box::new(move |message| {
        let message = match message {
            RunnerMessage::Recorded { recorded, .. } => ScreenMessage::Recorded(recorded),
            RunnerMessage::Progress(progress) => ScreenMessage::Progress(progress),
        };
        // The receiver is gone once the screen was left; the journal has the event.
        let _ = messages.send(message);
    })
}

fn show(
    settings: &Settings,
    owned: OwnedRun,
    sink: MessageSink,
    messages: Sender<ScreenMessage>,
    inbox: &Receiver<ScreenMessage>,
) -> Result<u8, LaunchError> {
    let theme = terminal_session::theme(settings).with_target(&owned.plan.target.color);
    let ended = messages.clone();
    let store = run_plan::store(settings)?;
    let (run_id, is_shared) = (owned.run_id.clone(), store.shared().is_some());
    let loader = DocumentLoader::of(&store, &run_id, messages.clone())?;
    loader.tell_beside();
    if let Some(last) = &owned.plan.last_pass {
        let _ = messages.send(ScreenMessage::LastPass(Box::new(last.clone())));
    }
    let (target, who) = (owned.target(), owned.plan.person.clone());
    let hooks = &owned.plan.profile.hooks;
    let hook_limit = hooks.named().next().map(|_| hooks.limit());
    let recorder = OwnedRun::recorder(owned.directory, owned.history, sink)
        .kept_on(owned.plan.store_cluster.clone());
    let (gone, left) = mpsc::channel();
    let stage = ScreenTerminalSession::take(settings)?;
    let handle = runner::spawn(
        recorder,
        target,
        owned.repository,
        owned.plan,
        RunnerOptions {
            taken_up: owned.taken_up,
            first: None,
            patience: Patience::Stay,
            watchers_changed: send_watcher_names(messages.clone()),
            at_end: Box::new(move |outcome| {
                let _ = ended.send(last_message(outcome, is_shared));
            }),
            at_exit: Box::new(move || {
                let _ = gone.send(());
            }),
        },
    )?;
    let commands = handle.commands();
    let routes = RequestRoutes {
        holder: Box::new(move |request| commands.try_send(request.into()).is_ok()),
        local: Box::new(move |asked| loader.obey(asked)),
    };
    let (screen_exit, signals) = stage.play(theme, (Source::Live, who), routes, messages, inbox)?;
    handle.try_send(RunnerCommand::Quit);
    if matches!(screen_exit.ending, Ending::Signal(_) | Ending::HungUp) {
        handle.try_send(RunnerCommand::CutHooks);
    }
    if matches!(screen_exit.ending, Ending::TakenOver) {
        wait_for_runner(&left, inbox, &handle, hook_limit);
        drop((signals, handle, store));
        // As whoever opens a run that somebody else goes on with.
        let meant = RunRef::Part(run_id.to_string());
        return open(settings, Some(&meant));
    }
    let exit_code = terminal_session::finish(screen_exit)?;
    wait_for_runner(&left, inbox, &handle, hook_limit);
    drop(signals);
    Ok(exit_code)
}

/// The runner leaves at its next await, and a hook within its limit; a runner that hangs in a disk does not hold the terminal.
fn wait_for_runner(
    left: &Receiver<()>,
    inbox: &Receiver<ScreenMessage>,
    handle: &Handle,
    hook_limit: Option<Duration>,
) {
    let deadline = Instant::now() + LEAVES_WITHIN + hook_limit.unwrap_or_default();
    let mut said = hook_limit.is_none();
    while let Err(RecvTimeoutError::Timeout) = left.recv_timeout(LOOKS_UP) {
        if Instant::now() >= deadline {
            return;
        }
        if !std::mem::replace(&mut said, true) {
            output::say(
                "A hook of the profile still runs, for its time limit at most. Ctrl-C ends it.",
            );
        }
        let signalled = |message: ScreenMessage| matches!(message, ScreenMessage::Signal(_));
        if inbox.try_iter().any(signalled) {
            handle.try_send(RunnerCommand::CutHooks);
        }
    }
}

/// The message that a runner ends with. A run of a run store that another machine went on with is not over.
fn last_message(
    outcome: &Result<runner::RunnerEnd, RunnerError>,
    is_shared: bool,
) -> ScreenMessage {
    match outcome {
        Ok(outcome) if is_shared && outcome.stop_code == Some(StopCode::StopRunLocked) => {
            ScreenMessage::TakenOver
        }
        Ok(outcome) => ScreenMessage::Ended {
            exit_code: outcome.exit_code,
            says: vec![outcome.message.clone(), outcome.next.clone()],
        },
        Err(error) => ScreenMessage::Ended {
            exit_code: error.exit_code(),
            says: std::iter::once(error.to_string())
                .chain(error.hint())
                .collect(),
        },
    }
}

/// A callback that sends the names of the watchers to the screen. Names are looked up on a thread: a directory service may be
/// slow, and the callback must not block the runner.
pub(super) fn send_watcher_names(messages: Sender<ScreenMessage>) -> WatchersChanged {
    let (sender, changes) = mpsc::channel::<Vec<u32>>();
    let naming = thread::Builder::new().name("watchers".to_owned());
    let started = naming.spawn(move || {
        while let Ok(mut uids) = changes.recv() {
            // Only the newest state matters.
            while let Ok(later) = changes.try_recv() {
                uids = later;
            }
            if messages
                .send(ScreenMessage::Watchers(named(&uids)))
                .is_err()
            {
                return;
            }
        }
    });
    match started {
        Ok(_) => Box::new(move |uids| {
            // The thread ends once the screen was left.
            let _ = sender.send(uids);
        }),
        Err(_) => Box::new(|_| ()),
    }
}

/// Each account once, in the order of coming, with how many watch under it.
fn named(uids: &[u32]) -> Vec<String> {
    let mut counted: Vec<(u32, usize)> = Vec::new();
    for uid in uids {
        match counted.iter_mut().find(|(known, _)| known == uid) {
            Some((_, n)) => *n += 1,
            None => counted.push((*uid, 1)),
        }
    }
    let name = |(uid, n)| match n {
        1 => person::account(uid),
        n => format!("{} ({n})", person::account(uid)),
    };
    counted.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::runner::person::account;

    #[test]
    fn an_account_is_named_once_with_its_number() {
        let (root, other) = (account(0), account(4_123_456));
        assert_eq!(other, "uid-4123456");
        let names = named(&[4_123_456, 0, 4_123_456]);
        assert_eq!(names, [format!("{other} (2)"), root]);
        assert!(named(&[]).is_empty());
    }
}

//! `drygate watch`: a run that another process holds, followed as it is written. Invariant: writes nothing; a decision made here is handed to the holder.

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread;

use super::follow::{FollowListener, Following};
use super::review::DocumentLoader;
use super::terminal_session::{self, ScreenTerminalSession};
use super::{LaunchError, headless, lookup, output, run_plan, screen};
use crate::cli::{Output, RunRef, Settings};
use crate::journal::{Blobs, DirectoryStore, Followed, RunStore};
use crate::replay::RunMoment;
use crate::report::visible;
use crate::run::{ApprovalGate, CommandLine, Decision, Event, LastPass, RunId, event_text};
use crate::runner::{self, HandoverError, hand_over, show_sheet};
use crate::tui::update::is_about_sheet;
use crate::tui::{RunSnapshot, ScreenMessage, ScreenRequest, Source};

/// How much more patient than the runner a process is that does nothing but watch.
const GUEST: i32 = 10;
/// So many events that a sheet is told wait for the end of a look: one that finds a whole journal keeps little of it in memory.
const TOLD_MAX: usize = 1_024;

/// `drygate watch RUN_ID`.
pub fn command(settings: &Settings, meant: &RunRef) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let run_id = lookup::resolve(&store, meant)?;
    // Whoever watches is a guest: where processors are short, the runner goes first. Where that cannot be had, nothing is lost.
    let _ = rustix::process::nice(GUEST);
    watch(settings, &store, &run_id, None)
}

/// Watches a run: on a terminal until the screen is left, else until the run has its seal. `sheet` opens the approval sheet of
/// that gate.
pub(super) fn watch(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    sheet: Option<ApprovalGate>,
) -> Result<u8, LaunchError> {
    let mut following = Following::of(store, run_id)?;
    if settings.headless {
        return print(settings, store, run_id, &mut following);
    }
    let (messages, inbox) = mpsc::channel();
    let mut telling = Telling::new(store.blobs(run_id)?, messages.clone());
    // A run that cannot be read is said before a screen is opened.
    following.look(&mut telling)?;
    telling.is_shown = true;
    let loader = DocumentLoader::of(store, run_id, messages.clone())?;
    loader.tell_notes();
    if sheet.is_some() {
        screen::press_approve(&messages);
    }
    let requests = requests(
        following.socket(),
        telling.moment.run.come_back(&settings.call),
        loader,
        messages.clone(),
    );
    let stage = ScreenTerminalSession::take(settings)?;
    let (lost, call) = (messages.clone(), settings.call.clone());
    let follow = move || {
        match following.follow(&mut telling) {
            Ok(()) => following.linger(),
            // A screen that was left hears nothing more.
            Err(error) => drop(lost.send(ended(&error, &call))),
        }
    };
    let thread = thread::Builder::new().name("following".to_owned());
    thread.spawn(follow).map_err(|source| LaunchError::Output {
        doing: "cannot follow the journal",
        source,
    })?;
    let theme = terminal_session::theme(settings);
    let (screen_exit, _) = stage.play(theme, Source::Watching, requests, messages, &inbox)?;
    terminal_session::finish(screen_exit)
}

/// The journal cannot be followed any further: the screen stays and says why.
fn ended(error: &LaunchError, call: &CommandLine) -> ScreenMessage {
    ScreenMessage::Ended {
        exit_code: error.exit_code(),
        says: std::iter::once(error.to_string())
            .chain(error.hint(call))
            .collect(),
    }
}

/// Without a screen: each event as it comes, in the words of the events pane or as its journal line; then how the run ended.
fn print(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    following: &mut Following,
) -> Result<u8, LaunchError> {
    following.follow(&mut Printing(settings.output))?;
    let (run, _) = lookup::folded(store, run_id)?;
    let outcome = runner::sealed(&run, &settings.call);
    headless::report(settings, &outcome)?;
    Ok(outcome.exit_code)
}

/// From the journal to standard output.
struct Printing(Output);

impl FollowListener for Printing {
    fn take_line(&mut self, followed: Followed<'_, Event>) -> Result<(), LaunchError> {
        match self.0 {
            Output::Json => Ok(()),
            Output::Events => {
                let mut line = followed.line.to_vec();
                line.push(b'\n');
                output::bytes(&line)
            }
            Output::Text => {
                let entry = &followed.entry;
                let (name, says) = (entry.event.name(), event_text(&entry.event));
                let says = visible(&says);
                output::line(&format!(
                    "{}  {:>5}  {name:<20}  {says}",
                    entry.at, entry.seq
                ))
            }
        }
    }
}

/// From the journal to the screen's inbox. The run is put together here, where its lines are read: the screen is told how it is at
/// the end of each look, and nothing of what was read lies about until it is drawn.
struct Telling {
    blobs: Blobs,
    messages: Sender<ScreenMessage>,
    moment: RunMoment,
    /// A line was heard that the screen is not told of yet.
    is_new: bool,
    /// A screen is open, and on it there may be a sheet.
    is_shown: bool,
    last_pass: Option<Box<LastPass>>,
    sheet_events: Vec<Event>,
}

impl Telling {
    fn new(blobs: Blobs, messages: Sender<ScreenMessage>) -> Self {
        Self {
            blobs,
            messages,
            moment: RunMoment::default(),
            is_new: false,
            is_shown: false,
            last_pass: None,
            sheet_events: Vec::new(),
        }
    }

    /// The last PASS that the run compares itself with: the copy that its evidence keeps.
    fn on_last_pass(&mut self, event: &Event) -> Result<(), LaunchError> {
        if let Event::EvidenceTaken { sheet, .. } = event
            && let Some((_, _, blob)) = &sheet.last_pass
            && let Ok(last) = serde_json::from_slice(&self.blobs.get(blob)?)
        {
            self.last_pass = Some(Box::new(last));
        }
        Ok(())
    }
}

impl FollowListener for Telling {
    fn take_line(&mut self, followed: Followed<'_, Event>) -> Result<(), LaunchError> {
        let entry = followed.entry;
        self.moment.apply(&entry, followed.sha256)?;
        self.is_new = true;
        self.on_last_pass(&entry.event)?;
        if self.is_shown && is_about_sheet(&entry.event) {
            self.sheet_events.push(entry.event);
            if self.sheet_events.len() >= TOLD_MAX {
                self.looked();
            }
        }
        Ok(())
    }

    fn looked(&mut self) {
        if std::mem::take(&mut self.is_new) {
            // A screen that was left hears nothing more.
            let _ = self
                .messages
                .send(ScreenMessage::Found(Box::new(RunSnapshot {
                    run: self.moment.run.clone(),
                    record: self.moment.record.clone(),
                    head: self.moment.head.clone(),
                    last_pass: self.last_pass.take(),
                    sheet_events: std::mem::take(&mut self.sheet_events),
                })));
        }
    }
}

/// What the watching screen asks for: decisions go to the holder, in the watcher's own name; all else is read here or refused.
fn requests(
    socket: Option<PathBuf>,
    come_back: String,
    loader: DocumentLoader,
    messages: Sender<ScreenMessage>,
) -> Box<dyn Fn(ScreenRequest) -> bool> {
    Box::new(move |order| match &order {
        ScreenRequest::OpenDocuments { .. } => loader.obey(order),
        ScreenRequest::OpenSheet { .. }
        | ScreenRequest::Approve { .. }
        | ScreenRequest::Reject { .. } => {
            let (socket, come_back, messages) =
                (socket.clone(), come_back.clone(), messages.clone());
            let asking = thread::Builder::new().name("handover".to_owned());
            let asked = asking.spawn(move || {
                let answer = socket
                    .ok_or(HandoverError::Nobody)
                    .and_then(|socket| hand(&socket, &order))
                    .map_err(|error| refusal(&error, &come_back));
                let _ = messages.send(ScreenMessage::Answered { order, answer });
            });
            asked.is_ok()
        }
        ScreenRequest::Quit => true,
        ScreenRequest::SurveyAgain | ScreenRequest::Note { .. } | ScreenRequest::Replay(_) => false,
    })
}

/// Hands an order over and waits for what the holder says to it.
fn hand(socket: &std::path::Path, order: &ScreenRequest) -> Result<Option<String>, HandoverError> {
    let (gate, decision, evidence, reason) = match order.clone() {
        ScreenRequest::OpenSheet { gate, evidence } => {
            return show_sheet(socket, gate, evidence).map(|()| None);
        }
        ScreenRequest::Approve { gate, evidence } => (gate, Decision::Approve, evidence, None),
        ScreenRequest::Reject {
            gate,
            evidence,
            reason,
        } => (gate, Decision::Reject, evidence, Some(reason)),
        _ => return Ok(None),
    };
    let (_, summary) = hand_over(socket, gate, decision, Some(evidence), reason)?;
    Ok(Some(taken(&summary)))
}

/// `The holder took it: STOP_APPROVAL_REQUIRED at SG2`, from the document that it answered with.
fn taken(summary: &str) -> String {
    let document: serde_json::Value = serde_json::from_str(summary).unwrap_or_default();
    let word = |key: &str| document[key].as_str();
    let now = match (word("result"), word("stop_code"), word("gate")) {
        (Some(result), _, _) => result.to_owned(),
        (None, Some(code), Some(gate)) => format!("{code} at {gate}"),
        (None, code, _) => code.or(word("state")).unwrap_or("no answer").to_owned(),
    };
    format!("The holder took it: {now}")
}

/// Why the holder did not take it, and what to do instead.
fn refusal(error: &HandoverError, come_back: &str) -> String {
    match error {
        HandoverError::Nobody => {
            format!("Nobody holds this run now. {come_back}")
        }
        HandoverError::Refused(why) => why.clone(),
        HandoverError::Silent(_) => format!("{error}. Nothing is decided that is not shown here."),
    }
}

//! `drygate watch`: a run that another process holds, followed as it is written. It writes nothing; a decision made here is
//! handed to the holder.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use super::review::DocumentLoader;
use super::terminal_session::{self, ScreenTerminalSession};
use super::{LaunchError, headless, lookup, output, run_plan};
use crate::cli::{Output, RunRef, Settings};
use crate::journal::{
    Blobs, ChainPosition, DirectoryStore, Followed, Follower, JournalError, RunStore,
};
use crate::replay::ReplayError;
use crate::report::visible;
use crate::run::{
    ApprovalGate, Ask, CommandLine, Event, EvidenceTaken, History, LastPass, Request, RunId,
    TeamWords, event_text,
};
use crate::runner::{self, HandoverError, be_present, hand_over, hand_over_unanswered};
use crate::tui::update::is_about_sheet;
use crate::tui::{
    Ending, RequestRoutes, RunSnapshot, ScreenExit, ScreenMessage, Source, StoreReach,
};

/// The nice value of a watcher, so that the runner has priority where processors are short.
const NICE: i32 = 10;
/// Interval between two looks at the journal. HEAD is polled: kernel notifications (inotify) do not work on network file
/// systems.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// Events for an open sheet that are kept until the end of a look; more are sent before, so that the first look at a long
/// journal keeps little of it in memory.
const SHEET_EVENTS_MAX: usize = 1_024;

/// The answer to a note on a watching screen.
const NO_NOTES: &str = "A watcher writes nothing: the diff of a run takes notes.";

/// `drygate watch RUN_ID`.
pub fn command(settings: &Settings, meant: &RunRef) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let run_id = lookup::resolve(&store, meant)?;
    // A watcher whose priority cannot be lowered still watches.
    let _ = rustix::process::nice(NICE);
    watch(settings, &store, &run_id, None)
}

/// Watches a run that another process holds: on a terminal until the screen is left, else until the run has its seal. `sheet`
/// opens the approval sheet of that gate.
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
    let screen_exit = follow_on_screen(settings, following, Source::Watching, sheet)?;
    terminal_session::finish(screen_exit)
}

/// Shows a run that stands still, and writes nothing; one that a process holds is watched. Ends with how the screen was left,
/// which may be to take the run up.
pub(super) fn show(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
) -> Result<ScreenExit, LaunchError> {
    let following = Following::of(store, run_id)?;
    follow_on_screen(settings, following, Source::Unheld, None)
}

fn follow_on_screen(
    settings: &Settings,
    mut following: Following,
    source: Source,
    sheet: Option<ApprovalGate>,
) -> Result<ScreenExit, LaunchError> {
    let (store, run_id) = (following.store.clone(), following.run_id.clone());
    let (store, run_id) = (&store, &run_id);
    let (messages, inbox) = mpsc::channel();
    following.tells = Some(messages.clone());
    let left = following.left.clone();
    following.connect();
    let mut sender = SnapshotSender::new(store.blobs(run_id)?, messages.clone());
    // A run that cannot be read is said before a screen is opened.
    following.look(&mut sender)?;
    sender.is_shown = true;
    let mut loader = DocumentLoader::of(store, run_id, messages.clone())?;
    loader.no_notes = Some(NO_NOTES);
    loader.tell_beside();
    if sheet.is_some() {
        let _ = messages.send(ScreenMessage::OpenSheet);
    }
    let (runs, id) = (store.clone(), run_id.clone());
    let routes = routes(
        move || runner::socket(&runs, &id),
        sender.history.run().come_back(&settings.call),
        loader,
        messages.clone(),
    );
    let who = run_plan::person_of(store)?;
    let stage = ScreenTerminalSession::take(settings)?;
    let (lost, call) = (messages.clone(), settings.call.clone());
    let follow = move || {
        match following.follow(&mut sender) {
            Ok(()) => following.linger(),
            // The receiver is gone once the screen was left.
            Err(error) => drop(lost.send(ended(&error, &call))),
        }
    };
    let thread = thread::Builder::new().name("following".to_owned());
    let thread = thread
        .spawn(follow)
        .map_err(LaunchError::shortage("cannot follow the journal"))?;
    let theme = terminal_session::theme(settings);
    let (screen_exit, _) = stage.play(theme, (source, who), routes, messages, &inbox)?;
    left.store(true, Ordering::Relaxed);
    if matches!(screen_exit.ending, Ending::TakeUp(_)) {
        // Else this process would register with itself as a watcher. A panic of the thread has been told by its hook.
        let _ = thread.join();
    }
    Ok(screen_exit)
}

/// The message when the journal cannot be followed any further: the screen stays and says why.
fn ended(error: &LaunchError, call: &CommandLine) -> ScreenMessage {
    ScreenMessage::Ended {
        exit_code: error.exit_code(),
        says: std::iter::once(error.to_string())
            .chain(error.hint(call))
            .collect(),
    }
}

/// Receives the journal lines that another process wrote.
trait FollowListener {
    /// A line that is durable.
    fn take_line(&mut self, followed: Followed<'_, Event>) -> Result<(), LaunchError>;

    /// Called after the last line of a look.
    fn looked(&mut self) {}
}

/// A run that is followed, from its first line on.
struct Following {
    store: DirectoryStore,
    run_id: RunId,
    follower: Follower,
    /// Connection to the holder of the run; while it is open the holder shows this process as a watcher.
    holder: Option<UnixStream>,
    /// Who is told that a process holds the run.
    tells: Option<Sender<ScreenMessage>>,
    /// The run store answered at the last look.
    is_reached: bool,
    /// The screen was left: there is nothing to follow for.
    left: Arc<AtomicBool>,
    ended: bool,
}

impl Following {
    /// Follows a run of the store.
    fn of(store: &DirectoryStore, run_id: &RunId) -> Result<Self, LaunchError> {
        Ok(Self {
            follower: store.reader(run_id)?.follow(ChainPosition::start()),
            store: store.clone(),
            run_id: run_id.clone(),
            holder: None,
            tells: None,
            is_reached: true,
            left: Arc::default(),
            ended: false,
        })
    }

    /// Where the present holder listens, if there can be a holder on this machine.
    fn socket(&self) -> Option<PathBuf> {
        runner::socket(&self.store, &self.run_id)
    }

    /// Gives the listener every line that was written since the last look; returns the number of lines.
    fn look(&mut self, listener: &mut dyn FollowListener) -> Result<u64, LaunchError> {
        let run = DirectoryStore::run_path(&self.run_id);
        self.store
            .storage()
            .refresh(&run)
            .map_err(JournalError::from)?;
        self.tell_whether_reached();
        let mut taken = Ok(());
        let lines = self.follower.each(|followed| {
            self.ended |= matches!(followed.entry.event, Event::RunSealed(_));
            if taken.is_ok() {
                taken = listener.take_line(followed);
            }
        });
        // The lines before a damaged one were taken too.
        listener.looked();
        taken?;
        Ok(lines?)
    }

    /// Says when the run store stops answering, and when it answers again: until then other machines may have gone on with the run.
    fn tell_whether_reached(&mut self) {
        let is_reached = self.store.storage().is_reached();
        if std::mem::replace(&mut self.is_reached, is_reached) == is_reached {
            return;
        }
        let Some(screen) = &self.tells else {
            output::say(if is_reached {
                "drygate: the run store answers again"
            } else {
                "drygate: the run store is not reached: shown is what this machine has"
            });
            return;
        };
        let reach = if is_reached {
            StoreReach::Reached
        } else {
            StoreReach::NotReached
        };
        // The receiver is gone once the screen was left.
        let _ = screen.send(ScreenMessage::StoreReach(reach));
    }

    /// Registers with the present holder, if there is one.
    fn connect(&mut self) {
        let connected = self.socket().and_then(|at| be_present(&at).ok());
        self.holder = connected.filter(|it| it.set_nonblocking(true).is_ok());
        if let (Some(_), Some(screen)) = (&self.holder, &self.tells) {
            // The receiver is gone once the screen was left.
            let _ = screen.send(ScreenMessage::Held);
        }
    }

    /// Follows until the run has its seal.
    fn follow(&mut self, listener: &mut dyn FollowListener) -> Result<(), LaunchError> {
        let mut lines = 1;
        loop {
            // A holder listens before it writes: where nothing was written there is no new one to connect to.
            if lines > 0 && self.holder.is_none() {
                self.connect();
            }
            lines = self.look(listener)?;
            if self.ended && self.store.is_sealed(&self.run_id)? {
                return Ok(());
            }
            self.rest();
            if self.left.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }

    /// Stays a watcher of a run that has ended until its holder is gone: the holder goes on showing who watches.
    fn linger(self) {
        if let Some(mut holder) = self.holder {
            let _ = holder.set_nonblocking(false);
            // An error is an end of the connection as well.
            let _ = io::copy(&mut holder, &mut io::sink());
        }
    }

    /// Sleeps until the next look, and forgets a holder that closed its connection.
    fn rest(&mut self) {
        self.store.storage().rest(LOOK_INTERVAL);
        if let Some(holder) = &mut self.holder {
            // The holder sends nothing but a refusal when it has no room for a watcher.
            let mut said = [0; 256];
            let closed = match holder.read(&mut said) {
                Ok(read) => read == 0,
                Err(error) => error.kind() != io::ErrorKind::WouldBlock,
            };
            if closed {
                self.holder = None;
            }
        }
    }
}

/// Without a screen: each event as it comes, in the words of the events pane or as its journal line; then how the run ended.
fn print(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    following: &mut Following,
) -> Result<u8, LaunchError> {
    following.follow(&mut EventPrinter::of(settings.output))?;
    let run = lookup::history(store, run_id)?.into_run();
    let seen = lookup::outcome(store, run_id);
    let outcome = runner::sealed(&run, &settings.call, seen.as_ref());
    headless::report(settings, &outcome)?;
    Ok(outcome.exit_code)
}

/// From the journal to standard output.
struct EventPrinter {
    output: Output,
    words: TeamWords,
}

impl EventPrinter {
    fn of(output: Output) -> Self {
        let words = TeamWords::of_older_runs().clone();
        Self { output, words }
    }
}

impl FollowListener for EventPrinter {
    fn take_line(&mut self, followed: Followed<'_, Event>) -> Result<(), LaunchError> {
        if let Event::RunCreated(created) = &followed.entry.event {
            self.words.clone_from(created.words());
        }
        match self.output {
            Output::Json => Ok(()),
            Output::Events => {
                let mut line = followed.line.to_vec();
                line.push(b'\n');
                output::bytes(&line)
            }
            Output::Text => {
                let entry = &followed.entry;
                let (name, says) = (entry.event.name(), event_text(&self.words, &entry.event));
                let says = visible(&says);
                output::line(&format!(
                    "{}  {:>5}  {name:<20}  {says}",
                    entry.at, entry.seq
                ))
            }
        }
    }
}

/// Sends the screen the folded run. Its lines are read and folded on this thread; the screen gets a snapshot for each look.
struct SnapshotSender {
    blobs: Blobs,
    messages: Sender<ScreenMessage>,
    history: Arc<History>,
    /// A line was read that is not sent to the screen yet.
    is_new: bool,
    /// A screen is open, and on it there may be a sheet.
    is_shown: bool,
    last_pass: Option<Box<LastPass>>,
    sheet_events: Vec<Event>,
}

impl SnapshotSender {
    fn new(blobs: Blobs, messages: Sender<ScreenMessage>) -> Self {
        Self {
            blobs,
            messages,
            history: Arc::new(History::without_clean_reads()),
            is_new: false,
            is_shown: false,
            last_pass: None,
            sheet_events: Vec::new(),
        }
    }

    /// The last PASS that the run compares itself with: the copy that its evidence keeps.
    fn on_last_pass(&mut self, event: &Event) -> Result<(), LaunchError> {
        if let Event::EvidenceTaken(EvidenceTaken { sheet, .. }) = event
            && let Some((_, _, blob)) = &sheet.last_pass
            && let Ok(last) = serde_json::from_slice(&self.blobs.get(blob)?)
        {
            self.last_pass = Some(Box::new(last));
        }
        Ok(())
    }
}

impl FollowListener for SnapshotSender {
    fn take_line(&mut self, followed: Followed<'_, Event>) -> Result<(), LaunchError> {
        let entry = followed.entry;
        let history = Arc::make_mut(&mut self.history);
        let taken = history.take(entry.seq, entry.at, &entry.event, &entry.sha256);
        taken.map_err(|illegal| ReplayError::Illegal {
            line: entry.seq + 1,
            illegal,
        })?;
        self.is_new = true;
        self.on_last_pass(&entry.event)?;
        if self.is_shown && is_about_sheet(&entry.event) {
            self.sheet_events.push(entry.event);
            if self.sheet_events.len() >= SHEET_EVENTS_MAX {
                self.looked();
            }
        }
        Ok(())
    }

    fn looked(&mut self) {
        if std::mem::take(&mut self.is_new) {
            // The receiver is gone once the screen was left.
            let _ = self
                .messages
                .send(ScreenMessage::Found(Box::new(RunSnapshot {
                    history: self.history.clone(),
                    last_pass: self.last_pass.take(),
                    sheet_events: std::mem::take(&mut self.sheet_events),
                })));
        }
    }
}

/// Where goes what the watching screen asks for: to the holder, which puts the watcher's own name to it; documents are read
/// here.
fn routes(
    // Asked for with every request: the holder may be another one by then.
    socket: impl Fn() -> Option<PathBuf> + Send + Sync + Clone + 'static,
    come_back: String,
    loader: DocumentLoader,
    messages: Sender<ScreenMessage>,
) -> RequestRoutes {
    let holder = move |Request { ask, .. }| {
        let (socket, come_back, messages) = (socket.clone(), come_back.clone(), messages.clone());
        let asking = thread::Builder::new().name("handover".to_owned());
        let asked = asking.spawn(move || {
            let answer = socket()
                .ok_or(HandoverError::Nobody)
                .and_then(|socket| hand(&socket, &ask))
                .map_err(|error| refusal(&error, &come_back));
            let _ = messages.send(ScreenMessage::Answered { ask, answer });
        });
        asked.is_ok()
    };
    RequestRoutes {
        holder: Box::new(holder),
        local: Box::new(move |asked| loader.obey(asked)),
    }
}

/// Hands a request over and waits for what the holder says to it.
fn hand(socket: &Path, ask: &Ask) -> Result<Option<String>, HandoverError> {
    if !ask.is_answered_by_the_next_stop() {
        return hand_over_unanswered(socket, ask).map(|()| None);
    }
    let (_, summary) = hand_over(socket, ask, &mut |_| ())?;
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

//! `drygate replay`: a run played back from its journal. No database and no network are used, and nothing of the run is
//! written, except a note that a reviewer types.

use std::io::IsTerminal;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ratatui::layout::Size;

use super::playback::Playback;
use super::replay_file::Still;
use super::review::DocumentLoader;
use super::terminal_session::ScreenTerminalSession;
use super::{LaunchError, lookup, output, replay_file, run_plan, terminal_session};
use crate::cli::{ReplayCommand, RunPlace, Settings};
use crate::documents::{ReplayBand, ReplayDocument, ReplayMoment};
use crate::journal::{DirectoryStore, RunStore, encode_line};
use crate::replay::{Recording, ReplayError, SeekTarget};
use crate::report;
use crate::run::{RunId, exit};
use crate::tui::event_loop::frame_lines;
use crate::tui::screens::band::band;
use crate::tui::widgets::Text;
use crate::tui::{Ending, LocalRequest, RequestRoutes, Source};

/// Size of a frame without a terminal: that of the drawings in the manual.
const PAGE: Size = Size::new(160, 48);
/// Time spent reading the journal before the first frame; the rest is read in the background.
const READ_FIRST: Duration = Duration::from_millis(40);

/// The answer to a note in the replay of an archive, whose unpacked files are removed with the screen.
const NO_NOTES: &str =
    "An archive takes no notes: import puts its run beside yours, where it does.";

/// `drygate replay RUN_ID|FILE`.
pub fn command(settings: &Settings, command: &ReplayCommand) -> Result<u8, LaunchError> {
    match &command.run {
        RunPlace::Run(meant) => {
            let store = run_plan::store(settings)?;
            let run_id = lookup::resolve(&store, meant)?;
            carry_out(settings, &store, &run_id, command, None)
        }
        RunPlace::Path(file) => {
            let opened = lookup::archive(file)?;
            let (store, run_id) = (opened.store(), opened.run_id());
            carry_out(settings, store, run_id, command, Some(NO_NOTES))
        }
    }
}

fn carry_out(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    command: &ReplayCommand,
    no_notes: Option<&'static str>,
) -> Result<u8, LaunchError> {
    let at = command.at.as_deref();
    match &command.file() {
        Some(file) => replay_file::write(settings, store, run_id, at, file),
        None if settings.headless => print(settings, store, run_id, at),
        None => show(settings, store, run_id, at, no_notes),
    }
}

/// Plays a run of the store back on the run screen.
pub(super) fn replay(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
) -> Result<u8, LaunchError> {
    if settings.headless {
        return print(settings, store, run_id, None);
    }
    show(settings, store, run_id, None, None)
}

/// On a terminal; `no_notes`: why it takes none.
fn show(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    at: Option<&str>,
    no_notes: Option<&'static str>,
) -> Result<u8, LaunchError> {
    let recording = Recording::open(&store.reader(run_id)?)?;
    let (messages, inbox) = mpsc::channel();
    let (asks, asked) = mpsc::channel();
    let mut playback = Playback::new(recording, store.blobs(run_id)?, messages.clone(), at);
    let began = Instant::now();
    // A short journal is read whole by then, and the first frame shows its end at once.
    while began.elapsed() < READ_FIRST && playback.read_on()? {}
    playback.tell()?;
    let mut loader = DocumentLoader::of(store, run_id, messages.clone())?;
    loader.no_notes = no_notes;
    loader.tell_beside();
    let stage = ScreenTerminalSession::take(settings)?;
    let thread = std::thread::Builder::new().name("playback".to_owned());
    let spawned = thread.spawn(move || playback.go_on(&asked));
    spawned.map_err(LaunchError::shortage("cannot read behind the screen"))?;
    let routes = RequestRoutes::local(move |asked| match asked {
        LocalRequest::Replay(command) => asks.send(command).is_ok(),
        other => loader.obey(other),
    });
    let theme = terminal_session::theme(settings);
    let who = run_plan::own_person()?;
    let (screen_exit, _) = stage.play(theme, (Source::Replay, who), routes, messages, &inbox)?;
    match screen_exit.ending {
        Ending::Quit | Ending::InboxClosed => Ok(exit::OK),
        _ => terminal_session::finish(screen_exit),
    }
}

/// One frame, as text or in a document.
fn print(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    at: Option<&str>,
) -> Result<u8, LaunchError> {
    let mut recording = Recording::open(&store.reader(run_id)?)?;
    recording.read_all()?;
    let seq = place(&mut recording, at)?;
    let line = recording
        .entry(seq)?
        .map(|entry| encode_line(entry.seq, entry.at, &entry.prev, &entry.event))
        .transpose()?;
    let size = page_size(std::io::stdout().is_terminal());
    let mut still = Still::of(settings, (store, run_id), recording, size)?;
    let lines = frame_lines(&still.at(seq)?);
    if !settings.json() {
        output::print(&format!("{}\n", lines.join("\n")))?;
        return Ok(exit::OK);
    }
    let model = still.model();
    let run = model.run();
    // Only a stop that the run still stands at is reported as one.
    let stands = run.sealed.is_none() && (run.waits_at().is_some() || run.drift.is_some());
    let stop = run.stops.last().filter(|_| stands);
    let next = match stop {
        Some(raised) => run.advice(&raised.stop, &settings.call),
        None if run.sealed.is_some() => run.reading(&settings.call, model.outcome.as_ref()),
        None => String::new(),
    };
    let band = band(model, false);
    output::document(&ReplayDocument {
        run: report::summary(run, stop.map(|raised| &raised.stop), &next),
        replay: ReplayMoment {
            seq,
            at: run.last.map(|(_, at)| at),
            head: model.history.head().cloned(),
            records: model.playback.as_ref().map(|playback| playback.last() + 1),
            event: line.and_then(|line| serde_json::from_slice(&line).ok()),
            band: ReplayBand {
                title: band.title,
                right: band.right,
                lines: band.lines.iter().map(Text::flat).collect(),
            },
            frame: lines,
        },
    })?;
    Ok(exit::OK)
}

/// The size of a frame that is no screen: that of the terminal where there is one.
pub(super) fn page_size(terminal: bool) -> Size {
    let size = crossterm::terminal::size().ok().filter(|_| terminal);
    size.map_or(PAGE, |(width, height)| Size::new(width, height))
}

/// The record that `--at` names; without it the last.
pub(super) fn place(recording: &mut Recording, at: Option<&str>) -> Result<u64, ReplayError> {
    let (last, last_at) = recording.last().ok_or(ReplayError::Empty)?;
    let Some(text) = at else {
        return Ok(last);
    };
    let began = recording.tip().timeline().began.ok_or(ReplayError::Empty)?;
    match SeekTarget::read(text, began)? {
        SeekTarget::Record(seq) if seq <= last => Ok(seq),
        SeekTarget::Record(seq) => Err(ReplayError::NoSuchRecord { seq, last }),
        SeekTarget::Time(at) if at < began || SeekTarget::begins(text, at) > last_at => {
            Err(ReplayError::NoSuchTime {
                text: text.trim().to_owned(),
                first: began,
                last: last_at,
            })
        }
        SeekTarget::Time(at) => recording.line_at(at),
    }
}

//! `drygate replay`: a run retold from its journal. Invariant: no database and no network, and nothing of the run is written.

use std::io::IsTerminal;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::playing::{self, Stage};
use super::retelling::Retelling;
use super::reviewing::Desk;
use super::{LaunchError, lookup, machine, output, planning};
use crate::cli::{RunRef, Settings};
use crate::journal::{DirectoryStore, RunStore};
use crate::replay::{Place, Recording, ReplayError};
use crate::report;
use crate::run::{RunId, exit};
use crate::tui::event_loop::{frame, frame_lines};
use crate::tui::model::Model;
use crate::tui::screens::band::band;
use crate::tui::update::update;
use crate::tui::{Ending, Order, Source};
use ratatui::layout::Size;

/// A frame without a terminal is as large as the drawings of the manual.
const PAGE: Size = Size::new(160, 48);
/// How long the journal is read before the first frame; what is left is read behind it.
const READ_FIRST: Duration = Duration::from_millis(40);

/// `drygate replay RUN_ID`.
pub fn command(settings: &Settings, meant: &RunRef, at: Option<&str>) -> Result<u8, LaunchError> {
    let store = planning::store(settings)?;
    let run_id = lookup::resolve(&store, meant)?;
    replay(settings, &store, &run_id, at)
}

/// Retells a run of a store: on a terminal the run screen, else one frame.
pub(super) fn replay(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    at: Option<&str>,
) -> Result<u8, LaunchError> {
    let recording = Recording::open(&store.reader(run_id)?)?;
    if settings.headless {
        return print(settings, store, run_id, recording, at);
    }
    let (news, inbox) = mpsc::channel();
    let (asks, asked) = mpsc::channel();
    let mut retelling = Retelling::new(recording, store.blobs(run_id)?, news.clone(), at);
    let began = Instant::now();
    while began.elapsed() < READ_FIRST && retelling.read_on()? {}
    retelling.tell()?;
    let desk = Desk::of(store, run_id, news.clone())?;
    desk.tell_notes();
    let stage = Stage::take(settings)?;
    let thread = std::thread::Builder::new().name("retelling".to_owned());
    let spawned = thread.spawn(move || retelling.go_on(&asked));
    spawned.map_err(|source| LaunchError::Output {
        doing: "cannot read behind the screen",
        source,
    })?;
    let orders = move |order| match order {
        Order::Replay(transport) => asks.send(transport).is_ok(),
        other => desk.obey(other),
    };
    let theme = playing::theme(settings);
    let (farewell, _) = stage.play(theme, Source::Replay, Box::new(orders), news, &inbox)?;
    match farewell.ending {
        Ending::Quit | Ending::Deserted => Ok(exit::OK),
        _ => playing::finish(farewell),
    }
}

/// One frame, as text or in a document.
fn print(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    mut recording: Recording,
    at: Option<&str>,
) -> Result<u8, LaunchError> {
    recording.read_all()?;
    let seq = place(&mut recording, at)?;
    let event = recording.entry(seq)?.map(|entry| entry.event.clone());
    let (news, inbox) = mpsc::channel();
    let mut retelling = Retelling::new(recording, store.blobs(run_id)?, news, None);
    retelling.stand_at(seq)?;
    let terminal = std::io::stdout().is_terminal();
    let size = crossterm::terminal::size().ok().filter(|_| terminal);
    let size = size.map_or(PAGE, |(width, height)| Size::new(width, height));
    let theme = playing::theme(settings);
    let now = retelling.now();
    let mut model = Model::new(Source::Replay, machine::person(), theme, size, now);
    for told in inbox.try_iter() {
        let _ = update(&mut model, told, Duration::ZERO);
    }
    let lines = frame_lines(&frame(&mut model, size.width, size.height));
    if !settings.json() {
        output::print(&format!("{}\n", lines.join("\n")))?;
        return Ok(exit::OK);
    }
    let run = &model.run;
    let stands = run.sealed.is_none() && (run.waits_at().is_some() || run.drift.is_some());
    let stop = run.stops.last().filter(|_| stands);
    let mut document = report::summary(run, stop.map(|raised| &raised.stop));
    let band = band(&model, false);
    document["replay"] = json!({
        "seq": seq, "at": run.last.map(|(_, at)| at), "head": model.head,
        "records": model.told.as_ref().map(|told| told.last + 1), "event": event,
        "band": {"title": band.title, "right": band.right,
                 "lines": band.lines.iter().map(crate::tui::widgets::Text::flat).collect::<Vec<_>>()},
        "frame": lines,
    });
    output::document(&document)?;
    Ok(exit::OK)
}

/// The record that `--at` names; without it the last.
pub(super) fn place(recording: &mut Recording, at: Option<&str>) -> Result<u64, ReplayError> {
    let (last, _) = recording.last().ok_or(ReplayError::Empty)?;
    let Some(text) = at else {
        return Ok(last);
    };
    let began = recording.timeline().began.ok_or(ReplayError::Empty)?;
    match Place::read(text, began)? {
        Place::Record(seq) if seq <= last => Ok(seq),
        Place::Record(seq) => Err(ReplayError::NoSuchRecord { seq, last }),
        Place::Time(at) => recording.line_at(at),
    }
}

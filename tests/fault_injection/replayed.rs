//! A run as its own screen shows it and as its replay does. Invariant: at every journal line both draw the same frame, but for badge, keys, footer and timeline.
//!
//! Progress is no fact of the run: it is replaced, never recorded, so no frame is compared while the runner tells of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use drygate::journal::{JournalEntry, JournalReader};
use drygate::replay::Recording;
use drygate::run::{ApprovalGate, Event, History};
use drygate::runner::RunnerMessage;
use drygate::survey::UtcTime;
use drygate::testing::SimulatedDisk;
use drygate::tui::event_loop::frame;
use drygate::tui::model::Model;
use drygate::tui::playback::{PlaybackState, ReplayFrame};
use drygate::tui::update::update;
use drygate::tui::{Colours, ScreenMessage, Source, Theme};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Size;
use ratatui::style::Style;

use super::world::{World, person};

const SIZES: [(u16, u16); 3] = [(160, 48), (120, 36), (80, 24)];

/// A row: what it says, and how each of its cells looks.
type Row = (String, Vec<Style>);
/// The frames of one line, a size each.
type Frames = Vec<Vec<Row>>;

fn model(source: Source, now: UtcTime) -> Model {
    let theme = Theme::new(false, Colours::Sixteen);
    Model::new(source, person("op_a", 1000), theme, Size::new(160, 48), now)
}

fn frames(model: &mut Model) -> Frames {
    let of_size = |(width, height)| cells(&frame(model, width, height));
    SIZES.into_iter().map(of_size).collect()
}

/// The rows of a frame, cells with their colours, without what follows the target's label and the server, without the keys of the band and the footer.
fn cells(frame: &Buffer) -> Vec<Row> {
    let width = usize::from(frame.area.width);
    let row = |cells: &[Cell]| {
        let text = cells.iter().map(Cell::symbol).collect();
        (text, cells.iter().map(Cell::style).collect())
    };
    let mut rows: Vec<Row> = frame.content.chunks(width).map(row).collect();
    let cut = |(text, styles): &mut Row, until: &str| {
        text.truncate(text.find(until).unwrap_or(0));
        text.truncate(text.trim_end().len());
        styles.truncate(text.chars().count());
    };
    let is_wide = width >= 110;
    cut(&mut rows[0], "]");
    if is_wide {
        cut(&mut rows[1], "  started");
    }
    rows[if is_wide { 8 } else { 6 }] = Row::default();
    rows.pop();
    rows
}

#[track_caller]
fn must_be_equal(live: &[Row], replayed: &[Row], seq: u64, size: (u16, u16)) {
    assert_eq!(live.len(), replayed.len());
    for (live, replayed) in live.iter().zip(replayed) {
        assert_eq!(live.0, replayed.0, "line {seq} at {size:?}");
        assert!(
            live.1 == replayed.1,
            "colours of {:?}, line {seq} at {size:?}",
            live.0
        );
    }
}

/// Runs a whole rehearsal with refusal, drift and resumes; gives the world and the frames of its live screen.
fn lived() -> (World, Vec<(u64, Frames)>) {
    let mut world = World::new(Arc::new(SimulatedDisk::new()));
    let now = drygate::runner::clock::Clock::now(&*world.clock);
    let live = Mutex::new((model(Source::Live, now), Vec::new()));
    let live = Arc::new(live);
    let hearing = live.clone();
    world.heard = Some(Arc::new(move |notice| {
        let RunnerMessage::Recorded { recorded, .. } = notice else {
            return;
        };
        let mut live = hearing.lock().unwrap_or_else(PoisonError::into_inner);
        let (model, seen) = &mut *live;
        let told = ScreenMessage::Recorded(recorded.clone());
        let _ = update(model, told, Duration::ZERO);
        model.now = recorded.at;
        seen.push((recorded.seq, frames(model)));
    }));
    let outcome = world.begin().expect("it waits at SG1");
    let wrong = world.rejection(ApprovalGate::SG2);
    assert_eq!(world.take_up(Some(wrong)).expect("refused").exit_code, 6);
    world.spoiled.unit_state = Some("enacted");
    let drifted = world.take_up(Some(world.approval(&outcome.run)));
    assert_eq!(drifted.expect("it drifts").exit_code, 4);
    world.spoiled.unit_state = None;
    world.go_on().expect("it is sealed");
    world.heard = None;
    let live = std::mem::take(&mut live.lock().expect("no frame differed").1);
    (world, live)
}

fn recording(world: &World) -> Recording {
    let reader = JournalReader::new(world.storage.clone(), &world.path());
    let mut recording = Recording::open(&reader).expect("a journal");
    recording.read_all().expect("it chains");
    recording
}

/// Tells a screen a moment, as the program does.
fn tell(model: &mut Model, recording: &mut Recording, seq: u64) {
    let history = recording.at(seq).expect("a moment").clone();
    let retold = ReplayFrame {
        playback: PlaybackState {
            seq,
            now: history.last().expect("a line").1,
            line: ("", String::new()),
            is_playing: false,
            speed: "1x".to_owned(),
            waits_are_real: false,
            reading: None,
            trouble: None,
            tip: recording.tip().clone(),
        },
        history,
        last_pass: None,
    };
    let _ = update(
        model,
        ScreenMessage::ReplayFrame(Box::new(retold)),
        Duration::ZERO,
    );
}

#[test]
fn at_every_line_a_replay_draws_what_the_live_screen_drew() {
    let (world, live) = lived();
    let entries: Vec<JournalEntry<Event>> = world.entries();
    assert_eq!(live.len(), entries.len(), "a frame for every line");
    for name in [
        "approval_refused",
        "drift_found",
        "run_resumed",
        "run_sealed",
    ] {
        assert!(entries.iter().any(|e| e.event.name() == name), "{name}");
    }
    let mut recording = recording(&world);
    let mut replayed = model(Source::Replay, entries[0].at);
    replayed.shows_timeline = false;
    // There and back: what a frame shows must not depend on where one came from.
    for (seq, drawn) in live.iter().chain(live.iter().rev()) {
        tell(&mut replayed, &mut recording, *seq);
        for (nth, (live, replay)) in drawn.iter().zip(frames(&mut replayed)).enumerate() {
            must_be_equal(live, &replay, *seq, SIZES[nth]);
        }
    }
}

#[test]
fn every_moment_is_the_fold_of_the_lines_before_it() {
    let (world, _) = lived();
    let entries = world.entries();
    let mut recording = recording(&world);
    let (mut folded, mut whole) = (History::without_clean_reads(), History::default());
    for entry in &entries {
        for history in [&mut folded, &mut whole] {
            let taken = history.take(entry.seq, entry.at, &entry.event, &entry.sha256);
            taken.expect("legal");
        }
        assert_eq!(**recording.at(entry.seq).expect("a moment"), folded);
    }
    assert_eq!(*whole.run(), world.run());
    assert_eq!(folded.surveys(), whole.surveys());
    assert_eq!(folded.run().footprint(), whole.run().footprint());
}

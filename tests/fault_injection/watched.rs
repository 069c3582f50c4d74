//! A run as its own screen shows it and as a watcher does. Invariant: at every journal line both draw the same frame, but for the badge and the footer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use drygate::journal::{ChainPosition, Follower, JournalReader};
use drygate::run::{ApprovalGate, Event};
use drygate::runner::RunnerMessage;
use drygate::testing::SimulatedDisk;
use drygate::tui::event_loop::frame;
use drygate::tui::model::Model;
use drygate::tui::update::update;
use drygate::tui::{Colours, ScreenMessage, Source, Theme};
use ratatui::buffer::Buffer;
use ratatui::buffer::Cell;
use ratatui::layout::Size;

use super::world::{World, person};

const SIZES: [(u16, u16); 2] = [(160, 48), (80, 24)];

/// The screen of the process that holds the run, and that of a watcher who reads the files it writes.
struct Screens {
    live: Model,
    watched: Model,
    follower: Follower,
    compared: usize,
}

impl Screens {
    fn of(world: &World) -> Self {
        let model = |source| {
            let theme = Theme::new(false, Colours::Sixteen);
            let now = drygate::runner::clock::Clock::now(&*world.clock);
            Model::new(source, person("op_a", 1000), theme, Size::new(160, 48), now)
        };
        Self {
            live: model(Source::Live),
            watched: model(Source::Watching),
            follower: JournalReader::new(world.storage.clone(), &world.path())
                .follow(ChainPosition::start()),
            compared: 0,
        }
    }

    /// The runner shows a line: it is durable, so a watcher sees it too, and sees the same.
    fn hear(&mut self, notice: &RunnerMessage) {
        let RunnerMessage::Recorded { recorded, .. } = notice else {
            return;
        };
        let told = ScreenMessage::Recorded(recorded.clone());
        let _ = update(&mut self.live, told, Duration::ZERO);
        let watched = &mut self.watched;
        let followed = self.follower.each(|followed| {
            let told = ScreenMessage::Recorded(followed.entry.into());
            let _ = update(watched, told, Duration::ZERO);
        });
        assert_eq!(
            followed.expect("what is durable can be followed"),
            1,
            "{}",
            recorded.seq
        );
        for model in [&mut self.live, &mut self.watched] {
            model.now = recorded.at;
        }
        for (width, height) in SIZES {
            let live = cells(&frame(&mut self.live, width, height));
            let watched = cells(&frame(&mut self.watched, width, height));
            assert_eq!(watched, live, "line {} at {width}x{height}", recorded.seq);
        }
        self.compared += 1;
    }
}

/// The rows of a frame, cells with their colours, without what follows the target's label in the first and without the footer.
fn cells(frame: &Buffer) -> Vec<String> {
    let width = usize::from(frame.area.width);
    let mut rows: Vec<String> = frame
        .content
        .chunks(width)
        .map(|row| {
            let drawn = row
                .iter()
                .map(|cell| format!("{}{:?}", cell.symbol(), cell.style()));
            drawn.collect()
        })
        .collect();
    let text: String = frame.content[..width].iter().map(Cell::symbol).collect();
    let label = text.find(']').unwrap_or(0);
    text[..label].clone_into(&mut rows[0]);
    rows.pop();
    rows
}

#[test]
fn at_every_line_a_watcher_draws_what_the_holder_draws() {
    let mut world = World::new(Arc::new(SimulatedDisk::new()));
    let screens = Arc::new(Mutex::new(None));
    let hearing = screens.clone();
    let shown = world.clone();
    world.heard = Some(Arc::new(move |notice| {
        let mut screens = hearing.lock().unwrap_or_else(PoisonError::into_inner);
        screens
            .get_or_insert_with(|| Screens::of(&shown))
            .hear(notice);
    }));
    let outcome = world.begin().expect("it waits at SG1");
    let wrong = world.rejection(ApprovalGate::SG2);
    let refused = world.take_up(Some(wrong)).expect("it is refused");
    assert_eq!((outcome.exit_code, refused.exit_code), (3, 6));
    world.spoiled.unit_state = Some("enacted");
    let drifted = world.take_up(Some(world.approval(&outcome.run)));
    assert_eq!(drifted.expect("it drifts").exit_code, 4);
    world.spoiled.unit_state = None;
    world.go_on().expect("it is sealed");
    world.heard = None;
    let mut screens = screens.lock().expect("no frame differed");
    let compared = screens.take().expect("it heard").compared;
    let entries = world.entries();
    assert_eq!(compared, entries.len());
    for name in [
        "drift_found",
        "approval_refused",
        "run_sealed",
        "run_resumed",
    ] {
        assert!(
            entries
                .iter()
                .any(|entry: &drygate::journal::JournalEntry<Event>| entry.event.name() == name),
            "{name}"
        );
    }
}

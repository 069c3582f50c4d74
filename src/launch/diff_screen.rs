//! `drygate diff` on a terminal. Invariant: reads the run and writes nothing but notes; the terminal is given back before anything is said.

use std::sync::mpsc;
use std::time::Instant;

use super::diffing::{self, Read};
use super::reviewing::Desk;
use super::screen::{colours, retell_entries, terminal_error};
use super::{LaunchError, machine, output};
use crate::cli::{DiffCommand, DiffSides, Settings};
use crate::desk::Comparison;
use crate::journal::{DirectoryStore, RunStore};
use crate::runner::clock::{Clock, SystemClock};
use crate::tui::diffing::DiffView;
use crate::tui::{self, Clocks, Ending, Guard, News, Screen, Source, Theme};

/// Shows the differences; the exit code is that of the comparison the screen was opened with.
pub(super) fn show(
    settings: &Settings,
    store: &DirectoryStore,
    read: &Read,
    command: &DiffCommand,
) -> Result<u8, LaunchError> {
    let comparison = diffing::desk(store, read, &command.sides)?.comparison;
    let exit_code = diffing::exit_code(&comparison);
    let (news, inbox) = mpsc::channel();
    retell_entries(store.reader(&read.run_id)?.entries()?, &news);
    if let Some(last) = read.last_pass() {
        let _ = news.send(News::LastPass(Box::new(last)));
    }
    let mut choices = Comparison::available(&read.record);
    if matches!(command.sides, DiffSides::Other(_)) {
        choices.insert(0, comparison.compare.clone());
    }
    let compare = comparison.compare.clone();
    let view = DiffView::of(choices, compare, Ok(comparison), true);
    let _ = news.send(News::Compared(Box::new(view)));
    let desk = Desk::of(store, &read.run_id, news.clone())?;
    desk.tell_notes();
    let (guard, terminal) = Guard::take().map_err(|error| terminal_error(&error))?;
    let began = Instant::now();
    let monotonic = move || began.elapsed();
    let mut screen = Screen::new(
        terminal,
        Box::new(guard.outside()),
        Theme::new(settings.ascii.value, colours(settings)),
        Source::Replay,
        machine::person(),
        Clocks {
            monotonic: Box::new(monotonic),
            utc: Box::new(|| SystemClock.now()),
        },
        Box::new(move |order| desk.obey(order)),
    );
    let _signals = tui::spawn_signals(news.clone(), &guard, monotonic).map_err(|source| {
        LaunchError::Output {
            doing: "cannot listen for signals",
            source,
        }
    })?;
    tui::spawn_input(news, monotonic).map_err(|error| LaunchError::Usage(error.to_string()))?;
    let farewell = screen.event_loop(&inbox);
    drop(screen);
    drop(guard);
    match farewell.ending {
        Ending::Quit | Ending::Deserted => Ok(exit_code),
        Ending::Failed(source) => Err(LaunchError::Output {
            doing: "cannot draw",
            source,
        }),
        _ => {
            farewell
                .says
                .iter()
                .for_each(|line| output::say(&crate::report::visible(line)));
            Ok(farewell.exit_code)
        }
    }
}

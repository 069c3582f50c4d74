//! `drygate diff` on a terminal. Invariant: reads the run and writes nothing but notes; the terminal is given back before anything is said.

use std::sync::mpsc;

use super::LaunchError;
use super::diff::{self, LoadedRun};
use super::review::DocumentLoader;
use super::screen::send_entries;
use super::terminal_session::{self, ScreenTerminalSession};
use crate::cli::{DiffCommand, Settings};
use crate::compare::Comparison;
use crate::journal::{DirectoryStore, RunStore};
use crate::tui::diff_view::DiffView;
use crate::tui::{Ending, ScreenMessage, Source};

/// Shows the differences; the exit code is that of the comparison the screen was opened with.
pub(super) fn show(
    settings: &Settings,
    store: &DirectoryStore,
    read: &LoadedRun,
    command: &DiffCommand,
) -> Result<u8, LaunchError> {
    let comparison = diff::open_comparison(store, read, &command.sides)?.comparison;
    let exit_code = diff::exit_code(&comparison);
    stage(settings, store, read, comparison, exit_code)
}

/// Shows a comparison with a run and every other one that can be made of it; `exit_code` is given when a person leaves.
pub(super) fn stage(
    settings: &Settings,
    store: &DirectoryStore,
    read: &LoadedRun,
    comparison: Comparison,
    exit_code: u8,
) -> Result<u8, LaunchError> {
    let (messages, inbox) = mpsc::channel();
    send_entries(store.reader(&read.run_id)?.entries()?, &messages);
    if let Some(last) = read.last_pass() {
        let _ = messages.send(ScreenMessage::LastPass(Box::new(last)));
    }
    let mut choices = Comparison::available(&read.record, &read.run);
    let compare = comparison.compare.clone();
    if !choices.contains(&compare) {
        choices.insert(0, compare.clone());
    }
    let view = DiffView::of(choices, compare, Ok(comparison), true);
    let _ = messages.send(ScreenMessage::Compared(Box::new(view)));
    let loader = DocumentLoader::of(store, &read.run_id, messages.clone())?;
    loader.tell_notes();
    let stage = ScreenTerminalSession::take(settings)?;
    let requests = Box::new(move |order| loader.obey(order));
    let (screen_exit, _) = stage.play(
        terminal_session::theme(settings),
        Source::Replay,
        requests,
        messages,
        &inbox,
    )?;
    match screen_exit.ending {
        Ending::Quit | Ending::Deserted => Ok(exit_code),
        _ => terminal_session::finish(screen_exit),
    }
}

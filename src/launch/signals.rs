//! Signals of a headless run, and the one that is none. Invariant: the run is left as it is durable, and the exit code says which signal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;

use signal_hook::consts::SIGXFSZ;
use signal_hook::iterator::Signals;
use tokio::sync::mpsc;

use super::LaunchError;
use crate::runner::RunnerCommand;
use crate::tui;

static CAUGHT: AtomicU8 = AtomicU8::new(0);

/// Tells the runner to leave when a signal comes.
pub fn leave_on_signal(commands: mpsc::Sender<RunnerCommand>) -> Result<(), LaunchError> {
    let mut signals = Signals::new(tui::ending_signals()).map_err(deaf)?;
    thread::spawn(move || {
        for signal in signals.forever() {
            CAUGHT.store(u8::try_from(signal).unwrap_or(0), Ordering::SeqCst);
            // A runner that is gone already has left.
            let _ = commands.try_send(RunnerCommand::Quit);
            let _ = commands.try_send(RunnerCommand::CutHooks);
        }
    });
    Ok(())
}

/// Lets a write beyond the limit on the size of a file (`ulimit -f`) fail as every other write does, instead of ending the
/// process. A handler, not "ignored": that would be handed on to hooks and to the demo's server.
pub fn survive_the_file_size_limit() -> Result<(), LaunchError> {
    let heard = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGXFSZ, heard)
        .map(|_| ())
        .map_err(deaf)
}

fn deaf(source: std::io::Error) -> LaunchError {
    LaunchError::Output {
        doing: "cannot listen for signals",
        source,
    }
}

/// The signal that was caught, if any.
pub fn caught() -> Option<u8> {
    Some(CAUGHT.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

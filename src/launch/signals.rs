//! Signals of a headless run. Invariant: the run is left as it is durable, and the exit code says which signal.

use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::mpsc;

use super::LaunchError;
use crate::runner::Command;

static CAUGHT: AtomicU8 = AtomicU8::new(0);

/// Tells the runner to leave when a signal comes.
pub fn leave_on_signal(commands: mpsc::Sender<Command>) -> Result<(), LaunchError> {
    let mut signals =
        Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT]).map_err(|source| LaunchError::Output {
            doing: "cannot listen for signals",
            source,
        })?;
    thread::spawn(move || {
        for signal in signals.forever() {
            CAUGHT.store(u8::try_from(signal).unwrap_or(0), Ordering::SeqCst);
            // A runner that is gone already has left.
            let _ = commands.try_send(Command::Quit);
            let _ = commands.try_send(Command::CutHooks);
        }
    });
    Ok(())
}

/// The signal that was caught, if any.
pub fn caught() -> Option<u8> {
    Some(CAUGHT.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

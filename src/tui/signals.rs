//! Signals as messages of the screen. The first ending signal leaves through the screen; a second one ends the process at once.
//! Invariant: no signal ends the process by itself while it has the terminal. They are caught before it is taken (`catch`; test
//! `a_screen_that_starts` of tests/integration/faults/terminal.rs).

use std::io;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use crossterm::event::Event;
#[cfg(target_os = "linux")]
use nix::libc;
use rustix::termios::tcgetwinsize;
use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP,
    SIGTSTP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGWINCH, SIGXCPU,
};
use signal_hook::iterator::{Handle, Signals as Incoming};

use super::inbox::ScreenMessage;
use super::terminal::Guard;

/// Every signal that ends a process which does not listen to it, and that a process may listen to. Not among them: those of a
/// fault of the processor (`SIGILL`, `SIGSEGV`, `SIGBUS`, `SIGFPE`), which would come again at once; `SIGPIPE`, which Rust
/// ignores; `SIGXFSZ`, which is a failed write here.
pub fn ending_signals() -> impl Iterator<Item = i32> {
    let named = [
        SIGHUP, SIGINT, SIGQUIT, SIGTRAP, SIGABRT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGVTALRM,
        SIGPROF, SIGXCPU, SIGIO, SIGSYS,
    ];
    #[cfg(target_os = "linux")]
    let more = [libc::SIGSTKFLT, libc::SIGPWR]
        .into_iter()
        .chain(libc::SIGRTMIN()..=libc::SIGRTMAX());
    #[cfg(not(target_os = "linux"))]
    let more = [];
    named.into_iter().chain(more)
}

/// The running signal thread; dropping it stops it.
#[derive(Debug)]
pub struct Signals {
    handle: Handle,
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Signals that are caught and not told yet.
#[derive(Debug)]
pub struct CaughtSignals(Incoming);

/// Catches signals from now on. Those that come before [`CaughtSignals::tell`] are told then.
pub fn catch() -> io::Result<CaughtSignals> {
    let caught = Incoming::new(ending_signals().chain([SIGTSTP, SIGCONT, SIGWINCH]))?;
    Ok(CaughtSignals(caught))
}

impl CaughtSignals {
    /// Starts the signal thread. A second ending signal gives the terminal back and ends the process at once: the screen may be
    /// blocked in a write.
    pub fn tell(
        self,
        messages: Sender<ScreenMessage>,
        guard: &Guard,
        clock: impl Fn() -> Duration + Send + 'static,
    ) -> io::Result<Signals> {
        let mut incoming = self.0;
        let handle = incoming.handle();
        let terminal_actions = guard.terminal_actions();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                let mut ending = false;
                for signal in incoming.forever() {
                    let sent = match signal {
                        // After a SIGSTOP the shell has used the terminal: it is taken again and drawn whole.
                        SIGCONT => Some(ScreenMessage::Resumed),
                        // Sent from outside (`kill -TSTP`): in raw mode Ctrl-z makes no signal.
                        SIGTSTP => Some(ScreenMessage::Suspend),
                        SIGWINCH => resized(clock()),
                        signal if ending => {
                            // Not a byte is written: the write that the screen hangs in would block this thread too.
                            terminal_actions.give_back_unwritten();
                            std::process::exit(128 + signal);
                        }
                        signal => {
                            ending = true;
                            Some(ScreenMessage::Signal(signal))
                        }
                    };
                    if sent.is_some_and(|sent| messages.send(sent).is_err()) {
                        return;
                    }
                }
            })?;
        Ok(Signals { handle })
    }
}

fn resized(at: Duration) -> Option<ScreenMessage> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some(ScreenMessage::Terminal {
        event: Event::Resize(size.ws_col, size.ws_row),
        at,
    })
}

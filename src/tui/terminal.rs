//! The terminal as a guard value: raw mode, alternate screen, bracketed paste, cursor, title.
//! Invariant: whatever ends the screen, what was switched on is switched off, once (`Guard`; tests `q_gives_the_terminal_back`,
//! `signals_give_the_terminal_back`, `a_panic_gives_the_terminal_back` of tests/screens/pty.rs).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::Terminal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use thiserror::Error;

use super::background::{BackgroundQuery, QUERY};
use super::event_loop::{TerminalActions, is_hang_up};
use super::notification::Notifier;
use super::screen_backend::ScreenBackend;

/// DECSET 1007: on the alternate screen the wheel sends arrow keys. Saved and restored (XTSAVE, XTRESTORE), because terminals
/// differ in what they begin with.
const ALTERNATE_SCROLL_SAVE: &[u8] = b"\x1b[?1007s";
const ALTERNATE_SCROLL_ON: &[u8] = b"\x1b[?1007h";
const ALTERNATE_SCROLL_OFF: &[u8] = b"\x1b[?1007l";
const ALTERNATE_SCROLL_RESTORE: &[u8] = b"\x1b[?1007r";

/// Why there can be no screen.
#[derive(Debug, Error)]
pub enum TerminalError {
    /// Standard input or output is no terminal.
    #[error("there is no terminal: stdin and stdout must be one (--headless needs none)")]
    None,
    /// There was one, and it is closed.
    #[error("the terminal was closed")]
    Closed,
    /// A system call on the terminal failed.
    #[error("the terminal cannot be taken: {0}")]
    Refused(#[from] io::Error),
}

impl TerminalError {
    /// Whether it is because the terminal is closed: before it was taken, or while.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::None => false,
            Self::Closed => true,
            Self::Refused(error) => is_hang_up(error),
        }
    }
}

/// What is asked of the terminal beside drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TerminalWishes {
    /// Its background colour is asked for.
    pub background: bool,
    /// The wheel sends arrow keys; the mouse stays with the terminal, so that text can be selected.
    pub wheel: bool,
}

/// What is switched on, and how it was before.
#[derive(Debug)]
struct Held {
    before: Termios,
    on: bool,
    wishes: TerminalWishes,
    query: BackgroundQuery,
}

/// Holds the terminal; dropping it restores the terminal.
#[derive(Debug)]
pub struct Guard {
    held: Arc<Mutex<Held>>,
}

/// A ratatui terminal that writes each frame at once.
pub type ScreenTerminal = Terminal<ScreenBackend>;

impl Guard {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, no cursor. A panic gives it back before its message.
    pub fn take(wishes: TerminalWishes) -> Result<(Self, ScreenTerminal), TerminalError> {
        let (input, output) = (io::stdin(), io::stdout());
        if !isatty(&input) || !isatty(&output) {
            let is_closed = tcgetwinsize(&input) == Err(Errno::IO);
            return Err(if is_closed {
                TerminalError::Closed
            } else {
                TerminalError::None
            });
        }
        let before = tcgetattr(&input).map_err(io::Error::from)?;
        let held = Arc::new(Mutex::new(Held {
            before,
            on: false,
            wishes,
            query: BackgroundQuery::default(),
        }));
        let guard = Self { held };
        switch_on(&guard.held)?;
        // The message of a panic would be lost on the alternate screen, or be drawn as a staircase in raw mode.
        guard.hook_panics();
        let file = File::from(output.as_fd().try_clone_to_owned()?);
        Ok((guard, Terminal::new(ScreenBackend::new(file)?)?))
    }

    /// Whether an answer of the terminal is to come among the keys.
    pub fn background_query(&self) -> BackgroundQuery {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.query.clone()
    }

    /// What the screen does to this terminal besides drawing.
    pub fn terminal_actions(&self) -> RealTerminal {
        RealTerminal {
            held: Arc::clone(&self.held),
            notifier: Notifier::new(),
        }
    }

    fn hook_panics(&self) {
        let held = Arc::clone(&self.held);
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            switch_off(&held);
            next(info);
        }));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        switch_off(&self.held);
    }
}

fn switch_on(held: &Mutex<Held>) -> io::Result<()> {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    let mut raw = held.before.clone();
    raw.make_raw();
    // Set before the first write: whatever fails below, `switch_off` undoes it.
    let again = std::mem::replace(&mut held.on, true);
    tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
    let mut out = Vec::new();
    // XTWINOPS 22;2: push the title on the terminal's own stack; `switch_off` pops it with 23;2. Pushed once only: after
    // SIGCONT it is there already.
    if !again {
        out.extend_from_slice(b"\x1b[22;2t");
        out.extend_from_slice(ALTERNATE_SCROLL_SAVE);
        if held.wishes.background {
            out.extend_from_slice(QUERY);
            held.query.asked();
        }
    }
    out.extend_from_slice(if held.wishes.wheel {
        ALTERNATE_SCROLL_ON
    } else {
        ALTERNATE_SCROLL_OFF
    });
    // Where a terminal has no alternate screen the old text is still there, and a frame does not write its blank cells.
    let clear = Clear(ClearType::All);
    queue!(out, EnterAlternateScreen, clear, EnableBracketedPaste, Hide)?;
    write_out(&out)
}

/// Restores the terminal; errors are ignored, since a terminal that is gone cannot be restored.
fn switch_off(held: &Mutex<Held>) {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if !held.on {
        return;
    }
    held.on = false;
    // The line discipline first: it works also where output is blocked. An answer that is still to come must not be read by the
    // shell: it gets a moment, where it may still come, and what came is dropped.
    let stdin = io::stdin();
    let when = if let Some(left) = held.query.time_left() {
        let left = Timespec {
            tv_sec: 0,
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut answer = [PollFd::new(&stdin, PollFlags::IN)];
        let _ = poll(&mut answer, Some(&left));
        OptionalActions::Flush
    } else {
        OptionalActions::Now
    };
    let _ = tcsetattr(&stdin, when, &held.before);
    let mut out = Vec::new();
    out.extend_from_slice(ALTERNATE_SCROLL_RESTORE);
    let queued = queue!(out, DisableBracketedPaste, LeaveAlternateScreen, Show);
    out.extend_from_slice(b"\x1b[23;2t");
    if queued.is_ok() {
        let _ = write_out(&out);
    }
}

fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// The real terminal's title, bell, clipboard and suspension.
pub struct RealTerminal {
    held: Arc<Mutex<Held>>,
    notifier: Notifier,
}

impl RealTerminal {
    /// The same, with notifications on the desktop.
    #[must_use]
    pub fn notifying(self, notifier: Notifier) -> Self {
        Self { notifier, ..self }
    }

    /// Gives the line discipline back and writes nothing: for a terminal whose output is blocked.
    pub fn give_back_unwritten(&self) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &held.before);
    }
}

impl TerminalActions for RealTerminal {
    fn title(&mut self, title: &str) -> io::Result<()> {
        write_out(format!("\x1b]2;{title}\x1b\\").as_bytes())
    }

    fn bell(&mut self) -> io::Result<()> {
        write_out(b"\x07")
    }

    fn notify(&mut self, title: &str, body: &str) -> io::Result<()> {
        match self.notifier.sequence(title, body) {
            Some(sequence) => write_out(sequence.as_bytes()),
            None => Ok(()),
        }
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        // OSC 52 sets the clipboard of the terminal, also over ssh.
        write_out(format!("\x1b]52;c;{}\x1b\\", base64(text.as_bytes())).as_bytes())
    }

    // SIGSTOP, not SIGTSTP: that one is caught by the signal thread.
    fn suspend(&mut self) -> io::Result<()> {
        switch_off(&self.held);
        // To this thread, not to the process: another thread could take it, and this one would run on for a moment and take
        // the terminal again before it stops.
        signal_hook::low_level::raise(signal_hook::consts::SIGSTOP)?;
        switch_on(&self.held)
    }

    fn retake(&mut self) -> io::Result<()> {
        switch_on(&self.held)
    }
}

/// Base64 with padding, as OSC 52 wants it.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |nth: usize| u32::from(chunk.get(nth).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for nth in 0..4 {
            if nth <= chunk.len() {
                let index = (word >> (18 - 6 * nth)) & 63;
                out.push(char::from(ALPHABET[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_the_standard() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}

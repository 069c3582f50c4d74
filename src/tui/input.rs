//! The input thread: reads keys and sends them with their time. It sleeps in poll(2) until there is a key or a hang-up, and
//! ends on a terminal that is gone instead of spinning.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossterm::event::{Event, poll, read};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::termios::isatty;
use thiserror::Error;

use super::background::{ANSWER_WITHIN, AnswerFilter, BackgroundQuery, Sorted, TimedEvent};
use super::event_loop::is_hang_up;
use super::inbox::ScreenMessage;

/// Timeout of crossterm's poll, 50 microseconds. Not zero: crossterm's reader with `use-dev-tty` reads the descriptor anew only
/// within a timeout (the other reader loses a key that comes together with a change of size). Not longer: below a millisecond
/// that reader busy-waits, which takes time from the thread that draws.
const AT_HAND: Duration = Duration::from_micros(50);

/// How long keys are kept that may be the beginning of an answer.
const KEPT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: ANSWER_WITHIN.subsec_nanos() as _,
};

/// Why keys cannot be read.
#[derive(Debug, Error)]
#[error("keys cannot be read: {0}")]
pub struct InputError(#[from] io::Error);

impl InputError {
    /// What the system said.
    pub fn cause(&self) -> &io::Error {
        &self.0
    }

    /// Whether it is because the terminal is closed.
    pub fn is_closed(&self) -> bool {
        is_hang_up(&self.0)
    }
}

/// The running input thread; dropping it stops it, and the next key is left for the next reader.
#[derive(Debug)]
#[must_use = "dropped, it stops listening"]
pub struct Input {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Input {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It ends at once: the poll also waits on the pipe whose write end was just closed.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the thread. `clock` is the monotonic clock of the screen; each key carries its time. The answer to `query` is sorted
/// out.
pub fn spawn(
    messages: Sender<ScreenMessage>,
    clock: impl Fn() -> Duration + Send + 'static,
    query: BackgroundQuery,
) -> Result<Input, InputError> {
    let tty = tty()?;
    let (stopped, stop) = io::pipe()?;
    let thread = thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let filter = AnswerFilter::new(query);
            let last = follow(&tty, &stopped, &messages, &clock, filter);
            if last.is_err() {
                let _ = messages.send(ScreenMessage::HungUp);
            }
        })?;
    Ok(Input {
        stop: Some(stop),
        thread: Some(thread),
    })
}

/// The descriptor that keys come from: the same that the key reader takes.
fn tty() -> io::Result<OwnedFd> {
    let input = io::stdin();
    if isatty(&input) {
        input.as_fd().try_clone_to_owned()
    } else {
        Ok(File::open("/dev/tty")?.into())
    }
}

/// Reads keys until the receiver is gone or the pipe is closed; an error: the terminal is gone.
fn follow(
    tty: &OwnedFd,
    stopped: &PipeReader,
    messages: &Sender<ScreenMessage>,
    clock: &impl Fn() -> Duration,
    mut filter: AnswerFilter,
) -> io::Result<()> {
    loop {
        let mut fds = [
            PollFd::new(tty, PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        let wait = filter.keeps().then_some(KEPT);
        match rustix::event::poll(&mut fds, wait.as_ref()) {
            Ok(0) => {
                if !pass_on(messages, filter.give_up()) {
                    return Ok(());
                }
                continue;
            }
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if !fds[1].revents().is_empty() {
            return Ok(());
        }
        // A read would give end of file at once, forever.
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if fds[0].revents().intersects(gone) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // Twice: the thread may lose the processor for longer than the timeout, and then the first poll has not looked at all.
        while poll(AT_HAND)? || poll(AT_HAND)? {
            let event = read()?;
            // Sizes come with SIGWINCH (signals.rs), at once; the reader's own resize events come only with the next key.
            if matches!(event, Event::Resize(..)) {
                continue;
            }
            let goes_on = match filter.take(event, clock()) {
                Sorted::Kept => true,
                Sorted::Keys(keys) => pass_on(messages, keys),
                Sorted::Background(light) => {
                    messages.send(ScreenMessage::Background(light)).is_ok()
                }
            };
            if !goes_on {
                return Ok(());
            }
        }
    }
}

/// Sends keys; `false`: nobody listens any more.
fn pass_on(messages: &Sender<ScreenMessage>, keys: Vec<TimedEvent>) -> bool {
    keys.into_iter().all(|(event, at)| {
        let key = ScreenMessage::Terminal { event, at };
        messages.send(key).is_ok()
    })
}

//! The event loop of the run screen: wait for a message, drain the inbox, draw once.
//! Invariant: it blocks without a timeout unless something animates (`Screen::next_wake`; tests `nothing_ticks_while_waiting`
//! of tests/screens/flows.rs, `a_watcher_that_waits_draws_nothing` of tests/integration/watching.rs).

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Rect, Size};
use rustix::io::Errno;
use unicode_width::UnicodeWidthStr;

use super::inbox::{LocalRequest, ScreenMessage, Source, TakeUp};
use super::keys;
use super::model::{Model, Over};
use super::screens;
use super::screens::band::{Band, band};
use super::theme::Theme;
use super::update::{ScreenEffect, settle, update};
use super::widgets::Canvas;
use crate::run::{CommandLine, Person, Request, StopCode};
use crate::survey::UtcTime;

/// Messages taken before a frame is drawn, so that a flood cannot keep the screen from drawing.
const DRAIN_MAX: usize = 4_096;

/// The two clocks of the screen.
pub struct Clocks {
    /// Monotonic, from any beginning; the same that the input thread stamps keys with.
    pub monotonic: Box<dyn Fn() -> Duration>,
    /// Wall clock, for times that are shown.
    pub utc: Box<dyn Fn() -> UtcTime>,
}

/// What the screen does to the terminal besides drawing.
pub trait TerminalActions {
    /// Sets the title of the terminal.
    fn title(&mut self, title: &str) -> io::Result<()>;
    /// Rings: a person is needed.
    fn bell(&mut self) -> io::Result<()>;
    /// Notifies on the desktop, where the terminal can: a person is needed.
    fn notify(&mut self, title: &str, body: &str) -> io::Result<()>;
    /// Puts a text on the clipboard.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Restores the terminal, stops this process, and takes the terminal again once continued.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal again after something else had it.
    fn retake(&mut self) -> io::Result<()>;
}

/// Where goes what is asked on the screen. Each gives `false` where it was not taken, and must not block.
pub struct RequestRoutes {
    /// To the process that holds the run.
    pub holder: Box<dyn Fn(Request) -> bool>,
    /// To this process, beside the screen.
    pub local: Box<dyn Fn(LocalRequest) -> bool>,
}

impl RequestRoutes {
    /// Of a screen behind which nobody holds the run.
    pub fn local(local: impl Fn(LocalRequest) -> bool + 'static) -> Self {
        Self {
            holder: Box::new(|_| false),
            local: Box::new(local),
        }
    }
}

/// Why the screen was left.
#[derive(Debug)]
pub enum Ending {
    /// A person left.
    Quit,
    /// A person takes up the run that is shown.
    TakeUp(TakeUp),
    /// Another machine took the run over.
    TakenOver,
    /// A signal ended the screen: its number.
    Signal(i32),
    /// The terminal is gone (SIGHUP, or a write failed).
    HungUp,
    /// All senders of the inbox are gone.
    InboxClosed,
    /// The terminal could not be written to.
    Failed(io::Error),
}

/// What is left to say and to exit with, once the terminal is restored.
#[derive(Debug)]
pub struct ScreenExit {
    /// Why the screen was left.
    pub ending: Ending,
    /// Exit code of the process.
    pub exit_code: u8,
    /// Lines that are printed to stderr after the terminal was restored.
    pub says: Vec<String>,
}

/// The run screen on a backend.
pub struct Screen<B: Backend> {
    terminal: Terminal<B>,
    terminal_actions: Box<dyn TerminalActions>,
    model: Model,
    clocks: Clocks,
    routes: RequestRoutes,
    said: Option<Band>,
    frames: u64,
}

impl<B: Backend> Screen<B>
where
    B::Error: Send + Sync + 'static,
{
    /// A screen on `terminal`, before `who`.
    pub fn new(
        terminal: Terminal<B>,
        terminal_actions: Box<dyn TerminalActions>,
        theme: Theme,
        source: Source,
        who: Person,
        clocks: Clocks,
        routes: RequestRoutes,
    ) -> Self {
        let size = terminal.size().unwrap_or(Size::new(80, 24));
        let now = (clocks.utc)();
        Self {
            terminal,
            terminal_actions,
            model: Model::new(source, who, theme, size, now),
            clocks,
            routes,
            said: None,
            frames: 0,
        }
    }

    /// Says how drygate is called from here, for the commands on the screen and behind it.
    pub fn called(&mut self, call: CommandLine) {
        self.model.call = call;
    }

    /// What the screen knows.
    #[cfg(any(test, feature = "testing"))]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The terminal, for tests that look at its cells.
    #[cfg(any(test, feature = "testing"))]
    pub fn terminal(&self) -> &Terminal<B> {
        &self.terminal
    }

    /// Frames drawn so far.
    #[cfg(any(test, feature = "testing"))]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Draws the first frame, then goes on until the screen is left.
    pub fn event_loop(&mut self, inbox: &Receiver<ScreenMessage>) -> ScreenExit {
        let ending = self.go_on(inbox).unwrap_or_else(|error| {
            if is_hang_up(&error) {
                Ending::HungUp
            } else {
                Ending::Failed(error)
            }
        });
        self.screen_exit(ending)
    }

    fn go_on(&mut self, inbox: &Receiver<ScreenMessage>) -> io::Result<Ending> {
        // Messages that are in the inbox already are on the first frame.
        if let Some(ending) = self.turn(inbox.try_recv().ok(), inbox)? {
            return Ok(ending);
        }
        loop {
            let first = match self.next_wake() {
                None => match inbox.recv() {
                    Ok(message) => Some(message),
                    Err(_) => return Ok(Ending::InboxClosed),
                },
                Some(wait) => match inbox.recv_timeout(wait) {
                    Ok(message) => Some(message),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return Ok(Ending::InboxClosed),
                },
            };
            if let Some(ending) = self.turn(first, inbox)? {
                return Ok(ending);
            }
        }
    }

    /// Takes what came, drains the inbox, draws once.
    pub fn turn(
        &mut self,
        first: Option<ScreenMessage>,
        inbox: &Receiver<ScreenMessage>,
    ) -> io::Result<Option<Ending>> {
        let messages = first.into_iter().chain(inbox.try_iter());
        for message in messages.take(DRAIN_MAX) {
            if let Some(ending) = self.take(message)? {
                return Ok(Some(ending));
            }
        }
        // After the messages: expiry and READY are judged at the time of the frame.
        self.model.clock((self.clocks.utc)());
        settle(&mut self.model, (self.clocks.monotonic)());
        self.draw()?;
        Ok(None)
    }

    fn take(&mut self, message: ScreenMessage) -> io::Result<Option<Ending>> {
        let ending = match &message {
            ScreenMessage::Signal(signal) => Ending::Signal(*signal),
            ScreenMessage::HungUp => Ending::HungUp,
            ScreenMessage::TakenOver => Ending::TakenOver,
            _ => Ending::Quit,
        };
        self.model.clock((self.clocks.utc)());
        let now = (self.clocks.monotonic)();
        if matches!(message, ScreenMessage::Resumed) {
            self.terminal_actions.retake()?;
        }
        for effect in update(&mut self.model, message, now) {
            match effect {
                // Effects behind it are dropped: the screen is gone.
                ScreenEffect::Leave => return Ok(Some(ending)),
                ScreenEffect::TakeUp(what_for) => return Ok(Some(Ending::TakeUp(what_for))),
                effect => self.grant(effect)?,
            }
        }
        Ok(None)
    }

    fn grant(&mut self, effect: ScreenEffect) -> io::Result<()> {
        match effect {
            ScreenEffect::Ask(ask) => {
                let by = self.model.who.clone();
                let request = Request {
                    by,
                    ask: ask.clone(),
                };
                if !(self.routes.holder)(request) {
                    keys::not_taken(&mut self.model, &ask);
                }
            }
            ScreenEffect::Local(asked) => {
                if !(self.routes.local)(asked) {
                    self.model.say(keys::NOT_TAKEN.to_owned());
                }
            }
            ScreenEffect::Copy(text) => self.terminal_actions.copy(&text)?,
            ScreenEffect::Redraw => {
                self.said = None;
                self.draw_anew()?;
            }
            ScreenEffect::Suspend => {
                // Returns once the process was continued (SIGCONT).
                self.terminal_actions.suspend()?;
                let now = (self.clocks.monotonic)();
                for effect in update(&mut self.model, ScreenMessage::Resumed, now) {
                    self.grant(effect)?;
                }
            }
            ScreenEffect::Leave | ScreenEffect::TakeUp(_) => {}
        }
        Ok(())
    }

    /// Empties the screen, so that the next frame draws every cell. `Terminal::clear` would ask the terminal where its
    /// cursor is and wait for an answer that the input thread takes.
    fn draw_anew(&mut self) -> io::Result<()> {
        let size = self.terminal.size().map_err(io::Error::other)?;
        self.terminal
            .resize(Rect::from(size))
            .map_err(io::Error::other)
    }

    /// Draws; the backend is written only where cells differ, title and bell only when the situation does.
    fn draw(&mut self) -> io::Result<()> {
        self.model.refresh();
        let model = &mut self.model;
        self.terminal
            .draw(|frame| {
                let area = frame.area();
                model.size = Size::new(area.width, area.height);
                let theme = model.theme;
                let mut canvas = Canvas::new(frame.buffer_mut(), &theme);
                screens::draw(&mut canvas, model);
            })
            .map_err(io::Error::other)?;
        self.frames += 1;
        self.say()
    }

    /// Title, and bell and notification once for each wait.
    fn say(&mut self) -> io::Result<()> {
        let now = band(&self.model, true);
        let before = self.said.as_ref();
        let same_title = before.is_some_and(|b| b.title == now.title && b.ink == now.ink);
        if !same_title {
            let title = screens::band::terminal_title(&self.model, &now);
            self.terminal_actions.title(&title)?;
        }
        let rings =
            now.needs_person && before.is_none_or(|b| !b.needs_person || b.title != now.title);
        // Not on the first frame: the person has just opened the screen.
        if rings && before.is_some() {
            self.terminal_actions.bell()?;
            let title = screens::band::terminal_title(&self.model, &now);
            let body: Vec<&str> = now.right.split_whitespace().collect();
            self.terminal_actions.notify(&title, &body.join(" "))?;
        }
        self.said = Some(now);
        Ok(())
    }

    /// Time until the screen changes without a message; `None`: it does not, and the loop sleeps until a message comes.
    pub fn next_wake(&self) -> Option<Duration> {
        let now = (self.clocks.monotonic)();
        let sheet = match &self.model.over {
            Over::Approving(sheet) => sheet.counts_at().map(|at| at.saturating_sub(now)),
            _ => None,
        };
        // At least 1 ms: a remainder of some microseconds would spin.
        let micros =
            |left: i64| Duration::from_micros(u64::try_from(left.max(1_000)).unwrap_or(1_000));
        let expiry = self.model.expiry_change().map(micros);
        let running = self.model.is_running().then_some(Duration::from_secs(1));
        // An expired sheet never becomes READY: its timer would wake the loop for nothing, again and again.
        let quiet = self.model.is_expired();
        [sheet.filter(|_| !quiet), expiry, running]
            .into_iter()
            .flatten()
            .min()
    }

    fn screen_exit(&mut self, ending: Ending) -> ScreenExit {
        let exit_code = self.exit_code(&ending);
        let ended = self.model.ended.as_ref().map(|(_, says)| says.clone());
        let mut says = ended.unwrap_or_default();
        if let Some(id) = self.model.run().run_id() {
            let prefix = id.as_str().split('-').next().unwrap_or_default();
            let name = format!("{prefix}-{}", id.short());
            match says.first_mut() {
                // What the runner said of a sealed run says how to read it as well.
                Some(first) if self.model.run().sealed.is_some() => {
                    *first = format!("{name} {first}");
                }
                _ => says.extend(self.how_to_come_back().map(|line| format!("{name} {line}"))),
            }
        }
        // Last of all, a line of its own: what a person keeps elsewhere, for `verify --head`.
        if self.model.source != Source::Replay {
            let head = self.model.run().journal_head();
            says.extend(head.map(|head| format!("head={head}")));
        }
        ScreenExit {
            ending,
            exit_code,
            says,
        }
    }

    /// `waits at SG2. Resume: drygate resume 8a941203`
    fn how_to_come_back(&self) -> Option<String> {
        let (run, call) = (&self.model.run(), &self.model.call);
        let tail = run.run_id()?.tail();
        if let Some((result, _, _)) = &run.sealed {
            let report = call.to(format!("report {tail}"));
            return Some(format!("{result}. Read it: {report}"));
        }
        let how = match self.model.source {
            Source::Replay => return None,
            Source::Watching => format!("Watch: {}", call.to(format!("watch {tail}"))),
            Source::Live | Source::Unheld => run.come_back(call),
        };
        Some(format!("{}. {how}", run.stands()))
    }

    fn exit_code(&self, ending: &Ending) -> u8 {
        let run = &self.model.run();
        let interrupted = StopCode::StopInterrupted.exit_code();
        match ending {
            // As shells report a process that a signal ended.
            Ending::Signal(signal) => u8::try_from(128 + signal).unwrap_or(interrupted),
            // 128 + SIGHUP.
            Ending::HungUp => 129,
            Ending::Failed(_) => 1,
            Ending::Quit | Ending::TakeUp(_) | Ending::TakenOver | Ending::InboxClosed => {
                if let Some((_, _, code)) = run.sealed {
                    code
                } else if let Some((code, _)) = self.model.ended {
                    code
                } else if matches!(self.model.source, Source::Watching | Source::Replay) {
                    0
                } else if run.drift.as_ref().is_some_and(|drift| drift.gate.is_some()) {
                    StopCode::StopFactsDrifted.exit_code()
                } else if run.waits_at().is_some() {
                    StopCode::StopApprovalRequired.exit_code()
                } else {
                    interrupted
                }
            }
        }
    }
}

/// Whether a write failed because the terminal is gone; the signal that says so may come later.
pub(super) fn is_hang_up(error: &io::Error) -> bool {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<io::Error>());
    // What a write to a closed pseudo-terminal or pipe fails with. Errors of drawing are wrapped (`io::Error::other`), so the
    // inner one is looked at too.
    let gone = [Errno::IO, Errno::NXIO, Errno::PIPE].map(|errno| Some(errno.raw_os_error()));
    [Some(error), inner]
        .into_iter()
        .flatten()
        .any(|error| gone.contains(&error.raw_os_error()))
}

/// The cells of a row that are seen, with their first column and how many columns they take: those behind a wide character are
/// hidden by it.
pub fn visible_cells(buffer: &Buffer, y: u16) -> impl Iterator<Item = (u16, &Cell, usize)> {
    let mut hidden = 0;
    (buffer.area.left()..buffer.area.right()).filter_map(move |x| {
        if hidden > 0 {
            hidden -= 1;
            return None;
        }
        let cell = &buffer[(x, y)];
        let columns = cell.symbol().width().max(1);
        hidden = columns - 1;
        Some((x, cell, columns))
    })
}

/// The cells of a frame as lines, without trailing blanks.
pub fn frame_lines(buffer: &Buffer) -> Vec<String> {
    let line = |y| {
        let mut line = String::new();
        for (_, cell, _) in visible_cells(buffer, y) {
            line.push_str(cell.symbol());
        }
        line.truncate(line.trim_end().len());
        line
    };
    (buffer.area.top()..buffer.area.bottom())
        .map(line)
        .collect()
}

/// Draws a model on a buffer of that size: for snapshots without a terminal.
pub fn frame(model: &mut Model, width: u16, height: u16) -> Buffer {
    model.size = Size::new(width, height);
    model.refresh();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let theme = model.theme;
    screens::draw(&mut Canvas::new(&mut buffer, &theme), model);
    buffer
}

//! Event loop of the list of runs: wait for a message, drain the inbox, draw once. It blocks until a message comes; nothing on
//! the list animates.

use std::io;
use std::sync::mpsc::Receiver;

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::{Rect, Size};

use super::event_loop::{Clocks, Ending, TerminalActions, is_hang_up};
use super::inbox::ScreenMessage;
use super::picker::Picker;
use super::picker_keys::{Asked, Opening, PickerEffect, on_event};
use super::screens;
use super::widgets::Canvas;

/// Messages taken before a frame is drawn, so that a flood cannot keep the list from drawing.
const DRAIN_MAX: usize = 4_096;

/// What the list asks for while it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PickerRequest {
    /// Bring something to read of this run.
    Bring(String, Asked),
    /// Look at the runs again.
    LookAgain,
}

/// Why the list was left.
#[derive(Debug)]
pub enum PickerEnd {
    /// For a run; the list comes back after it.
    Open(String, Opening),
    /// The list was left, and the program ends.
    Left(Ending),
}

/// The list of runs on a backend.
pub struct PickerScreen<'a, B: Backend> {
    /// The ratatui terminal.
    pub terminal: Terminal<B>,
    /// What is done to it besides drawing.
    pub terminal_actions: Box<dyn TerminalActions>,
    /// Monotonic and wall clock.
    pub clocks: Clocks,
    /// Takes what the list asks for; must not block.
    pub requests: Box<dyn Fn(PickerRequest) + 'a>,
}

impl<B: Backend> PickerScreen<'_, B>
where
    B::Error: Send + Sync + 'static,
{
    /// Draws the first frame, then goes on until the list is left.
    pub fn event_loop(
        &mut self,
        picker: &mut Picker,
        inbox: &Receiver<ScreenMessage>,
    ) -> PickerEnd {
        self.go_on(picker, inbox).unwrap_or_else(|error| {
            PickerEnd::Left(if is_hang_up(&error) {
                Ending::HungUp
            } else {
                Ending::Failed(error)
            })
        })
    }

    fn go_on(
        &mut self,
        picker: &mut Picker,
        inbox: &Receiver<ScreenMessage>,
    ) -> io::Result<PickerEnd> {
        self.terminal_actions.title("runs drygate")?;
        self.draw(picker)?;
        while let Ok(first) = inbox.recv() {
            if let Some(end) = self.turn(picker, first, inbox)? {
                return Ok(end);
            }
        }
        Ok(PickerEnd::Left(Ending::InboxClosed))
    }

    /// Takes what came, drains the inbox, draws once.
    pub fn turn(
        &mut self,
        picker: &mut Picker,
        first: ScreenMessage,
        inbox: &Receiver<ScreenMessage>,
    ) -> io::Result<Option<PickerEnd>> {
        // One frame shows everything that has come so far, and not one frame each message.
        let messages = std::iter::once(first).chain(inbox.try_iter());
        for message in messages.take(DRAIN_MAX) {
            if let Some(end) = self.take(picker, message)? {
                return Ok(Some(end));
            }
        }
        self.draw(picker)?;
        Ok(None)
    }

    fn take(
        &mut self,
        picker: &mut Picker,
        message: ScreenMessage,
    ) -> io::Result<Option<PickerEnd>> {
        let effect = match message {
            ScreenMessage::Signal(signal) => {
                return Ok(Some(PickerEnd::Left(Ending::Signal(signal))));
            }
            ScreenMessage::HungUp => return Ok(Some(PickerEnd::Left(Ending::HungUp))),
            ScreenMessage::Runs(message) => {
                picker.take(message, (self.clocks.utc)());
                None
            }
            ScreenMessage::Suspend => Some(PickerEffect::Suspend),
            // After SIGCONT: the shell had the terminal in the meantime, so raw mode is taken again and every cell drawn.
            ScreenMessage::Resumed => {
                self.terminal_actions.retake()?;
                Some(PickerEffect::Redraw)
            }
            ScreenMessage::Terminal { event, .. } => on_event(picker, &event),
            _ => None,
        };
        match effect {
            None => {}
            Some(PickerEffect::Leave) => return Ok(Some(PickerEnd::Left(Ending::Quit))),
            Some(PickerEffect::Open(name, opening)) => {
                return Ok(Some(PickerEnd::Open(name, opening)));
            }
            Some(PickerEffect::Bring(name, asked)) => {
                picker.notice = Some("Reading ...".to_owned());
                (self.requests)(PickerRequest::Bring(name, asked));
            }
            Some(PickerEffect::LookAgain) => (self.requests)(PickerRequest::LookAgain),
            Some(PickerEffect::Copy(text)) => {
                self.terminal_actions.copy(&text)?;
                picker.notice = Some(format!("copied {text}"));
            }
            Some(PickerEffect::Suspend) => {
                self.terminal_actions.suspend()?;
                self.draw_anew()?;
            }
            Some(PickerEffect::Redraw) => self.draw_anew()?,
        }
        Ok(None)
    }

    /// Empties the screen, so that the next frame draws every cell.
    fn draw_anew(&mut self) -> io::Result<()> {
        let size = self.terminal.size().map_err(io::Error::other)?;
        self.terminal
            .resize(Rect::from(size))
            .map_err(io::Error::other)
    }

    fn draw(&mut self, picker: &mut Picker) -> io::Result<()> {
        self.terminal
            .draw(|frame| {
                let area = frame.area();
                // ratatui asks the terminal for its size before each frame; the layout must use that one.
                picker.size = Size::new(area.width, area.height);
                let theme = picker.theme;
                let mut canvas = Canvas::new(frame.buffer_mut(), &theme);
                screens::draw_picker(&mut canvas, picker);
            })
            .map_err(io::Error::other)?;
        Ok(())
    }
}

/// Draws the list on a buffer of that size: for snapshots without a terminal.
#[cfg(any(test, feature = "testing"))]
pub fn picker_frame(picker: &mut Picker, width: u16, height: u16) -> ratatui::buffer::Buffer {
    picker.size = Size::new(width, height);
    let mut buffer = ratatui::buffer::Buffer::empty(Rect::new(0, 0, width, height));
    let theme = picker.theme;
    screens::draw_picker(&mut Canvas::new(&mut buffer, &theme), picker);
    buffer
}

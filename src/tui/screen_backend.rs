//! The ratatui backend of the real terminal.
//! Invariant: it sends no query to the terminal, limits sizes to `SIDE_MAX`, leaves the cursor to the terminal guard, and sends
//! each frame as a synchronized update.

use std::fs::File;
use std::io::{self, BufWriter};

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use rustix::termios::tcgetwinsize;

/// Maximum columns and rows that are drawn: a terminal line may report 65535, and a buffer for such a frame does not fit into
/// memory.
const SIDE_MAX: u16 = 1_000;

/// Size of the write buffer in bytes, so that a frame is one write.
const FRAME_BYTES: usize = 1 << 16;

/// Size where the terminal line reports 0 (a serial console).
const USUAL: Size = Size::new(80, 24);

/// Draws on a terminal through a buffer.
#[derive(Debug)]
pub struct ScreenBackend {
    terminal: File,
    inner: CrosstermBackend<BufWriter<File>>,
    cursor: Position,
    in_frame: bool,
}

impl ScreenBackend {
    /// A backend that writes to `terminal`.
    pub fn new(terminal: File) -> io::Result<Self> {
        let buffered = BufWriter::with_capacity(FRAME_BYTES, terminal.try_clone()?);
        Ok(Self {
            terminal,
            inner: CrosstermBackend::new(buffered),
            cursor: Position::ORIGIN,
            in_frame: false,
        })
    }

    /// Begins a synchronized update (DEC private mode 2026) unless one is open: a terminal that knows it shows no half-drawn
    /// frame, others ignore it. `flush` ends it.
    fn begin_frame(&mut self) -> io::Result<()> {
        if !self.in_frame {
            queue!(self.inner, BeginSynchronizedUpdate)?;
            self.in_frame = true;
        }
        Ok(())
    }
}

impl Backend for ScreenBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // An unchanged frame writes nothing at all.
        if content.peek().is_none() {
            return Ok(());
        }
        self.begin_frame()?;
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    // Kept here. Asking the terminal (CSI 6 n) would block, since the input thread reads the answer.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.cursor = position.into();
        self.inner.set_cursor_position(self.cursor)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.begin_frame()?;
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.begin_frame()?;
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        let line = tcgetwinsize(&self.terminal)?;
        let side = |claimed: u16, usual: u16| match claimed {
            0 => usual,
            claimed => claimed.min(SIDE_MAX),
        };
        Ok(Size::new(
            side(line.ws_col, USUAL.width),
            side(line.ws_row, USUAL.height),
        ))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        let columns_rows = self.size()?;
        Ok(WindowSize {
            columns_rows,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.in_frame {
            queue!(self.inner, EndSynchronizedUpdate)?;
            self.in_frame = false;
        }
        Backend::flush(&mut self.inner)
    }
}

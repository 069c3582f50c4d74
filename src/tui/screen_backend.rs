//! The backend of the real terminal. Invariant: it asks the terminal nothing, believes no absurd size, and shows or hides no cursor: the guard does.

use std::fs::File;
use std::io::{self, BufWriter};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use rustix::termios::tcgetwinsize;

/// Cells each way that are drawn at most: a line may claim 65535, and a frame that large is not to be had.
const SIDE_MAX: u16 = 1_000;

/// Bytes of a frame that are written at once.
const FRAME_BYTES: usize = 1 << 16;

/// What a line that knows no size is taken for.
const USUAL: Size = Size::new(80, 24);

/// Draws on a terminal through a buffer.
#[derive(Debug)]
pub struct ScreenBackend {
    terminal: File,
    inner: CrosstermBackend<BufWriter<File>>,
    cursor: Position,
}

impl ScreenBackend {
    /// A backend that writes to `terminal`.
    pub fn new(terminal: File) -> io::Result<Self> {
        let buffered = BufWriter::with_capacity(FRAME_BYTES, terminal.try_clone()?);
        Ok(Self {
            terminal,
            inner: CrosstermBackend::new(buffered),
            cursor: Position::ORIGIN,
        })
    }
}

impl Backend for ScreenBackend {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.cursor = position.into();
        self.inner.set_cursor_position(self.cursor)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
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
        self.inner.flush()
    }
}

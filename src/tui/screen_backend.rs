//! The ratatui backend of the real terminal.
//! Invariant: it sends no query to the terminal, limits sizes to `SIDE_MAX`, leaves the cursor to the terminal guard, and sends
//! each frame as a synchronized update, whole or not at all (`UnsentFrame`).

use std::fs::File;
use std::io::{self, Write};

use crossterm::queue;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType as Region, EndSynchronizedUpdate,
};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use rustix::termios::tcgetwinsize;

/// Maximum columns and rows that are drawn: a terminal line may report 65535, and a buffer for such a frame does not fit into
/// memory.
const SIDE_MAX: u16 = 1_000;

/// Room for a frame of a large terminal, in bytes.
const FRAME_BYTES: usize = 1 << 16;

/// Size where the terminal line reports 0 (a serial console).
const USUAL: Size = Size::new(80, 24);

/// What is drawn of a frame until `flush` writes it. Dropped, it writes nothing, unlike a `BufWriter`: half a frame would be written
/// behind what gave the terminal back, and leave it within a synchronized update.
#[derive(Debug)]
struct UnsentFrame {
    terminal: File,
    bytes: Vec<u8>,
}

impl Write for UnsentFrame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.terminal.write_all(&self.bytes);
        self.bytes.clear();
        written
    }
}

/// Draws on a terminal, frame by frame.
#[derive(Debug)]
pub struct ScreenBackend {
    terminal: File,
    inner: CrosstermBackend<UnsentFrame>,
    cursor: Position,
    in_frame: bool,
}

impl ScreenBackend {
    /// A backend that writes to `terminal`.
    pub fn new(terminal: File) -> io::Result<Self> {
        let unsent = UnsentFrame {
            terminal: terminal.try_clone()?,
            bytes: Vec::with_capacity(FRAME_BYTES),
        };
        Ok(Self {
            terminal,
            inner: CrosstermBackend::new(unsent),
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
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.begin_frame()?;
        // Not by the inner backend: it flushes, and the rest of the frame may never come.
        let region = match clear_type {
            ClearType::All => Region::All,
            ClearType::AfterCursor => Region::FromCursorDown,
            ClearType::BeforeCursor => Region::FromCursorUp,
            ClearType::CurrentLine => Region::CurrentLine,
            ClearType::UntilNewLine => Region::UntilNewLine,
        };
        queue!(self.inner, Clear(region))
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use ratatui::backend::Backend;

    use super::ScreenBackend;

    /// What a backend writes that is dropped after this was done with it.
    fn written(act: impl FnOnce(&mut ScreenBackend)) -> Vec<u8> {
        let (mut read, write) = std::io::pipe().expect("a pipe");
        let terminal = File::from(std::os::fd::OwnedFd::from(write));
        let mut backend = ScreenBackend::new(terminal).expect("a second handle");
        act(&mut backend);
        drop(backend);
        let mut bytes = Vec::new();
        read.read_to_end(&mut bytes).expect("a pipe");
        bytes
    }

    #[test]
    fn a_frame_is_written_with_its_end_or_not_at_all() {
        let half = written(|backend| backend.clear().expect("in memory"));
        assert_eq!(half, b"");
        let whole = written(|backend| {
            backend.clear().expect("in memory");
            backend.flush().expect("a pipe takes it");
        });
        assert_eq!(whole, b"\x1b[?2026h\x1b[2J\x1b[?2026l");
    }
}

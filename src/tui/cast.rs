//! Frames as an asciicast, version 2: a recording of a terminal that `asciinema` and web pages play.
//!
//! One JSON value a line: the header, then `[seconds, "o", what is written to the terminal]`. The main screen is drawn on,
//! not the alternate one, so that the last frame stays when the recording is over.

use std::io::{self, Write};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::{Attribute, ResetColor, SetAttribute, force_color_output};
use crossterm::terminal::{Clear, ClearType};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use serde_json::json;

use crate::survey::UtcTime;

/// Longest pause between two frames in the recording; longer waits are cut to it.
pub const IDLE_MAX: Duration = Duration::from_secs(2);

/// The header of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CastHeader {
    /// Columns and rows of the terminal.
    pub size: Size,
    /// Time of the first frame.
    pub began: UtcTime,
    /// Title of the recording.
    pub title: String,
}

/// Length of a finished recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastEnd {
    /// Number of frames.
    pub frames: u64,
    /// Playing time, pauses cut.
    pub length: Duration,
}

/// A recording being written.
#[derive(Debug)]
pub struct Cast<W> {
    output: W,
    shown: Buffer,
    at: UtcTime,
    end: CastEnd,
}

impl<W: Write> Cast<W> {
    /// Writes the header.
    pub fn begin(mut output: W, header: &CastHeader) -> io::Result<Self> {
        // crossterm obeys NO_COLOR by itself; whether to use colours was decided by whoever drew the frames.
        force_color_output(true);
        let Size { width, height } = header.size;
        let idle_s = IDLE_MAX.as_secs();
        let about = json!({
            "version": 2, "width": width, "height": height,
            "timestamp": header.began.unix_micros().div_euclid(1_000_000),
            "idle_time_limit": idle_s,
            "title": format!("{} (waits over {idle_s} s are cut to {idle_s} s)", header.title),
        });
        writeln!(output, "{about}")?;
        Ok(Self {
            output,
            shown: Buffer::empty(Rect::from(header.size)),
            at: header.began,
            end: CastEnd {
                frames: 0,
                length: Duration::ZERO,
            },
        })
    }

    /// Shows a frame at a time; a time before that of the last frame is taken for the same.
    pub fn frame(&mut self, at: UtcTime, frame: &Buffer) -> io::Result<()> {
        let waited = at.unix_micros() - self.at.unix_micros();
        let waited = Duration::from_micros(u64::try_from(waited).unwrap_or_default());
        self.end.length += waited.min(IDLE_MAX);
        self.at = at;
        let mut drawn = Vec::new();
        if self.end.frames == 0 {
            queue!(drawn, SetAttribute(Attribute::Reset), Hide)?;
            queue!(drawn, Clear(ClearType::All), MoveTo(0, 0))?;
        }
        // Only the cells that changed, as on a real terminal.
        let differs = self.shown.diff(frame);
        CrosstermBackend::new(&mut drawn).draw(differs.into_iter())?;
        self.shown.clone_from(frame);
        self.end.frames += 1;
        self.event(&drawn)
    }

    /// Holds the last frame, and gives the terminal back with it.
    pub fn end(mut self) -> io::Result<CastEnd> {
        // The last frame stays as long as the longest pause.
        self.end.length += IDLE_MAX;
        let mut drawn = Vec::new();
        let last_row = self.shown.area.bottom().saturating_sub(1);
        queue!(drawn, SetAttribute(Attribute::Reset), ResetColor)?;
        queue!(drawn, MoveTo(0, last_row), Show)?;
        self.event(&drawn)?;
        self.output.flush()?;
        Ok(self.end)
    }

    fn event(&mut self, drawn: &[u8]) -> io::Result<()> {
        let text = str::from_utf8(drawn).map_err(io::Error::other)?;
        let (seconds, micros) = (self.end.length.as_secs(), self.end.length.subsec_micros());
        let text = serde_json::to_string(text)?;
        writeln!(self.output, "[{seconds}.{micros:06}, \"o\", {text}]")
    }
}

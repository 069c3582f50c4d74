//! What came over the wire: the emulated screen, the bytes, and what was heard besides (bell, title, clipboard).
//! Invariant: every chunk is accounted for and announced, so that waiting needs no polling; a frame is seen whole or not at all.

use std::num::NonZeroU16;

use super::modes::Modes;
use super::screen::Screen;

/// What a terminal hears and does not draw.
#[derive(Debug, Default)]
pub struct ReceivedBytes {
    /// The window title, as last set.
    pub title: String,
    /// How often the bell rang.
    pub bells: usize,
    /// What was sent to the clipboard (OSC 52), still in base64.
    pub copied: Vec<String>,
    /// Every other operating system command, its parts joined by `;`.
    pub commands: Vec<String>,
}

impl vt100::Callbacks for ReceivedBytes {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.bells += 1;
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.title = String::from_utf8_lossy(title).into_owned();
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, parts: &[&[u8]]) {
        let parts = parts.iter().map(|part| String::from_utf8_lossy(part));
        self.commands.push(parts.collect::<Vec<_>>().join(";"));
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.copied.push(String::from_utf8_lossy(data).into_owned());
    }
}

/// The near end of the pty.
pub struct Wire {
    parser: vt100::Parser<ReceivedBytes>,
    /// What was shown when the synchronized update that is open began.
    held: Option<Screen>,
    /// Modes as switched by the program.
    pub modes: Modes,
    /// Every byte since the start.
    pub transcript: Vec<u8>,
}

impl Wire {
    /// A blank terminal.
    pub fn new(columns: u16, rows: u16) -> Self {
        Self {
            parser: vt100::Parser::new_with_callbacks(
                cells(rows),
                cells(columns),
                0,
                ReceivedBytes::default(),
            ),
            held: None,
            modes: Modes::default(),
            transcript: Vec::new(),
        }
    }

    /// Takes what was read.
    pub fn feed(&mut self, bytes: &[u8]) {
        // Byte by byte: an update begins and ends anywhere in a chunk.
        for byte in bytes.chunks(1) {
            self.parser.process(byte);
            self.modes.feed(byte);
            match (self.modes.is_synchronized(), self.held.is_some()) {
                (true, false) => self.held = Some(Screen::from_vt(self.parser.screen())),
                (false, true) => self.held = None,
                _ => {}
            }
        }
        self.transcript.extend_from_slice(bytes);
    }

    /// Takes a new size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.set_size(cells(rows), cells(columns));
        self.held = None;
    }

    /// What is to be seen now.
    pub fn screen(&self) -> Screen {
        let screen = || Screen::from_vt(self.parser.screen());
        self.held.clone().unwrap_or_else(screen)
    }

    /// What was heard so far.
    pub fn heard(&self) -> &ReceivedBytes {
        self.parser.callbacks()
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has at least one cell each way")
}

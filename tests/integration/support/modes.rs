//! The private modes (`ESC [ ? n h`) that a program switched on or off. Invariant: read from the bytes themselves, so
//! a mode that the terminal emulator does not know counts too.

use std::collections::BTreeSet;

/// Modes that a terminal has on when nobody touched it: wrapping and the cursor.
const ON_BY_DEFAULT: [u16; 2] = [7, 25];

/// Synchronized output: what is drawn is shown when the mode goes off.
const SYNCHRONIZED: u16 = 2026;

/// Follows a byte stream and knows which modes differ from an untouched terminal.
#[derive(Debug, Default)]
pub struct Modes {
    state: State,
    changed: BTreeSet<u16>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    Escape,
    Bracket,
    Private(Vec<u8>),
}

impl Modes {
    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = match (std::mem::take(&mut self.state), *byte) {
                (_, 0x1b) => State::Escape,
                (State::Escape, b'[') => State::Bracket,
                (State::Bracket, b'?') => State::Private(Vec::new()),
                (State::Private(mut digits), byte @ (b'0'..=b'9' | b';')) => {
                    digits.push(byte);
                    State::Private(digits)
                }
                (State::Private(digits), b'h') => self.set(&digits, true),
                (State::Private(digits), b'l') => self.set(&digits, false),
                // XTRESTORE: as it was when it was saved, which is before it was changed.
                (State::Private(digits), b'r') => self.restore(&digits),
                _ => State::Text,
            };
        }
    }

    fn restore(&mut self, digits: &[u8]) -> State {
        let text = String::from_utf8_lossy(digits);
        for mode in text.split(';').filter_map(|mode| mode.parse().ok()) {
            self.changed.remove(&mode);
        }
        State::Text
    }

    fn set(&mut self, digits: &[u8], on: bool) -> State {
        let text = String::from_utf8_lossy(digits);
        for mode in text.split(';').filter_map(|mode| mode.parse().ok()) {
            if on == ON_BY_DEFAULT.contains(&mode) {
                self.changed.remove(&mode);
            } else {
                self.changed.insert(mode);
            }
        }
        State::Text
    }

    /// Whether a synchronized update is open.
    pub fn is_synchronized(&self) -> bool {
        self.changed.contains(&SYNCHRONIZED)
    }

    /// What differs from an untouched terminal, with the names people use.
    pub fn left(&self) -> Vec<String> {
        let name = |mode: &u16| match mode {
            7 => "line wrap off (7)".to_owned(),
            25 => "cursor hidden (25)".to_owned(),
            1000 | 1002 | 1003 | 1005 | 1006 | 1015 => format!("mouse ({mode})"),
            1004 => "focus reports (1004)".to_owned(),
            1049 => "alternate screen (1049)".to_owned(),
            2004 => "bracketed paste (2004)".to_owned(),
            &SYNCHRONIZED => "synchronized output (2026)".to_owned(),
            other => format!("mode {other}"),
        };
        self.changed.iter().map(name).collect()
    }
}

#[test]
fn a_mode_counts_until_it_is_put_back() {
    let mut modes = Modes::default();
    modes.feed(b"\x1b[?1049h\x1b[?25lx\x1b[?20");
    modes.feed(b"04;1006h\x1b[?7h\x1b[31m");
    assert_eq!(
        modes.left(),
        [
            "cursor hidden (25)",
            "mouse (1006)",
            "alternate screen (1049)",
            "bracketed paste (2004)"
        ]
    );
    modes.feed(b"\x1b[?1049;2004;1006l\x1b[?25h");
    assert!(modes.left().is_empty());
}

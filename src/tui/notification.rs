//! Desktop notifications through escape sequences of the terminal (OSC 9, 777 and 99).
//! Invariant: an unknown terminal is sent none, and text is escaped (tests
//! `a_terminal_is_known_by_what_it_sets_and_any_other_gets_none`, `text_is_escaped_and_tmux_gets_every_escape_twice`).

use std::sync::{Arc, OnceLock};

use super::terminal::base64;
use super::widgets::Shown;

/// How a terminal takes a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `OSC 9 ; text`: iTerm2, Warp.
    Osc9,
    /// `OSC 777 ; notify ; title ; body`: WezTerm, Ghostty, foot.
    Osc777,
    /// `OSC 99`, title and body apart and in base64: kitty.
    Osc99,
}

/// Words by which a terminal names itself, in `TERM_PROGRAM`, `TERM` or what it tells tmux; and its dialect.
const KNOWN: [(&str, Dialect); 8] = [
    ("kitty", Dialect::Osc99),
    ("xterm-kitty", Dialect::Osc99),
    ("ghostty", Dialect::Osc777),
    ("xterm-ghostty", Dialect::Osc777),
    ("wezterm", Dialect::Osc777),
    ("foot", Dialect::Osc777),
    ("iterm", Dialect::Osc9),
    ("warpterminal", Dialect::Osc9),
];

impl Dialect {
    /// The dialect of a terminal of that name: `WezTerm 20240203`, `iTerm.app`, `kitty(0.36.1)`. `None`: none is known.
    pub fn of_name(name: &str) -> Option<Self> {
        let lower = name.trim().to_ascii_lowercase();
        let names = |known: &str| {
            lower.strip_prefix(known).is_some_and(|rest| {
                !rest.starts_with(|c: char| c.is_ascii_alphanumeric()) || rest.starts_with("2 ")
            })
        };
        KNOWN
            .iter()
            .find_map(|(known, dialect)| names(known).then_some(*dialect))
    }

    /// The dialect of a terminal that is talked to directly, by the variables that it sets.
    ///
    /// Windows Terminal (`WT_SESSION`) has other meanings for OSC 9 and shows none of the three: it gets none, whatever else is
    /// set.
    pub fn of_variables(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        // Behind a multiplexer these variables are those of the terminal that started it, which may be another one by now.
        let multiplexed = ["TMUX", "STY", "ZELLIJ"].into_iter().any(is_set);
        if multiplexed || is_set("WT_SESSION") {
            return None;
        }
        if is_set("KITTY_WINDOW_ID") {
            return Some(Self::Osc99);
        }
        ["TERM_PROGRAM", "TERM"]
            .into_iter()
            .find_map(|name| Self::of_name(&variable(name)?))
    }

    fn sequence(self, title: &str, body: &str) -> String {
        let (title, body) = (Shown::of(title), Shown::of(body));
        let (title, body) = (title.as_str(), body.as_str());
        match self {
            Self::Osc9 => format!("\x1b]9;{title}: {body}\x1b\\"),
            // A semicolon ends the title.
            Self::Osc777 => {
                let title = title.replace(';', ",");
                format!("\x1b]777;notify;{title};{body}\x1b\\")
            }
            Self::Osc99 => {
                let (title, body) = (base64(title.as_bytes()), base64(body.as_bytes()));
                format!(
                    "\x1b]99;i=drygate:d=0:e=1:p=title;{title}\x1b\\\x1b]99;i=drygate:d=1:e=1:p=body;{body}\x1b\\"
                )
            }
        }
    }
}

/// How sequences reach the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalRoute {
    /// Directly.
    Direct,
    /// Through tmux, in its passthrough sequence (`DCS tmux;`).
    Tmux,
}

/// Notifies the person at the terminal, if that is known to be possible; it may become known later.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    known: Arc<OnceLock<(Dialect, TerminalRoute)>>,
}

impl Notifier {
    /// One that notifies nobody until [`Notifier::learn`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how to notify, from now on.
    pub fn learn(&self, dialect: Dialect, way: TerminalRoute) {
        // Set twice, the first stays.
        let _ = self.known.set((dialect, way));
    }

    /// What is written to the terminal; nothing where no way is known.
    pub fn sequence(&self, title: &str, body: &str) -> Option<String> {
        let (dialect, way) = self.known.get()?;
        let sequence = dialect.sequence(title, body);
        Some(match way {
            TerminalRoute::Direct => sequence,
            TerminalRoute::Tmux => {
                // tmux passes the content on and takes one ESC of each pair away.
                format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Notifier, TerminalRoute};

    fn of(variables: &[(&str, &str)]) -> Option<Dialect> {
        Dialect::of_variables(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_terminal_is_known_by_what_it_sets_and_any_other_gets_none() {
        for (variables, dialect) in [
            (&[("KITTY_WINDOW_ID", "1")][..], Some(Dialect::Osc99)),
            (&[("TERM", "xterm-kitty")], Some(Dialect::Osc99)),
            (&[("TERM_PROGRAM", "iTerm.app")], Some(Dialect::Osc9)),
            (&[("TERM_PROGRAM", "WezTerm")], Some(Dialect::Osc777)),
            (&[("TERM_PROGRAM", "ghostty")], Some(Dialect::Osc777)),
            (&[("TERM", "xterm-ghostty")], Some(Dialect::Osc777)),
            (&[("TERM", "foot-extra")], Some(Dialect::Osc777)),
            (&[("TERM_PROGRAM", "WarpTerminal")], Some(Dialect::Osc9)),
            (
                &[
                    ("TERM_PROGRAM", "Apple_Terminal"),
                    ("TERM", "xterm-256color"),
                ],
                None,
            ),
            (&[("TERM_PROGRAM", "vscode")], None),
            (&[("TERM", "footing")], None),
            (&[("TERM", "linux")], None),
            (&[], None),
            (&[("WT_SESSION", "x"), ("TERM_PROGRAM", "WezTerm")], None),
            // Behind a multiplexer the variables are those of whoever started it.
            (&[("TMUX", "/tmp/x,1,0"), ("KITTY_WINDOW_ID", "1")], None),
            (&[("STY", "1.pts"), ("TERM_PROGRAM", "iTerm.app")], None),
        ] {
            assert_eq!(of(variables), dialect, "{variables:?}");
        }
    }

    #[test]
    fn what_a_terminal_tells_tmux_names_it_too() {
        for (told, dialect) in [
            ("iTerm2 3.5.0", Some(Dialect::Osc9)),
            ("kitty(0.36.1)", Some(Dialect::Osc99)),
            ("WezTerm 20240203-110809", Some(Dialect::Osc777)),
            ("ghostty 1.1.3", Some(Dialect::Osc777)),
            ("foot(1.20.2)", Some(Dialect::Osc777)),
            ("XTerm(370)", None),
            ("tmux 3.5a", None),
            ("", None),
        ] {
            assert_eq!(Dialect::of_name(told), dialect, "{told}");
        }
    }

    #[test]
    fn text_is_escaped_and_tmux_gets_every_escape_twice() {
        let hostile = "a;b\x1b]52;c;x\x07\u{202e}";
        for (dialect, way) in [
            (Dialect::Osc9, TerminalRoute::Direct),
            (Dialect::Osc777, TerminalRoute::Direct),
            (Dialect::Osc99, TerminalRoute::Direct),
            (Dialect::Osc777, TerminalRoute::Tmux),
        ] {
            let notifier = Notifier::new();
            assert_eq!(notifier.sequence("t", "b"), None, "nothing is known yet");
            notifier.learn(dialect, way);
            let sent = notifier.sequence(hostile, hostile).expect("known");
            assert!(
                !sent.contains("\x1b]52") && !sent.contains(['\x07', '\u{202e}']),
                "{sent:?}"
            );
            let escapes = sent.matches('\x1b').count();
            let expected = match (dialect, way) {
                (Dialect::Osc99, _) => 4,
                (_, TerminalRoute::Direct) => 2,
                (_, TerminalRoute::Tmux) => 6,
            };
            assert_eq!(escapes, expected, "{sent:?}");
        }
        let notifier = Notifier::new();
        notifier.learn(Dialect::Osc777, TerminalRoute::Tmux);
        let sent = notifier.sequence("one; two", "three");
        let expected = "\x1bPtmux;\x1b\x1b]777;notify;one, two;three\x1b\x1b\\\x1b\\";
        assert_eq!(sent.as_deref(), Some(expected));
    }
}

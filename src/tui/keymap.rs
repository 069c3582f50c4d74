//! The keys: one table that decides, draws the footer and the help. Invariant: no screen compares a key itself.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key means on the run screen. On a sheet only the sheet's own keys mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Go to a pane, 1 to 6.
    Pane(u8),
    /// Next pane.
    NextPane,
    /// Pane before.
    PreviousPane,
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// Pane to the left.
    Left,
    /// Pane to the right.
    Right,
    /// First row.
    First,
    /// Last row.
    Last,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// Open the row, else enlarge the pane.
    Open,
    /// Back.
    Back,
    /// Search in the focused pane.
    Search,
    /// Next match.
    NextMatch,
    /// Match before.
    PreviousMatch,
    /// All keys.
    Help,
    /// Differences.
    Differences,
    /// The evidence, whole.
    Evidence,
    /// The approval sheet.
    Approve,
    /// The rejection sheet.
    Reject,
    /// Read the facts again.
    SurveyAgain,
    /// Copy the whole value.
    Copy,
    /// Leave.
    Quit,
    /// Suspend.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// As it is printed.
    pub keys: &'static str,
    /// What it does, for the help.
    pub help: &'static str,
    /// One word or two for the footer, where it belongs there.
    pub footer: Option<&'static str>,
    presses: &'static [(KeyCode, KeyModifiers, Action)],
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

const fn c(c: char) -> KeyCode {
    KeyCode::Char(c)
}

/// The table.
pub const BINDINGS: &[Binding] = &[
    Binding {
        keys: "1-6",
        help: "go to a pane; again: enlarge it",
        footer: Some("panes"),
        presses: &[
            (c('1'), NONE, Action::Pane(1)),
            (c('2'), NONE, Action::Pane(2)),
            (c('3'), NONE, Action::Pane(3)),
            (c('4'), NONE, Action::Pane(4)),
            (c('5'), NONE, Action::Pane(5)),
            (c('6'), NONE, Action::Pane(6)),
        ],
    },
    Binding {
        keys: "Tab",
        help: "next pane, Shift-Tab the one before",
        footer: Some("next"),
        presses: &[
            (KeyCode::Tab, NONE, Action::NextPane),
            (KeyCode::BackTab, NONE, Action::PreviousPane),
        ],
    },
    Binding {
        keys: "j k h l, arrows",
        help: "row down, row up, pane left, pane right",
        footer: None,
        presses: &[
            (c('j'), NONE, Action::Down),
            (KeyCode::Down, NONE, Action::Down),
            (c('k'), NONE, Action::Up),
            (KeyCode::Up, NONE, Action::Up),
            (c('h'), NONE, Action::Left),
            (KeyCode::Left, NONE, Action::Left),
            (c('l'), NONE, Action::Right),
            (KeyCode::Right, NONE, Action::Right),
        ],
    },
    Binding {
        keys: "g G",
        help: "first row, last row",
        footer: None,
        presses: &[
            (c('g'), NONE, Action::First),
            (KeyCode::Home, NONE, Action::First),
            (c('G'), NONE, Action::Last),
            (KeyCode::End, NONE, Action::Last),
        ],
    },
    Binding {
        keys: "Ctrl-d Ctrl-u PgDn PgUp",
        help: "half a page, a page",
        footer: None,
        presses: &[
            (c('d'), CTRL, Action::HalfDown),
            (c('u'), CTRL, Action::HalfUp),
            (KeyCode::PageDown, NONE, Action::PageDown),
            (KeyCode::PageUp, NONE, Action::PageUp),
        ],
    },
    Binding {
        keys: "Enter",
        help: "open the row: checks, whole values, what a claim cannot see",
        footer: Some("open"),
        presses: &[(KeyCode::Enter, NONE, Action::Open)],
    },
    Binding {
        keys: "Esc",
        help: "back to the same row",
        footer: None,
        presses: &[(KeyCode::Esc, NONE, Action::Back)],
    },
    Binding {
        keys: "/",
        help: "search in the focused pane, n next match, N the one before",
        footer: Some("search"),
        presses: &[
            (c('/'), NONE, Action::Search),
            (c('n'), NONE, Action::NextMatch),
            (c('N'), NONE, Action::PreviousMatch),
        ],
    },
    Binding {
        keys: "a",
        help: "approve: opens the sheet; the digest's last six characters decide",
        footer: None,
        presses: &[(c('a'), NONE, Action::Approve)],
    },
    Binding {
        keys: "x",
        help: "reject: opens the sheet; a reason is required",
        footer: None,
        presses: &[(c('x'), NONE, Action::Reject)],
    },
    Binding {
        keys: "e",
        help: "read the evidence: the whole document that is approved",
        footer: None,
        presses: &[(c('e'), NONE, Action::Evidence)],
    },
    Binding {
        keys: "d",
        help: "differences: pinned, now, last PASS",
        footer: None,
        presses: &[(c('d'), NONE, Action::Differences)],
    },
    Binding {
        keys: "r",
        help: "survey again; after drift or expiry: take new evidence",
        footer: None,
        presses: &[(c('r'), NONE, Action::SurveyAgain)],
    },
    Binding {
        keys: "y",
        help: "copy the whole value or digest (OSC 52)",
        footer: Some("copy"),
        presses: &[(c('y'), NONE, Action::Copy)],
    },
    Binding {
        keys: "?",
        help: "these keys",
        footer: Some("all keys"),
        presses: &[(c('?'), NONE, Action::Help)],
    },
    Binding {
        keys: "q",
        help: "leave; asks only while work runs",
        footer: None,
        presses: &[(c('q'), NONE, Action::Quit), (c('c'), CTRL, Action::Quit)],
    },
    Binding {
        keys: "Ctrl-z",
        help: "suspend",
        footer: None,
        presses: &[(c('z'), CTRL, Action::Suspend)],
    },
    Binding {
        keys: "Ctrl-l",
        help: "draw everything anew",
        footer: None,
        presses: &[(c('l'), CTRL, Action::Redraw)],
    },
];

/// What a key press means; `None`: nothing.
pub fn action(key: &KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let modifiers = key.modifiers - KeyModifiers::SHIFT;
    BINDINGS
        .iter()
        .flat_map(|binding| binding.presses)
        .find(|(code, wanted, _)| *code == key.code && *wanted == modifiers)
        .map(|(_, _, action)| *action)
}

#[cfg(test)]
mod tests {
    use super::BINDINGS;

    #[test]
    fn no_key_means_two_things() {
        let presses: Vec<_> = BINDINGS
            .iter()
            .flat_map(|binding| binding.presses)
            .collect();
        for (nth, one) in presses.iter().enumerate() {
            for other in &presses[nth + 1..] {
                assert!((one.0, one.1) != (other.0, other.1), "{one:?} {other:?}");
            }
        }
    }
}

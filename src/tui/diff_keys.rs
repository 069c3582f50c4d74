//! The keys of the diff screen: one table that decides, draws its footer and its part of the help. Invariant: what it does not name means what it means everywhere.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::keymap::{self, Action};

/// What a key means on the diff screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffAction {
    /// Next change of the document.
    NextChange,
    /// The change before.
    PreviousChange,
    /// Next fact.
    NextFact,
    /// The fact before.
    PreviousFact,
    /// All facts, or those that differ.
    ToggleEqual,
    /// Long lines go on below, or are cut with a count.
    ToggleWrap,
    /// Side by side, or stacked.
    ToggleStacked,
    /// Opens the fold at the top, or all; closes them again.
    Fold,
    /// Write a note.
    Note,
    /// How the fact was read.
    HowRead,
    /// What the key means on every screen.
    Common(Action),
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct DiffBinding {
    /// As it is printed.
    pub keys: &'static str,
    /// What it does, for the help.
    pub help: &'static str,
    /// For the footer.
    pub footer: &'static str,
    presses: &'static [(char, DiffAction)],
}

/// The table.
pub const DIFF_BINDINGS: &[DiffBinding] = &[
    DiffBinding {
        keys: "[ ]",
        help: "change before, next change",
        footer: "change",
        presses: &[
            ('[', DiffAction::PreviousChange),
            (']', DiffAction::NextChange),
        ],
    },
    DiffBinding {
        keys: "J K",
        help: "next fact, fact before",
        footer: "fact",
        presses: &[('J', DiffAction::NextFact), ('K', DiffAction::PreviousFact)],
    },
    DiffBinding {
        keys: "c",
        help: "all facts, or only those that differ",
        footer: "changed/all",
        presses: &[('c', DiffAction::ToggleEqual)],
    },
    DiffBinding {
        keys: "w",
        help: "long lines: go on below, or cut with a count",
        footer: "wrap",
        presses: &[('w', DiffAction::ToggleWrap)],
    },
    DiffBinding {
        keys: "z",
        help: "side by side, or one side under the other",
        footer: "side/stacked",
        presses: &[('z', DiffAction::ToggleStacked)],
    },
    DiffBinding {
        keys: "o",
        help: "open the equal lines, or fold them",
        footer: "fold",
        presses: &[('o', DiffAction::Fold)],
    },
    DiffBinding {
        keys: "m",
        help: "write a note on this fact",
        footer: "note",
        presses: &[('m', DiffAction::Note)],
    },
    DiffBinding {
        keys: "s",
        help: "how it was read: SQL, snapshot, time, provenance",
        footer: "how read",
        presses: &[('s', DiffAction::HowRead)],
    },
];

/// What a key press means on the diff screen.
pub fn diff_action(key: &KeyEvent) -> Option<DiffAction> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let plain = key.modifiers - KeyModifiers::SHIFT == KeyModifiers::NONE;
    let own = DIFF_BINDINGS
        .iter()
        .flat_map(|binding| binding.presses)
        .find(|(c, _)| plain && key.code == KeyCode::Char(*c));
    match own {
        Some((_, action)) => Some(*action),
        None => keymap::action(key).map(DiffAction::Common),
    }
}

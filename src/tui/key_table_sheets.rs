//! Rows of the key table for the approval and rejection sheets and for text input.
//! Invariant: no letter is a command there (test `letters_are_no_commands_on_the_sheet` of tests/screens/flows.rs).

use crossterm::event::KeyCode;

use super::action::Action;
use super::key_table::{ctrl, other, row};
use super::keymap::{Binding, KeyScope};

const SHEET: &[KeyScope] = &[KeyScope::Sheet];
const SHEET_AND_TYPING: &[KeyScope] = &[KeyScope::Sheet, KeyScope::Typing];

/// Shown on no help page: each sheet says its keys itself.
#[rustfmt::skip]
pub(super) const ROWS: &[Binding] = &[
    row(SHEET_AND_TYPING, "Enter", "what was typed counts", None, &[other(KeyCode::Enter, Action::Confirm)]),
    row(SHEET_AND_TYPING, "Backspace", "take the last letter back", None,
        &[other(KeyCode::Backspace, Action::TakeBack)]),
    row(SHEET_AND_TYPING, "Esc", "leave it", None, &[other(KeyCode::Esc, Action::Back)]),
    row(SHEET, "Ctrl-c", "leave it", None, &[ctrl('c', Action::Quit)]),
    row(SHEET, "Tab", "on the approval sheet: the files of the change, whole; again: back to the sheet", None,
        &[other(KeyCode::Tab, Action::ChangeFiles)]),
    row(SHEET, "Left Right", "of the files of the change the one before, the next", None,
        &[other(KeyCode::Left, Action::Left), other(KeyCode::Right, Action::Right)]),
    row(SHEET, "Up Down PgUp PgDn Home End", "read the sheet", None,
        &[other(KeyCode::Up, Action::Up), other(KeyCode::Down, Action::Down), other(KeyCode::PageUp, Action::PageUp),
          other(KeyCode::PageDown, Action::PageDown), other(KeyCode::Home, Action::First),
          other(KeyCode::End, Action::Last)]),
];

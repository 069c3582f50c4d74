//! Names of the keys, as help, footer and sentences print them (`a`, `Ctrl-z`, `PgDn`).

use crossterm::event::{KeyCode, KeyModifiers};

/// `a`, `Ctrl-z`, `PgDn`.
pub(super) fn name(code: KeyCode, modifiers: KeyModifiers) -> String {
    let key = match code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(letter) => letter.to_string(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        // The others have their own names: Enter, Esc, Tab, Up, Home.
        other => format!("{other:?}"),
    };
    if modifiers.contains(KeyModifiers::CONTROL) {
        format!("Ctrl-{key}")
    } else {
        key
    }
}

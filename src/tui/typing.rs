//! Text input: keys that type a search, a note, a place to go to, a sheet.
//! Invariant: a letter that is held with Ctrl or Alt types nothing (`character`).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keymap::{self, Action, KeyScope};

/// What a key did to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypedKey {
    /// The text changed.
    Edited,
    /// Enter: the text is finished.
    Confirmed,
    /// Esc: the input is cancelled.
    Left,
    /// The key means nothing here.
    Nothing,
}

/// The character that a key types.
pub(super) fn character(key: &KeyEvent) -> Option<char> {
    let held = key.modifiers - KeyModifiers::SHIFT;
    match key.code {
        KeyCode::Char(c) if held.is_empty() => Some(c),
        _ => None,
    }
}

/// Types a key into a text.
pub(super) fn edit(text: &mut String, key: &KeyEvent) -> TypedKey {
    if let Some(c) = character(key) {
        text.push(c);
        return TypedKey::Edited;
    }
    match keymap::action(KeyScope::Typing, key) {
        Some(Action::TakeBack) => {
            text.pop();
            TypedKey::Edited
        }
        Some(Action::Confirm) => TypedKey::Confirmed,
        Some(Action::Back) => TypedKey::Left,
        _ => TypedKey::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::{TypedKey, edit};

    #[test]
    fn a_text_is_typed_letter_by_letter() {
        let mut text = String::new();
        let mut types = |code, held| edit(&mut text, &KeyEvent::new(code, held));
        let plain = KeyModifiers::NONE;
        assert_eq!(types(KeyCode::Char('n'), plain), TypedKey::Edited);
        assert_eq!(
            types(KeyCode::Char('É'), KeyModifiers::SHIFT),
            TypedKey::Edited
        );
        assert_eq!(
            types(KeyCode::Char('a'), KeyModifiers::ALT),
            TypedKey::Nothing
        );
        assert_eq!(types(KeyCode::Up, plain), TypedKey::Nothing);
        assert_eq!(types(KeyCode::Backspace, plain), TypedKey::Edited);
        assert_eq!(types(KeyCode::Enter, plain), TypedKey::Confirmed);
        assert_eq!(types(KeyCode::Esc, plain), TypedKey::Left);
        assert_eq!(text, "n");
    }
}

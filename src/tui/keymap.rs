//! The keymap: one table for every screen decides what a key means and what it is called.
//! Invariant: no screen compares a key or writes its name itself (`keys` of tests/architecture.rs); no key means two things on
//! one screen (test `no_key_means_two_things_on_one_screen`).

use crossterm::event::{KeyEvent, KeyEventKind, KeyModifiers};

pub use super::action::Action;
use super::{key_table, key_table_names, key_table_runs, key_table_sheets};

/// The screen that a key is pressed on. A screen's rows are those that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyScope {
    /// The run screen, live or watching.
    Run,
    /// The diff screen.
    Diff,
    /// The list of runs.
    Runs,
    /// The run screen of a replay.
    Replay,
    /// The sheets to approve and to reject.
    Sheet,
    /// A text that is typed: a search, a note, a place to go to.
    Typing,
}

/// The name of a key that is not there.
pub const NO_KEY: &str = "(no key)";

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    pub(super) scopes: &'static [KeyScope],
    /// The keys as help and footer print them.
    pub keys: &'static str,
    /// What it does, for the help.
    pub help: &'static str,
    /// One word or two for the footer, where it belongs there.
    pub footer: Option<&'static str>,
    /// Each key with what it means.
    pub presses: key_table::Presses,
}

impl Binding {
    /// Whether one of its keys means this.
    pub fn does(&self, action: Action) -> bool {
        self.presses.iter().any(|(_, _, does)| *does == action)
    }
}

/// The rows that apply to a screen, in the order of help and footer.
pub fn bindings(scope: KeyScope) -> impl Iterator<Item = &'static Binding> {
    key_table_runs::ROWS
        .iter()
        .chain(key_table::ROWS)
        .chain(key_table_sheets::ROWS)
        .filter(move |binding| binding.scopes.contains(&scope))
}

/// The keys of a screen's footer, each with what it does.
pub fn footer(scope: KeyScope) -> impl Iterator<Item = (&'static Binding, &'static str)> {
    bindings(scope).filter_map(|binding| Some((binding, binding.footer?)))
}

/// What the key for this is called on a screen: the first of its keys. What has no key there must not be offered, and says so.
pub fn key_of(scope: KeyScope, action: Action) -> String {
    let presses = bindings(scope).flat_map(|binding| binding.presses);
    let mut of_action = presses.filter(|(_, _, does)| *does == action);
    of_action.next().map_or_else(
        || NO_KEY.to_owned(),
        |(code, held, _)| key_table_names::name(*code, *held),
    )
}

/// What a key press means on a screen; `None`: nothing.
pub fn action(scope: KeyScope, key: &KeyEvent) -> Option<Action> {
    // Sent by terminals with the kitty keyboard protocol only.
    if key.kind == KeyEventKind::Release {
        return None;
    }
    // Shift is in the character already (`G`), and terminals differ in whether they report it as well.
    let modifiers = key.modifiers - KeyModifiers::SHIFT;
    bindings(scope)
        .flat_map(|binding| binding.presses)
        .find(|(code, wanted, _)| *code == key.code && *wanted == modifiers)
        .map(|(_, _, action)| *action)
}

#[cfg(test)]
mod tests {
    use super::{Action, KeyScope, NO_KEY, bindings, footer, key_of, key_table_names};

    const SCOPES: [KeyScope; 6] = [
        KeyScope::Run,
        KeyScope::Diff,
        KeyScope::Replay,
        KeyScope::Runs,
        KeyScope::Sheet,
        KeyScope::Typing,
    ];

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for scope in SCOPES {
            let presses: Vec<_> = bindings(scope)
                .flat_map(|binding| binding.presses)
                .collect();
            assert!(!presses.is_empty(), "{scope:?} has no keys");
            for (nth, one) in presses.iter().enumerate() {
                for other in &presses[nth + 1..] {
                    assert!((one.0, one.1) != (other.0, other.1), "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn help_and_footer_print_the_keys_of_their_row() {
        for scope in SCOPES {
            for binding in bindings(scope) {
                let names: Vec<String> = binding
                    .presses
                    .iter()
                    .map(|(code, held, _)| key_table_names::name(*code, *held))
                    .collect();
                for printed in words(binding.keys) {
                    assert!(names.contains(&printed), "{printed} of {:?}", binding.keys);
                }
            }
            assert!(footer(scope).all(|(binding, _)| !binding.keys.is_empty()));
        }
    }

    /// The keys that a row prints: `1-3` is three, `arrows` are four.
    fn words(printed: &str) -> Vec<String> {
        let words = printed.split(' ').map(|word| match word.len() {
            1 => word,
            _ => word.trim_end_matches(','),
        });
        let keys = words.flat_map(|word| match word.as_bytes() {
            b"arrows" => ["Up", "Down", "Left", "Right"].map(str::to_owned).to_vec(),
            [from, b'-', to] => (*from..=*to)
                .map(|digit| char::from(digit).to_string())
                .collect(),
            _ => vec![word.to_owned()],
        });
        keys.collect()
    }

    #[test]
    fn a_key_is_called_as_it_is_printed() {
        for (scope, action, name) in [
            (KeyScope::Run, Action::Approve, "a"),
            (KeyScope::Run, Action::Quit, "q"),
            (KeyScope::Sheet, Action::Quit, "Ctrl-c"),
            (KeyScope::Sheet, Action::Back, "Esc"),
            (KeyScope::Sheet, Action::Approve, NO_KEY),
            (KeyScope::Replay, Action::PlayPause, "Space"),
            (KeyScope::Run, Action::PreviousPane, "Shift-Tab"),
            (KeyScope::Diff, Action::PageDown, "PgDn"),
            (KeyScope::Typing, Action::Confirm, "Enter"),
        ] {
            assert_eq!(key_of(scope, action), name, "{scope:?} {action:?}");
        }
    }
}

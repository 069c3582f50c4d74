//! The keys: one table for every screen, which decides and draws footer and help. Invariant: no screen compares a key itself.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

pub use super::action::Action;
use super::{key_table, key_table_runs};

/// The screen that a key is pressed on. A screen's rows are those that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyScope {
    /// The run screen.
    Run,
    /// The diff screen.
    Diff,
    /// The list of runs.
    Runs,
    /// The run screen of a replay.
    Replay,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    pub(super) scopes: &'static [KeyScope],
    /// As it is printed.
    pub keys: &'static str,
    /// What it does, for the help.
    pub help: &'static str,
    /// One word or two for the footer, where it belongs there.
    pub footer: Option<&'static str>,
    pub(super) presses: &'static [(KeyCode, KeyModifiers, Action)],
}

impl Binding {
    /// Whether one of its keys means this.
    pub fn does(&self, action: Action) -> bool {
        self.presses.iter().any(|(_, _, does)| *does == action)
    }
}

/// The rows of a screen.
pub fn bindings(scope: KeyScope) -> impl Iterator<Item = &'static Binding> {
    key_table_runs::ROWS
        .iter()
        .chain(key_table::ROWS)
        .filter(move |binding| binding.scopes.contains(&scope))
}

/// The keys of a screen's footer, each with what it does.
pub fn footer(scope: KeyScope) -> impl Iterator<Item = (&'static Binding, &'static str)> {
    bindings(scope).filter_map(|binding| Some((binding, binding.footer?)))
}

/// What a key press means on a screen; `None`: nothing.
pub fn action(scope: KeyScope, key: &KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let modifiers = key.modifiers - KeyModifiers::SHIFT;
    bindings(scope)
        .flat_map(|binding| binding.presses)
        .find(|(code, wanted, _)| *code == key.code && *wanted == modifiers)
        .map(|(_, _, action)| *action)
}

#[cfg(test)]
mod tests {
    use super::{KeyScope, bindings};

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for scope in [
            KeyScope::Run,
            KeyScope::Diff,
            KeyScope::Replay,
            KeyScope::Runs,
        ] {
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
}

//! The keys: one table for every screen, which decides and draws footer and help. Invariant: no screen compares a key itself.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

pub use super::action::Action;

/// The screen that a key is pressed on. A screen's rows are those that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
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
    scopes: &'static [Scope],
    /// As it is printed.
    pub keys: &'static str,
    /// What it does, for the help.
    pub help: &'static str,
    /// One word or two for the footer, where it belongs there.
    pub footer: Option<&'static str>,
    presses: &'static [(KeyCode, KeyModifiers, Action)],
}

impl Binding {
    /// Whether one of its keys means this.
    pub fn does(&self, action: Action) -> bool {
        self.presses.iter().any(|(_, _, does)| *does == action)
    }
}

const RUN: &[Scope] = &[Scope::Run];
const DIFF: &[Scope] = &[Scope::Diff];
const RUN_AND_DIFF: &[Scope] = &[Scope::Run, Scope::Diff];
const RUNS: &[Scope] = &[Scope::Runs];
const RUN_AND_REPLAY: &[Scope] = &[Scope::Run, Scope::Replay];
const ALL: &[Scope] = &[Scope::Run, Scope::Diff, Scope::Replay, Scope::Runs];

/// A row of the replay.
const fn replay(
    keys: &'static str,
    help: &'static str,
    footer: Option<&'static str>,
    presses: &'static [(KeyCode, KeyModifiers, Action)],
) -> Binding {
    Binding {
        scopes: &[Scope::Replay],
        keys,
        help,
        footer,
        presses,
    }
}

const fn key(c: char, action: Action) -> (KeyCode, KeyModifiers, Action) {
    (KeyCode::Char(c), KeyModifiers::NONE, action)
}

const fn ctrl(c: char, action: Action) -> (KeyCode, KeyModifiers, Action) {
    (KeyCode::Char(c), KeyModifiers::CONTROL, action)
}

const fn other(code: KeyCode, action: Action) -> (KeyCode, KeyModifiers, Action) {
    (code, KeyModifiers::NONE, action)
}

/// The table; a screen's help and footer have its rows in this order.
pub const BINDINGS: &[Binding] = &[
    Binding {
        scopes: RUNS,
        keys: "Enter",
        help: "open what fits: a run that waits is taken up or watched, one that ended is read, damage is verified",
        footer: Some("open"),
        presses: &[other(KeyCode::Enter, Action::Open)],
    },
    Binding {
        scopes: RUNS,
        keys: "d",
        help: "differences: what changed, side by side",
        footer: Some("diff"),
        presses: &[key('d', Action::Differences)],
    },
    Binding {
        scopes: RUNS,
        keys: "p",
        help: "the thirteen reports",
        footer: Some("reports"),
        presses: &[key('p', Action::Reports)],
    },
    Binding {
        scopes: RUNS,
        keys: "v",
        help: "verify: chain, HEAD, blobs, manifest, every verdict computed again",
        footer: Some("verify"),
        presses: &[key('v', Action::Verify)],
    },
    Binding {
        scopes: RUNS,
        keys: "/",
        help: "search, word by word in any column; !word leaves out, 'word means it to the letter",
        footer: Some("search"),
        presses: &[key('/', Action::Search)],
    },
    Binding {
        scopes: RUNS,
        keys: "1-5",
        help: "all, waiting, failed, drifted, damaged; Tab goes through them",
        footer: Some("filter"),
        presses: &[
            key('1', Action::Pane(1)),
            key('2', Action::Pane(2)),
            key('3', Action::Pane(3)),
            key('4', Action::Pane(4)),
            key('5', Action::Pane(5)),
            other(KeyCode::Tab, Action::NextPane),
            other(KeyCode::BackTab, Action::PreviousPane),
        ],
    },
    Binding {
        scopes: RUNS,
        keys: "s S",
        help: "order by: started, duration, state, target, profile; S the other way round. What waits stays first",
        footer: Some("order"),
        presses: &[key('s', Action::Sort), key('S', Action::SortReversed)],
    },
    Binding {
        scopes: RUNS,
        keys: "r",
        help: "look again",
        footer: None,
        presses: &[key('r', Action::LookAgain)],
    },
    Binding {
        scopes: RUNS,
        keys: "a x",
        help: "not here: decisions are made on the run screen, Enter opens it",
        footer: None,
        presses: &[key('a', Action::Approve), key('x', Action::Reject)],
    },
    Binding {
        scopes: RUNS,
        keys: "y",
        help: "copy the run id (OSC 52)",
        footer: None,
        presses: &[key('y', Action::Copy)],
    },
    Binding {
        scopes: DIFF,
        keys: "[ ]",
        help: "change before, next change",
        footer: Some("change"),
        presses: &[
            key('[', Action::PreviousChange),
            key(']', Action::NextChange),
        ],
    },
    Binding {
        scopes: DIFF,
        keys: "J K",
        help: "next fact, fact before",
        footer: Some("fact"),
        presses: &[key('J', Action::NextFact), key('K', Action::PreviousFact)],
    },
    Binding {
        scopes: DIFF,
        keys: "c",
        help: "all facts, or only those that differ",
        footer: Some("changed/all"),
        presses: &[key('c', Action::ToggleEqual)],
    },
    Binding {
        scopes: DIFF,
        keys: "w",
        help: "long lines: go on below, or cut with a count",
        footer: Some("wrap"),
        presses: &[key('w', Action::ToggleWrap)],
    },
    Binding {
        scopes: DIFF,
        keys: "z",
        help: "side by side, or one side under the other",
        footer: Some("side/stacked"),
        presses: &[key('z', Action::ToggleStacked)],
    },
    Binding {
        scopes: DIFF,
        keys: "o",
        help: "open the equal lines under the cursor, or fold them again",
        footer: Some("fold"),
        presses: &[key('o', Action::Fold)],
    },
    Binding {
        scopes: DIFF,
        keys: "m",
        help: "write a note on this fact",
        footer: Some("note"),
        presses: &[key('m', Action::Note)],
    },
    Binding {
        scopes: DIFF,
        keys: "s",
        help: "how it was read: SQL, snapshot, time, provenance",
        footer: Some("how read"),
        presses: &[key('s', Action::HowRead)],
    },
    replay(
        "Space",
        "play, pause",
        Some("play"),
        &[key(' ', Action::PlayPause)],
    ),
    replay(
        ", .",
        "one record back, one on",
        Some("step"),
        &[key(',', Action::StepBack), key('.', Action::StepForward)],
    ),
    replay(
        "[ ]",
        "to the stop, gate or decision before, to the next one",
        Some("stop to stop"),
        &[key('[', Action::PreviousStop), key(']', Action::NextStop)],
    ),
    replay(
        ":",
        "go to a record or time: 212, 09:33, 09:33:06",
        Some("go to"),
        &[key(':', Action::GoTo)],
    ),
    replay(
        "+ -",
        "twice as fast, half as fast",
        Some("speed"),
        &[
            key('+', Action::Faster),
            key('=', Action::Faster),
            key('-', Action::Slower),
        ],
    ),
    replay(
        "w",
        "waits: cut short, or in real time",
        None,
        &[key('w', Action::ToggleWaits)],
    ),
    replay(
        "v",
        "what the approver saw at this decision, or the last before it",
        Some("approver's view"),
        &[key('v', Action::ApproversView)],
    ),
    replay(
        "t",
        "timeline, or events",
        Some("timeline/events"),
        &[key('t', Action::ToggleTimeline)],
    ),
    replay(
        "d",
        "differences at this moment",
        Some("diff"),
        &[key('d', Action::Differences)],
    ),
    replay(
        "1-6 Tab",
        "go to a pane; again: enlarge it; next pane, the one before",
        None,
        &[
            key('1', Action::Pane(1)),
            key('2', Action::Pane(2)),
            key('3', Action::Pane(3)),
            key('4', Action::Pane(4)),
            key('5', Action::Pane(5)),
            key('6', Action::Pane(6)),
            other(KeyCode::Tab, Action::NextPane),
            other(KeyCode::BackTab, Action::PreviousPane),
        ],
    ),
    replay(
        "/",
        "search in the focused pane, n next match, N the one before",
        None,
        &[
            key('/', Action::Search),
            key('n', Action::NextMatch),
            key('N', Action::PreviousMatch),
        ],
    ),
    replay(
        "Enter",
        "open the row: checks, whole values, what a claim cannot see",
        None,
        &[other(KeyCode::Enter, Action::Open)],
    ),
    replay(
        "a x r",
        "not in a replay: nothing here is live",
        None,
        &[
            key('a', Action::Approve),
            key('x', Action::Reject),
            key('r', Action::SurveyAgain),
        ],
    ),
    replay(
        "y",
        "copy the whole value or digest (OSC 52)",
        None,
        &[key('y', Action::Copy)],
    ),
    replay("?", "these keys", Some("keys"), &[key('?', Action::Help)]),
    replay(
        "q",
        "leave",
        Some("back"),
        &[key('q', Action::Quit), ctrl('c', Action::Quit)],
    ),
    Binding {
        scopes: RUN,
        keys: "1-6",
        help: "go to a pane; again: enlarge it",
        footer: Some("panes"),
        presses: &[
            key('1', Action::Pane(1)),
            key('2', Action::Pane(2)),
            key('3', Action::Pane(3)),
            key('4', Action::Pane(4)),
            key('5', Action::Pane(5)),
            key('6', Action::Pane(6)),
        ],
    },
    Binding {
        scopes: DIFF,
        keys: "1 2",
        help: "facts, document",
        footer: None,
        presses: &[key('1', Action::Pane(1)), key('2', Action::Pane(2))],
    },
    Binding {
        scopes: RUN_AND_DIFF,
        keys: "Tab",
        help: "next pane, Shift-Tab the one before",
        footer: Some("next"),
        presses: &[
            other(KeyCode::Tab, Action::NextPane),
            other(KeyCode::BackTab, Action::PreviousPane),
        ],
    },
    Binding {
        scopes: ALL,
        keys: "j k h l, arrows",
        help: "row down, row up, pane left, pane right",
        footer: None,
        presses: &[
            key('j', Action::Down),
            other(KeyCode::Down, Action::Down),
            key('k', Action::Up),
            other(KeyCode::Up, Action::Up),
            key('h', Action::Left),
            other(KeyCode::Left, Action::Left),
            key('l', Action::Right),
            other(KeyCode::Right, Action::Right),
        ],
    },
    Binding {
        scopes: ALL,
        keys: "g G",
        help: "first row, last row",
        footer: None,
        presses: &[
            key('g', Action::First),
            other(KeyCode::Home, Action::First),
            key('G', Action::Last),
            other(KeyCode::End, Action::Last),
        ],
    },
    Binding {
        scopes: ALL,
        keys: "Ctrl-d Ctrl-u PgDn PgUp",
        help: "half a page, a page",
        footer: None,
        presses: &[
            ctrl('d', Action::HalfDown),
            ctrl('u', Action::HalfUp),
            other(KeyCode::PageDown, Action::PageDown),
            other(KeyCode::PageUp, Action::PageUp),
        ],
    },
    Binding {
        scopes: RUN,
        keys: "Enter",
        help: "open the row: checks, whole values, what a claim cannot see",
        footer: Some("open"),
        presses: &[other(KeyCode::Enter, Action::Open)],
    },
    Binding {
        scopes: DIFF,
        keys: "Enter",
        help: "read the document; on a comparison: choose it",
        footer: None,
        presses: &[other(KeyCode::Enter, Action::Open)],
    },
    Binding {
        scopes: ALL,
        keys: "Esc",
        help: "back to the same row",
        footer: None,
        presses: &[other(KeyCode::Esc, Action::Back)],
    },
    Binding {
        scopes: RUN_AND_DIFF,
        keys: "/",
        help: "search in the focused pane, n next match, N the one before",
        footer: Some("search"),
        presses: &[
            key('/', Action::Search),
            key('n', Action::NextMatch),
            key('N', Action::PreviousMatch),
        ],
    },
    Binding {
        scopes: RUN,
        keys: "a",
        help: "approve: opens the sheet; the digest's last six characters decide",
        footer: None,
        presses: &[key('a', Action::Approve)],
    },
    Binding {
        scopes: RUN,
        keys: "x",
        help: "reject: opens the sheet; a reason is required",
        footer: None,
        presses: &[key('x', Action::Reject)],
    },
    Binding {
        scopes: RUN_AND_REPLAY,
        keys: "e",
        help: "read the evidence: the whole document that is approved",
        footer: None,
        presses: &[key('e', Action::Evidence)],
    },
    Binding {
        scopes: RUN,
        keys: "d",
        help: "differences: pinned, now, last PASS",
        footer: None,
        presses: &[key('d', Action::Differences)],
    },
    Binding {
        scopes: RUN,
        keys: "r",
        help: "survey again; after drift or expiry: take new evidence",
        footer: None,
        presses: &[key('r', Action::SurveyAgain)],
    },
    Binding {
        scopes: DIFF,
        keys: "a x r",
        help: "not here: decisions are made on the run screen",
        footer: None,
        presses: &[
            key('a', Action::Approve),
            key('x', Action::Reject),
            key('r', Action::SurveyAgain),
        ],
    },
    Binding {
        scopes: RUN,
        keys: "y",
        help: "copy the whole value or digest (OSC 52)",
        footer: Some("copy"),
        presses: &[key('y', Action::Copy)],
    },
    Binding {
        scopes: DIFF,
        keys: "y",
        help: "copy what differs (OSC 52)",
        footer: Some("copy"),
        presses: &[key('y', Action::Copy)],
    },
    Binding {
        scopes: RUN,
        keys: "?",
        help: "these keys",
        footer: Some("all keys"),
        presses: &[key('?', Action::Help)],
    },
    Binding {
        scopes: &[Scope::Diff, Scope::Runs],
        keys: "?",
        help: "these keys",
        footer: Some("keys"),
        presses: &[key('?', Action::Help)],
    },
    Binding {
        scopes: RUN,
        keys: "q",
        help: "leave; asks only while work runs",
        footer: None,
        presses: &[key('q', Action::Quit), ctrl('c', Action::Quit)],
    },
    Binding {
        scopes: DIFF,
        keys: "q",
        help: "back, as d; without a run behind it: quit",
        footer: Some("back"),
        presses: &[
            key('q', Action::Quit),
            ctrl('c', Action::Quit),
            key('d', Action::Differences),
        ],
    },
    Binding {
        scopes: RUNS,
        keys: "q",
        help: "leave",
        footer: Some("leave"),
        presses: &[key('q', Action::Quit), ctrl('c', Action::Quit)],
    },
    Binding {
        scopes: ALL,
        keys: "Ctrl-z",
        help: "suspend",
        footer: None,
        presses: &[ctrl('z', Action::Suspend)],
    },
    Binding {
        scopes: ALL,
        keys: "Ctrl-l",
        help: "draw everything anew",
        footer: None,
        presses: &[ctrl('l', Action::Redraw)],
    },
];

/// The rows of a screen.
pub fn bindings(scope: Scope) -> impl Iterator<Item = &'static Binding> {
    BINDINGS
        .iter()
        .filter(move |binding| binding.scopes.contains(&scope))
}

/// The keys of a screen's footer, each with what it does.
pub fn footer(scope: Scope) -> impl Iterator<Item = (&'static Binding, &'static str)> {
    bindings(scope).filter_map(|binding| Some((binding, binding.footer?)))
}

/// What a key press means on a screen; `None`: nothing.
pub fn action(scope: Scope, key: &KeyEvent) -> Option<Action> {
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
    use super::{Scope, bindings};

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for scope in [Scope::Run, Scope::Diff, Scope::Replay, Scope::Runs] {
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

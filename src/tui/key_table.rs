//! The key table: each row names its screens, its keys, what they mean and what footer and help say.
//! Invariant: keys are named in the files of the table only; tests/architecture.rs (`keys`) refuses `KeyCode` and key names
//! elsewhere.

use crossterm::event::{KeyCode, KeyModifiers};

use super::action::Action;
use super::keymap::{Binding, KeyScope};

const RUN: &[KeyScope] = &[KeyScope::Run];
const DIFF: &[KeyScope] = &[KeyScope::Diff];
const RUN_AND_DIFF: &[KeyScope] = &[KeyScope::Run, KeyScope::Diff];
const REPLAY: &[KeyScope] = &[KeyScope::Replay];
const RUN_AND_REPLAY: &[KeyScope] = &[KeyScope::Run, KeyScope::Replay];
const ALL: &[KeyScope] = &[
    KeyScope::Run,
    KeyScope::Diff,
    KeyScope::Replay,
    KeyScope::Runs,
];
const ALL_AND_SHEET: &[KeyScope] = &[
    KeyScope::Run,
    KeyScope::Diff,
    KeyScope::Replay,
    KeyScope::Runs,
    KeyScope::Sheet,
];

pub(super) type Presses = &'static [(KeyCode, KeyModifiers, Action)];

/// A row of the table for these screens.
pub(super) const fn row(
    scopes: &'static [KeyScope],
    keys: &'static str,
    help: &'static str,
    footer: Option<&'static str>,
    presses: Presses,
) -> Binding {
    Binding {
        scopes,
        keys,
        help,
        footer,
        presses,
    }
}

pub(super) const fn key(c: char, action: Action) -> (KeyCode, KeyModifiers, Action) {
    (KeyCode::Char(c), KeyModifiers::NONE, action)
}

pub(super) const fn ctrl(c: char, action: Action) -> (KeyCode, KeyModifiers, Action) {
    (KeyCode::Char(c), KeyModifiers::CONTROL, action)
}

pub(super) const fn other(code: KeyCode, action: Action) -> (KeyCode, KeyModifiers, Action) {
    (code, KeyModifiers::NONE, action)
}

/// What is of run, diff and replay, and what screens share; help and footer have the rows in this order.
#[rustfmt::skip]
pub(super) const ROWS: &[Binding] = &[
    row(DIFF, "[ ]", "change before, next change", Some("change"),
        &[key('[', Action::PreviousChange), key(']', Action::NextChange)]),
    row(DIFF, "J K", "next fact, fact before", Some("fact"),
        &[key('J', Action::NextFact), key('K', Action::PreviousFact)]),
    row(DIFF, "c", "all facts, or only those that differ", Some("changed/all"), &[key('c', Action::ToggleEqual)]),
    row(DIFF, "w", "long lines: go on below, or cut with a count", Some("wrap"), &[key('w', Action::ToggleWrap)]),
    row(DIFF, "z", "side by side, or one side under the other", Some("side/stacked"),
        &[key('z', Action::ToggleStacked)]),
    row(DIFF, "o", "open the equal lines under the cursor, or fold them again", Some("fold"),
        &[key('o', Action::Fold)]),
    row(DIFF, "m", "write a note on this fact", Some("note"), &[key('m', Action::Note)]),
    row(DIFF, "s", "how it was read: SQL, snapshot, time, provenance", Some("how read"), &[key('s', Action::HowRead)]),
    row(REPLAY, "Space", "play, pause", Some("play"), &[key(' ', Action::PlayPause)]),
    row(REPLAY, ", .", "one record back, one on", Some("step"),
        &[key(',', Action::StepBack), key('.', Action::StepForward)]),
    row(REPLAY, "[ ]", "to the stop or decision before, to the next one", Some("stops"),
        &[key('[', Action::PreviousStop), key(']', Action::NextStop)]),
    row(REPLAY, ":", "go to a record or time: 212, 09:33, 09:33:06", Some("go to"), &[key(':', Action::GoTo)]),
    row(REPLAY, "+ -", "twice as fast, half as fast", Some("speed"),
        &[key('+', Action::Faster), key('=', Action::Faster), key('-', Action::Slower)]),
    row(REPLAY, "w", "waits: cut short, or in real time", None, &[key('w', Action::ToggleWaits)]),
    row(REPLAY, "v", "what the approver saw at this decision, or the last before it", Some("approver's view"),
        &[key('v', Action::ApproversView)]),
    row(REPLAY, "t", "timeline, or events", Some("timeline/events"), &[key('t', Action::ToggleTimeline)]),
    row(REPLAY, "d", "differences at this moment", Some("diff"), &[key('d', Action::Differences)]),
    row(REPLAY, "1-6 Tab", "go to a pane; again: enlarge it; next pane, the one before", None,
        &[key('1', Action::Pane(1)), key('2', Action::Pane(2)), key('3', Action::Pane(3)), key('4', Action::Pane(4)),
          key('5', Action::Pane(5)), key('6', Action::Pane(6)), other(KeyCode::Tab, Action::NextPane),
          other(KeyCode::BackTab, Action::PreviousPane)]),
    row(REPLAY, "/", "search in the focused pane, n next match, N the one before", None,
        &[key('/', Action::Search), key('n', Action::NextMatch), key('N', Action::PreviousMatch)]),
    row(REPLAY, "Enter", "open the row: checks, whole values, what a claim cannot see", None,
        &[other(KeyCode::Enter, Action::Open)]),
    row(REPLAY, "a x r", "not in a replay: nothing here is live", None,
        &[key('a', Action::Approve), key('x', Action::Reject), key('r', Action::SurveyAgain)]),
    row(REPLAY, "y", "copy the whole value or digest (OSC 52)", None, &[key('y', Action::Copy)]),
    row(REPLAY, "?", "these keys", Some("keys"), &[key('?', Action::Help)]),
    row(REPLAY, "q", "leave", Some("back"), &[key('q', Action::Quit), ctrl('c', Action::Quit)]),
    row(RUN, "1-6", "go to a pane; again: enlarge it", Some("panes"),
        &[key('1', Action::Pane(1)), key('2', Action::Pane(2)), key('3', Action::Pane(3)), key('4', Action::Pane(4)),
          key('5', Action::Pane(5)), key('6', Action::Pane(6))]),
    row(DIFF, "1 2", "facts, document; 2 again: the document over the whole width", None,
        &[key('1', Action::Pane(1)), key('2', Action::Pane(2))]),
    row(RUN_AND_DIFF, "Tab", "next pane, Shift-Tab the one before", Some("next"),
        &[other(KeyCode::Tab, Action::NextPane), other(KeyCode::BackTab, Action::PreviousPane)]),
    row(ALL, "j k h l, arrows", "row down, row up, pane left, pane right", None,
        &[key('j', Action::Down), other(KeyCode::Down, Action::Down), key('k', Action::Up),
          other(KeyCode::Up, Action::Up), key('h', Action::Left), other(KeyCode::Left, Action::Left),
          key('l', Action::Right), other(KeyCode::Right, Action::Right)]),
    row(ALL, "g G", "first row, last row", None,
        &[key('g', Action::First), other(KeyCode::Home, Action::First), key('G', Action::Last),
          other(KeyCode::End, Action::Last)]),
    row(ALL, "Ctrl-d Ctrl-u PgDn PgUp", "half a page, a page", None,
        &[ctrl('d', Action::HalfDown), ctrl('u', Action::HalfUp), other(KeyCode::PageDown, Action::PageDown),
          other(KeyCode::PageUp, Action::PageUp)]),
    row(RUN, "Enter", "open the row: checks, whole values, what a claim cannot see", Some("open"),
        &[other(KeyCode::Enter, Action::Open)]),
    row(DIFF, "Enter", "read the document; on a comparison: choose it", None, &[other(KeyCode::Enter, Action::Open)]),
    row(ALL, "Esc", "back to the same row", None, &[other(KeyCode::Esc, Action::Back)]),
    row(RUN_AND_DIFF, "/", "search in the focused pane, n next match, N the one before", Some("search"),
        &[key('/', Action::Search), key('n', Action::NextMatch), key('N', Action::PreviousMatch)]),
    row(RUN, "a", "approve: opens the sheet; the digest's last six characters, a pause and Enter decide", None,
        &[key('a', Action::Approve)]),
    row(RUN, "x", "reject: opens the sheet; a reason is required", None, &[key('x', Action::Reject)]),
    row(RUN_AND_REPLAY, "e", "read the evidence: the whole document that is approved", None,
        &[key('e', Action::Evidence)]),
    row(RUN_AND_REPLAY, "f", "the files of the change, whole and line by line; h and l read the one before and the next", None,
        &[key('f', Action::ChangeFiles)]),
    row(RUN_AND_REPLAY, "p", "the reports of a run that is over; h and l read the one before and the next", None,
        &[key('p', Action::Reports)]),
    row(RUN, "d", "differences: pinned, now, rehearsed", None, &[key('d', Action::Differences)]),
    row(RUN, "r", "survey again; after drift or expiry: take new evidence", None, &[key('r', Action::SurveyAgain)]),
    row(RUN, "R", "take up a run that nobody holds; a, x and r take it up too", None, &[key('R', Action::TakeUp)]),
    row(DIFF, "a x r", "not here: decisions are made on the run screen", None,
        &[key('a', Action::Approve), key('x', Action::Reject), key('r', Action::SurveyAgain)]),
    row(RUN, "y", "copy the whole value or digest (OSC 52)", Some("copy"), &[key('y', Action::Copy)]),
    row(DIFF, "y", "copy what differs (OSC 52)", Some("copy"), &[key('y', Action::Copy)]),
    row(RUN, "?", "these keys", Some("all keys"), &[key('?', Action::Help)]),
    row(&[KeyScope::Diff, KeyScope::Runs], "?", "these keys", Some("keys"), &[key('?', Action::Help)]),
    row(RUN, "q", "leave; asks only while work runs", None, &[key('q', Action::Quit), ctrl('c', Action::Quit)]),
    row(DIFF, "q", "back, as d; without a run behind it: quit", Some("back"),
        &[key('q', Action::Quit), ctrl('c', Action::Quit), key('d', Action::Differences)]),
    row(ALL_AND_SHEET, "Ctrl-z", "suspend", None, &[ctrl('z', Action::Suspend)]),
    row(ALL_AND_SHEET, "Ctrl-l", "draw everything anew", None, &[ctrl('l', Action::Redraw)]),
];

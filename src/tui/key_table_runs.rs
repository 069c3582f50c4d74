//! Rows of the key table for the list of runs.

use crossterm::event::KeyCode;

use super::action::Action;
use super::key_table::{ctrl, key, other, row};
use super::keymap::{Binding, KeyScope};

const RUNS: &[KeyScope] = &[KeyScope::Runs];

/// These rows come first in help and footer of the list of runs.
#[rustfmt::skip]
pub(super) const ROWS: &[Binding] = &[
    row(RUNS, "Enter", "open what fits: a run that waits is taken up or watched, one that ended is replayed, damage is verified", Some("open"),
        &[other(KeyCode::Enter, Action::Open)]),
    row(RUNS, "d", "differences: what changed, side by side", Some("diff"), &[key('d', Action::Differences)]),
    row(RUNS, "p", "the thirteen reports", Some("reports"), &[key('p', Action::Reports)]),
    row(RUNS, "v", "verify: chain, HEAD, blobs, manifest, every verdict computed again", Some("verify"),
        &[key('v', Action::Verify)]),
    row(RUNS, "R", "replay: what happened, record by record; nothing is live in it", Some("replay"),
        &[key('R', Action::Replay)]),
    row(RUNS, "w", "watch: follow it as it is written, without taking it up", None, &[key('w', Action::Watch)]),
    row(RUNS, "E", "export: RUN_ID.tar.gz in the current directory, checked without drygate", Some("export"),
        &[key('E', Action::Export)]),
    row(RUNS, "/", "search, word by word in any column; !word leaves out, 'word means it to the letter", Some("search"),
        &[key('/', Action::Search)]),
    row(RUNS, "1-5", "all, waiting, failed, drifted, damaged; Tab goes through them", Some("filter"),
        &[key('1', Action::Pane(1)), key('2', Action::Pane(2)), key('3', Action::Pane(3)), key('4', Action::Pane(4)),
          key('5', Action::Pane(5)), other(KeyCode::Tab, Action::NextPane),
          other(KeyCode::BackTab, Action::PreviousPane)]),
    row(RUNS, "s S", "order by: started, duration, state, target, profile; S the other way round. What waits stays first", Some("order"),
        &[key('s', Action::Sort), key('S', Action::SortReversed)]),
    row(RUNS, "r", "look again", None, &[key('r', Action::LookAgain)]),
    row(RUNS, "a x", "not here: decisions are made on the run screen, Enter opens it", None,
        &[key('a', Action::Approve), key('x', Action::Reject)]),
    row(RUNS, "y", "copy the run id (OSC 52)", None, &[key('y', Action::Copy)]),
    row(RUNS, "q", "leave", Some("leave"), &[key('q', Action::Quit), ctrl('c', Action::Quit)]),
];

//! What a screen keeps from frame to frame. Invariant: after any keys and any news it shows what a screen that keeps nothing would.

use crossterm::event::{Event as TerminalEvent, KeyCode};
use drygate::run::RunResult;
use drygate::tui::{ScreenMessage, Source};
use proptest::prelude::*;

use crate::stage::{Stage, drawn, lines, messages};
use drygate::testing::ScriptedRun;

const KEYS: [KeyCode; 20] = [
    KeyCode::Char('j'),
    KeyCode::Char('k'),
    KeyCode::Char('G'),
    KeyCode::Char('g'),
    KeyCode::Char('1'),
    KeyCode::Char('2'),
    KeyCode::Char('3'),
    KeyCode::Char('4'),
    KeyCode::Char('5'),
    KeyCode::Char('6'),
    KeyCode::Char('a'),
    KeyCode::Char('d'),
    KeyCode::Char('n'),
    KeyCode::Char('/'),
    KeyCode::Char('?'),
    KeyCode::Tab,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::Enter,
    KeyCode::Esc,
];

#[derive(Debug, Clone)]
enum Doing {
    Key(usize),
    Resize(u16, u16),
    Record,
    Waits(u64),
    Watched,
}

fn doings() -> impl Strategy<Value = Vec<Doing>> {
    let one = prop_oneof![
        6 => (0..KEYS.len()).prop_map(Doing::Key),
        1 => (60u16..170, 16u16..50).prop_map(|(width, height)| Doing::Resize(width, height)),
        3 => Just(Doing::Record),
        1 => (1u64..70_000).prop_map(Doing::Waits),
        1 => Just(Doing::Watched),
    ];
    prop::collection::vec(one, 1..40)
}

fn script(which: usize) -> ScriptedRun {
    match which {
        0 => ScriptedRun::at_sg2(false),
        1 => ScriptedRun::drifted(),
        2 => ScriptedRun::renewed(),
        _ => {
            let mut script = ScriptedRun::at_sg2(false);
            script.closes().seals(RunResult::Pass, None);
            script
        }
    }
}

/// Thousands of frames. `make check` leaves these out.
mod exhaustive {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_screen_shows_what_one_that_keeps_nothing_would(
            which in 0usize..4, left_out in 0usize..40, size in (60u16..170, 16u16..50), doings in doings(),
        ) {
            let mut script = script(which);
            let begun = script.records.len().saturating_sub(left_out).max(1);
            let whole = messages(&script);
            script.records.truncate(begun);
            let mut coming = whole.into_iter().skip(begun);
            let mut stage = Stage::from(&script, "09:31:15", size, Source::Live);
            for doing in doings {
                match doing.clone() {
                    Doing::Key(which) => {
                        stage.key(KEYS[which]);
                    }
                    Doing::Resize(width, height) => {
                        stage.terminal_event(TerminalEvent::Resize(width, height));
                    }
                    Doing::Record => {
                        if let Some(messages) = coming.next() {
                            stage.hear(messages);
                        }
                    }
                    Doing::Waits(ms) => {
                        stage.wait(ms);
                    }
                    Doing::Watched => {
                        stage.hear(ScreenMessage::Watchers(vec!["op_b".to_owned()]));
                    }
                }
                let mut fresh = stage.screen.model().clone();
                fresh.panes.forget();
                let shown = lines(stage.screen.terminal().backend().buffer());
                prop_assert_eq!(shown, drawn(&mut fresh, size), "after {:?}", doing);
            }
        }
    }
}

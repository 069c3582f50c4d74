//! Every key of the table does something on each screen that it is a key of: a row without code behind it is found here.

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use drygate::run::RunResult;
use drygate::testing::ScriptedRun;
use drygate::tui::event_loop::frame;
use drygate::tui::keymap::{KeyScope, bindings};
use drygate::tui::model::Model;
use drygate::tui::update::update;
use drygate::tui::{ScreenMessage, Source};

use crate::stage::{lines, model, plain};

fn press(model: &mut Model, code: KeyCode, held: KeyModifiers) -> bool {
    let event = TerminalEvent::Key(KeyEvent::new(code, held));
    let at = Duration::from_secs(9);
    let effects = update(model, ScreenMessage::Terminal { event, at }, at);
    !effects.is_empty()
}

/// What is on screen, and how what lies over it is looked at: a document that is still being read shows no change of that.
fn drawn(model: &mut Model) -> String {
    let lines = lines(&frame(model, 120, 36));
    format!("{lines}{:?}", model.over)
}

/// Situations in which a key may have something to do.
fn situations(source: &Source, before: &[char]) -> Vec<Model> {
    let mut sealed = ScriptedRun::at_sg2(false);
    sealed.closes().seals(RunResult::Pass, None);
    let scripts = [
        &ScriptedRun::at_sg1(false),
        &ScriptedRun::at_sg2(false),
        &sealed,
        &ScriptedRun::drifted(),
    ];
    // Somewhere in a list, in another pane, with a search, with a page open.
    let ways = ["", "jj", "2jjj", "6kkkkkk", "2ll", "/s\n", "?", "2", "22"];
    let mut all = Vec::new();
    for script in scripts {
        for way in ways {
            let mut model = model(script, "09:40:00", plain());
            model.source = source.clone();
            for key in before.iter().copied().chain(way.chars()) {
                let code = if key == '\n' {
                    KeyCode::Enter
                } else {
                    KeyCode::Char(key)
                };
                press(&mut model, code, KeyModifiers::NONE);
                drawn(&mut model);
            }
            all.push(model);
        }
    }
    all
}

#[test]
fn every_key_of_a_run_and_of_its_differences_does_something() {
    let mut idle = Vec::new();
    for (scope, source, before) in [
        (KeyScope::Run, Source::Live, &[][..]),
        (KeyScope::Replay, Source::Replay, &[][..]),
        (KeyScope::Diff, Source::Live, &['d'][..]),
    ] {
        let mut situations = situations(&source, before);
        let before: Vec<String> = situations.iter_mut().map(drawn).collect();
        for (code, held, action) in bindings(scope).flat_map(|binding| binding.presses) {
            let does = situations.iter().zip(&before).any(|(model, before)| {
                let mut model = model.clone();
                press(&mut model, *code, *held) || drawn(&mut model) != *before
            });
            if !does {
                idle.push(format!("{scope:?} {code:?} {action:?}"));
            }
        }
    }
    assert!(idle.is_empty(), "keys that do nothing: {idle:#?}");
}

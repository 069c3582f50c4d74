//! What the screens promise in a word or two: keys do what is said of them, and no sentence contradicts another one beside it.

use std::time::Duration;

use crossterm::event::KeyCode;
use drygate::run::{ApprovalGate, Decision, RunResult, State, StopCode, SurveyPurpose};
use drygate::survey::FactKey;
use drygate::testing::ScriptedRun;
use drygate::tui::model::Model;
use drygate::tui::playback::{PlaybackState, ReplayFrame};
use drygate::tui::{ScreenMessage, Source, update::update};

use crate::stage::{SIZES, Stage, drawn, model, plain};

/// A replay of a script at its last record.
fn replayed(script: &ScriptedRun, is_playing: bool) -> Model {
    let live = model(script, "09:31:15", plain());
    let mut replay = live.clone();
    replay.source = Source::Replay;
    let (seq, now) = live.history.last().expect("a record");
    let frame = ReplayFrame {
        history: live.history.clone(),
        last_pass: None,
        playback: PlaybackState {
            seq,
            now,
            line: ("event", String::new()),
            is_playing,
            speed: "1x".to_owned(),
            waits_are_real: false,
            reading: None,
            trouble: None,
            tip: live.history.clone(),
        },
    };
    let _ = update(
        &mut replay,
        ScreenMessage::ReplayFrame(Box::new(frame)),
        Duration::ZERO,
    );
    replay
}

#[test]
fn the_key_of_a_replay_says_what_it_does_next() {
    let script = ScriptedRun::at_sg2(false);
    for size in SIZES {
        let paused = drawn(&mut replayed(&script, false), size);
        assert!(paused.contains("Space play"), "{paused}");
        let plays = drawn(&mut replayed(&script, true), size);
        assert!(plays.contains("Space pause"), "{plays}");
    }
}

#[test]
fn records_are_counted_as_they_are_numbered() {
    let script = ScriptedRun::at_sg2(false);
    let last = script.records.len() - 1;
    let wide = drawn(&mut replayed(&script, false), (160, 48));
    let numbered = format!("chain intact, records 0-{last}");
    assert!(wide.contains(&numbered), "{wide}");
}

#[test]
fn the_help_explains_each_mark_of_a_number() {
    let mut stage = Stage::new(&ScriptedRun::at_sg2(false), "09:31:15", (120, 36));
    stage.key(KeyCode::Char('?')).key(KeyCode::Char('G'));
    for mark in [
        "~ before a number: SIMULATED",
        "# before a number: REHEARSED",
    ] {
        assert!(stage.says(mark), "{mark}: {}", stage.text());
    }
}

#[test]
fn a_blank_stands_between_a_fact_and_its_value() {
    for length in 15..40 {
        let mut script = ScriptedRun::new(false);
        let key = "k".repeat(length);
        let facts = &mut script.database.facts;
        let digest = facts
            .iter_mut()
            .find(|it| it.key == FactKey::new("grant_matrix_sha"));
        digest.expect("a digest").key = FactKey::new(&key);
        script.up_to_feasibility().survey_taken(SurveyPurpose::Pin);
        for size in [(80, 24), (100, 30), (160, 48)] {
            let text = drawn(&mut model(&script, "09:14:09", plain()), size);
            let row = text.lines().find(|line| line.contains("kkkkkkkk"));
            let row = row.expect("the fact").to_owned();
            let value = row.find("73e665dc").expect("its value");
            assert!(row[..value].ends_with(' '), "{length}: {row}");
        }
    }
}

#[test]
fn a_sheet_that_cannot_arm_says_what_to_do_and_nothing_of_arming() {
    let mut stage = Stage::new(&ScriptedRun::at_sg2(false), "09:31:15", (60, 20));
    stage.key(KeyCode::Char('a'));
    for _ in 0..6 {
        let text = stage.text();
        stage.key(KeyCode::PageDown);
        assert!(
            text.contains("more line") || text.contains("widen"),
            "{text}"
        );
        assert!(!text.contains("arm"), "{text}");
    }
}

#[test]
fn the_next_command_is_not_promised_to_a_key_that_copies_something_else() {
    let mut script = ScriptedRun::at_sg2(false);
    script.closes().seals(RunResult::Pass, None);
    for size in SIZES {
        for pane in '1'..='6' {
            let mut stage = Stage::new(&script, "09:52:10", size);
            // Stands on a row, as somebody does who looks at the pane.
            stage.key(KeyCode::Char(pane)).key(KeyCode::Char('y'));
            let copied = stage.done.borrow().copied.clone();
            let is_command = copied.last().is_some_and(|it| it.starts_with("drygate "));
            let text = stage.text();
            let promised = ["(y copies it)", "y copies the next command"]
                .iter()
                .any(|it| text.contains(it));
            assert_eq!(promised, is_command, "{pane} {copied:?}: {text}");
        }
    }
}

#[test]
fn a_rejection_says_what_had_moved() {
    let rejected = |moved: &[(&str, &str)]| {
        let mut script = ScriptedRun::at_sg2(false);
        script.clock("09:31:15").live_read(false, moved, None);
        script.decides(Decision::Reject, "opb", Some("Article 17"));
        script.becomes(State::Rejected);
        let (code, gate) = (StopCode::StopApprovalRejected, Some(ApprovalGate::SG2));
        script.stop(code, gate, "Rejected.", "Nothing.");
        script.returns(Some(code));
        script.gate_finished(drygate::run::Gate::G3);
        script.ends(RunResult::Rejected, Some(code));
        script
    };
    for size in SIZES {
        let with = rejected(&[("icx_draft", "59")]);
        let text = drawn(&mut model(&with, "09:52:10", plain()), size);
        assert!(
            text.contains("facts had moved: icx_draft 60 -> 59"),
            "{text}"
        );
        let none = rejected(&[]);
        let text = drawn(&mut model(&none, "09:52:10", plain()), size);
        assert!(!text.contains("had moved"), "{text}");
    }
}

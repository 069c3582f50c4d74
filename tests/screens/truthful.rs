//! What no frame of any run may say. Invariant: held over every moment of every scripted run, at every size.

use std::time::Duration;

use drygate::run::{RunResult, State, StopCode};
use drygate::tui::model::Model;
use drygate::tui::{Source, update::update};
use ratatui::layout::Size;

use crate::situations::{failed_at_g1, rejected};
use crate::stage::{SIZES, drawn, messages, plain};
use drygate::testing::values::person;
use drygate::testing::{ScriptedRun, at};

fn scripts() -> Vec<ScriptedRun> {
    let mut read = ScriptedRun::at_sg2(false);
    read.clock("09:31:15").live_read(false, &[], None);
    let mut failing = ScriptedRun::at_sg1(false);
    failing.live_read(false, &[], Some("connection refused"));
    let mut passed = ScriptedRun::at_sg2(false);
    passed.closes().seals(RunResult::Pass, None);
    vec![
        rejected(),
        failed_at_g1(),
        read,
        failing,
        passed,
        ScriptedRun::drifted(),
        ScriptedRun::renewed(),
    ]
}

/// Draws every moment of every script at every size.
fn at_every_moment(look: impl Fn(&Model, &str)) {
    for script in scripts() {
        let size = Size::new(160, 48);
        let mut model = Model::new(Source::Live, person("op_a"), plain(), size, at("09:52:00"));
        for messages in messages(&script) {
            let _ = update(&mut model, messages, Duration::ZERO);
            for size in SIZES {
                let frame = drawn(&mut model, size);
                look(&model, &frame);
            }
        }
    }
}

#[test]
fn no_tick_stands_beside_a_stop_that_failed() {
    at_every_moment(|model, frame| {
        for (nth, (state, code, _)) in model.run().returns.iter().enumerate() {
            let went_wrong = matches!(state, State::Failed | State::Rejected)
                || *code == Some(StopCode::StopFactsDrifted);
            let r = nth + 1;
            let ticked = [format!("✓ r{r} "), format!("r{r} ✓")];
            let says_so = ticked.iter().any(|tick| frame.contains(tick));
            assert!(!(went_wrong && says_so), "r{r} went wrong:\n{frame}");
        }
    });
}

#[test]
fn nothing_is_called_equal_that_was_not_read_again() {
    at_every_moment(|model, frame| {
        let run = model.run();
        if run.has_read_again() || run.pin.is_none() {
            return;
        }
        assert!(!frame.contains("equal the evidence"), "{frame}");
        let narrow = frame
            .lines()
            .next()
            .is_some_and(|row| row.chars().count() < 100);
        let rows = frame
            .lines()
            .filter(|row| row.contains("│ grant_matrix_sha"));
        for row in rows {
            let says = ["at approval", "not read again"];
            let honest = says.iter().any(|words| row.contains(words));
            assert!(honest || (narrow && !row.contains('=')), "{frame}");
        }
    });
}

#[test]
fn a_value_that_was_read_before_the_others_says_when() {
    let mut script = ScriptedRun::at_sg2(false);
    script.clock("09:31:15").live_read(false, &[], None);
    let mut model = crate::stage::model(&script, "09:31:15", plain());
    for size in SIZES {
        let frame = drawn(&mut model, size);
        let row = frame.lines().find(|row| row.contains("│ grant_matrix_sha"));
        let row = row.expect("the fact that is read with a full survey alone");
        assert!(row.contains("= 09:17"), "{frame}");
    }
}

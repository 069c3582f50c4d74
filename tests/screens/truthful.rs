//! What no frame of any run may say. Invariant: held over every moment of every scripted run, at every size.

use std::sync::LazyLock;
use std::time::Duration;

use crossterm::event::KeyCode;
use drygate::run::{RunResult, State, StopCode};
use drygate::tui::model::{Model, Pane};
use drygate::tui::{Source, update::update};
use ratatui::layout::Size;

use crate::situations::{cannot_pass, failed_at_g1, rejected};
use crate::stage::{SIZES, Stage, drawn, messages, plain};
use drygate::testing::values::{self, person};
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
        cannot_pass(),
        read,
        failing,
        passed,
        ScriptedRun::drifted(),
        ScriptedRun::renewed(),
    ]
}

/// A frame, and what of its run the tests ask.
struct Moment {
    frame: String,
    focus: Pane,
    returns: Vec<(State, Option<StopCode>)>,
    /// The facts were pinned, and not read again since.
    read_once: bool,
}

/// Every moment of every script at every size, drawn once for all tests.
static MOMENTS: LazyLock<Vec<Moment>> = LazyLock::new(|| {
    let mut moments = Vec::new();
    for script in scripts() {
        let size = Size::new(160, 48);
        let mut model = Model::new(Source::Live, person("op_a"), plain(), size, at("09:52:00"));
        for messages in messages(&script) {
            let _ = update(&mut model, messages, Duration::ZERO);
            for size in SIZES {
                let frame = drawn(&mut model, size);
                let run = model.run();
                let returns = run.returns.iter();
                moments.push(Moment {
                    frame,
                    focus: model.focus,
                    returns: returns.map(|(state, code, _)| (*state, *code)).collect(),
                    read_once: run.pin.is_some() && !run.has_read_again(),
                });
            }
        }
    }
    moments
});

#[test]
fn no_tick_stands_beside_a_stop_that_failed() {
    for Moment { returns, frame, .. } in MOMENTS.iter() {
        for (nth, (state, code)) in returns.iter().enumerate() {
            let went_wrong = matches!(state, State::Failed | State::Rejected)
                || *code == Some(StopCode::StopFactsDrifted);
            let r = nth + 1;
            let ticked = [format!("✓ r{r} "), format!("r{r} ✓"), format!("r{r}✓")];
            let says_so = ticked.iter().any(|tick| frame.contains(tick));
            assert!(!(went_wrong && says_so), "r{r} went wrong:\n{frame}");
        }
    }
}

#[test]
fn nothing_is_called_equal_that_was_not_read_again() {
    for Moment { frame, .. } in MOMENTS.iter().filter(|moment| moment.read_once) {
        assert!(!frame.contains("equal the evidence"), "{frame}");
        let narrow = frame
            .lines()
            .next()
            .is_some_and(|row| row.chars().count() < 110);
        let rows = frame
            .lines()
            .filter(|row| row.contains("│ grant_matrix_sha"));
        for row in rows {
            let says = ["at approval", "not read again"];
            let honest = says.iter().any(|words| row.contains(words));
            assert!(honest || (narrow && !row.contains('=')), "{frame}");
        }
    }
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

fn is_together(focus: Pane, frame: &str) {
    for title in ["1 GATES", "2 LIVE FACTS", "3 STOP"] {
        assert!(frame.contains(title), "{title} with {focus:?}:\n{frame}");
    }
    let stops = frame.lines().find(|row| row.contains("3 STOPS"));
    if let Some(stops) = stops {
        // More than five do not fit beside the count of facts that are not on screen.
        let whole = [" r1", " r6", " none"];
        let is_whole = whole.iter().any(|stop| stops.contains(stop));
        assert!(is_whole, "{stops} with {focus:?}:\n{frame}");
    }
}

/// Starting, waiting, moved, drifted, ended: every gate has its row.
#[test]
fn gates_facts_and_stop_points_are_on_screen_together() {
    for Moment { focus, frame, .. } in MOMENTS.iter() {
        is_together(*focus, frame);
        let rows = frame.lines().filter(|line| line.starts_with('│'));
        let rows: String = rows
            .map(|row| row.chars().take(12).collect::<String>())
            .collect();
        let gates = ["G0", "G1", "G2", "G3", "SG1", "SG2", "G4", "G5", "G6"];
        let missing = gates.iter().find(|gate| !rows.contains(**gate));
        assert_eq!(missing, None, "{frame}");
    }
}

#[test]
fn whoever_looks_at_whatever_pane_sees_gates_facts_and_stop_points() {
    for script in scripts() {
        for source in [Source::Live, Source::Watching, Source::Unheld] {
            let mut model = crate::stage::model(&script, "09:52:00", plain());
            model.source = source;
            for focus in Pane::ALL {
                model.focus = focus;
                for size in SIZES {
                    is_together(focus, &drawn(&mut model, size));
                }
            }
        }
    }
}

/// What the band, gates, stop points and claims say is never cut; a row of data may be, with a count.
#[test]
fn our_own_words_are_not_cut() {
    for Moment { frame, .. } in MOMENTS.iter() {
        // Events and the values of facts are data.
        let cut = frame.lines().filter(|line| line.contains("…+"));
        let mut own = cut.filter(|line| {
            line.starts_with('┃') || line.starts_with(" A ") || line.contains("1 GATES")
        });
        assert_eq!(own.next(), None, "{frame}");
    }
}

#[test]
fn two_hosts_of_one_network_are_told_apart_on_every_screen_and_sheet() {
    for (host, port, address) in [
        ("10.0.0.5", 5432, "10.0.0.5/kb"),
        ("10.0.0.6", 6432, "10.0.0.6:6432/kb"),
        ("::1", 6001, "[::1]:6001/kb"),
    ] {
        let mut created = values::created();
        created.target.host = host.to_owned();
        created.target.port = port;
        let mut script = ScriptedRun::started(created, false, at("09:14:02"), 0);
        script.until_sg1().until_sg2();
        for size in SIZES {
            let mut stage = Stage::new(&script, "09:31:15", size);
            assert!(stage.says(address), "{}", stage.text());
            stage.key(KeyCode::Char('x'));
            let on_sheet = stage.text();
            let mut lines = on_sheet.lines().filter(|line| line.contains("evidence "));
            assert!(lines.any(|line| line.contains(address)), "{on_sheet}");
            stage.key(KeyCode::Esc).key(KeyCode::Char('a'));
            let target = format!("context_pack_readonly@{address}");
            assert!(stage.says(&target), "{}", stage.text());
        }
    }
}

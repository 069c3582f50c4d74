//! The files of the change, read whole on the run screen and from the sheet. Invariant: what is typed while a page lies in the place
//! of the sheet counts nothing, and the sheet arms anew behind it.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use drygate::run::{ApprovalGate, Ask, Decision, Event, EvidenceShown, LiveRead};
use drygate::survey::Digest;
use drygate::testing::values::person;
use drygate::testing::{ScriptedRun, at};
use drygate::tui::change_text::ChangeText;
use drygate::tui::update::{ScreenEffect, update};
use drygate::tui::{LocalRequest, ScreenMessage, Source};

use crate::changes::{at_sg1, at_sg2};
use crate::stage::{Stage, drawn, model, plain};

/// Longer than any screen, with what a terminal must not get and a line that is longer than any line of it.
fn sql() -> String {
    let mut text = String::from("-- \u{202e}gnp.exe \u{1b}[2J\nBEGIN;\n");
    text.extend((3..60).map(|line| format!("UPDATE shop.t{line} SET a = 1;\n")));
    text.push_str("UPDATE shop.orders SET state = 'shipped'\n  WHERE state = 'paid' AND ");
    text.push_str(&"id <> 4 AND  ".repeat(12));
    text.push_str("id > 'the  end';\nCOMMIT;\n");
    text
}

fn came(text: &str) -> ScreenMessage {
    ScreenMessage::ChangeText {
        sha256: Digest::of("change"),
        result: Ok(Arc::new(ChangeText::of(text.as_bytes()))),
    }
}

/// Every line that a page has, from its first to its last screen.
fn read_on(stage: &mut Stage) -> String {
    let mut all = stage.text();
    for _ in 0..12 {
        all.push_str(&stage.key(KeyCode::PageDown).text());
    }
    all
}

/// What is on the frame of a page, without its lines' breaks and numbers.
fn is_whole(all: &str) {
    for part in [
        "-- \\u{202e}gnp.exe \\u{1b}[2J",
        "    2  BEGIN;",
        "   45  UPDATE shop.t45 SET a = 1;",
        "   60  UPDATE shop.orders SET state = 'shipped'",
        "   61    WHERE state = 'paid' AND id <> 4 AND  id <> 4",
        "id > 'the  end';",
        "   62  COMMIT;",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
}

#[test]
fn a_key_reads_the_whole_change_from_before_sg1_on_and_offline() {
    for source in [
        Source::Live,
        Source::Watching,
        Source::Unheld,
        Source::Replay,
    ] {
        let mut script = at_sg1();
        script.clock("09:15:12");
        let mut stage = Stage::from(&script, "09:15:12", (80, 24), source.clone());
        stage.key(KeyCode::Char('f'));
        assert!(stage.says("It is being read."), "{}", stage.text());
        stage.hear(came(&sql()));
        if source == Source::Live {
            insta::assert_snapshot!("change_file_80x24", stage.text());
        }
        is_whole(&read_on(&mut stage));
        stage.key(KeyCode::Char('y'));
        assert_eq!(stage.done.borrow().copied, [sql()], "{source:?}");
        stage.key(KeyCode::Esc);
        assert!(stage.says("1 GATES"), "{}", stage.text());
    }
}

#[test]
fn a_file_is_asked_for_once_and_one_that_is_gone_says_why() {
    let mut model = model(&at_sg1(), "09:15:12", plain());
    let mut press = |code| {
        let event = TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE));
        let at = Duration::from_secs(9);
        update(&mut model, ScreenMessage::Terminal { event, at }, at)
    };
    let wanted = ScreenEffect::Local(LocalRequest::ChangeText(Digest::of("change")));
    assert_eq!(press(KeyCode::Char('f')), [wanted]);
    assert_eq!(press(KeyCode::Down), []);
    press(KeyCode::Esc);
    assert_eq!(press(KeyCode::Char('f')), []);
    let gone = ScreenMessage::ChangeText {
        sha256: Digest::of("change"),
        result: Err("blobs/12ea is missing".to_owned()),
    };
    let _ = update(&mut model, gone, Duration::ZERO);
    assert!(drawn(&mut model, (80, 24)).contains("blobs/12ea is missing"));
}

#[test]
fn a_run_without_a_change_says_so() {
    let mut stage = Stage::new(&ScriptedRun::at_sg1(false), "09:15:12", (80, 24));
    stage.key(KeyCode::Char('f'));
    assert!(stage.says("This run has no change."), "{}", stage.text());
}

#[test]
fn a_row_of_the_script_opens_the_whole_statement() {
    let mut stage = Stage::new(&at_sg2(None), "09:17:30", (80, 24));
    stage.key(KeyCode::Char('6')).key(KeyCode::Char('k'));
    stage.key(KeyCode::Enter);
    insta::assert_snapshot!("change_statement_80x24", stage.text());
}

/// The sheet of SG2 as it is READY, with its digest.
fn ready(size: (u16, u16)) -> (Stage, Digest) {
    let script = at_sg2(None);
    let evidence = script.run.evidence.as_ref().expect("evidence");
    let evidence = evidence.digest.clone();
    let mut stage = Stage::new(&script, "09:17:30", size);
    stage.wait(5_000).key(KeyCode::Char('a'));
    let shown = EvidenceShown {
        gate: ApprovalGate::SG2,
        evidence: evidence.clone(),
        by: person("op_a"),
        expires_at: at("17:31:00"),
        size: None,
        boot_id: "boot".to_owned(),
        uptime_ms: None,
    };
    stage.recorded(Event::EvidenceShown(shown));
    stage.recorded(Event::LiveRead(LiveRead {
        read_at: at("09:17:30"),
        changed: Vec::new(),
        complete: true,
        failed: None,
    }));
    stage.key(KeyCode::End).wait(1_500);
    assert!(stage.says("READY"), "{}", stage.text());
    (stage, evidence)
}

fn approvals(stage: &Stage) -> usize {
    let asked = stage.asked();
    let approves =
        |ask: &&Ask| matches!(ask, Ask::Decide(asked) if asked.decision == Decision::Approve);
    asked.iter().filter(approves).count()
}

#[test]
fn from_the_sheet_the_change_is_read_and_nothing_typed_there_counts() {
    let (mut stage, evidence) = ready((80, 24));
    let six = evidence.last_six().to_owned();
    stage.types(&six[..3]).wait(80).key(KeyCode::Tab);
    stage.hear(came(&sql()));
    insta::assert_snapshot!("change_file_of_the_sheet_80x24", stage.text());
    is_whole(&read_on(&mut stage));
    // As somebody types who does not look.
    stage.types(&six).wait(900).key(KeyCode::Enter).wait(3_000);
    assert!(!stage.says("READY"), "{}", stage.text());
    stage.key(KeyCode::Esc);
    assert!(
        stage.says("APPROVE SG2") && !stage.says("READY"),
        "{}",
        stage.text()
    );
    stage.types(&six[3..]).wait(80).key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 0, "it arms anew");
    stage.wait(1_500);
    assert!(
        stage.says("READY") && stage.says("[______]"),
        "{}",
        stage.text()
    );
    stage.types(&six).wait(700).key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 1, "{}", stage.text());
}

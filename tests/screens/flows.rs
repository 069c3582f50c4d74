//! Flows: keys in, orders out, what the screen then says. Invariant: nothing is approved but by six characters typed one by one on a READY sheet.

use crossterm::event::{Event as TerminalEvent, KeyCode};
use drygate::run::{
    ApprovalGate, ApprovalRecorded, ApprovalRequest, Ask, Decision, Event, EvidenceShown, LiveRead,
    Request, StopCode, TerminalSize,
};
use drygate::survey::Digest;
use drygate::tui::{Ending, ScreenMessage, Source};

use crate::stage::{Stage, created_as, under};
use drygate::testing::values::person;
use drygate::testing::{ScriptedRun, at};

fn digest(script: &ScriptedRun) -> Digest {
    script
        .run
        .evidence
        .as_ref()
        .expect("evidence")
        .digest
        .clone()
}

fn shown(script: &ScriptedRun) -> Event {
    Event::EvidenceShown(EvidenceShown {
        gate: ApprovalGate::SG2,
        evidence: digest(script),
        by: person("op_a"),
        expires_at: at("17:31:00"),
        size: None,
        boot_id: "boot".to_owned(),
        uptime_ms: None,
    })
}

fn all_equal() -> Event {
    Event::LiveRead(LiveRead {
        read_at: at("09:31:15"),
        changed: Vec::new(),
        complete: true,
        failed: None,
    })
}

/// A stage with the sheet of SG2 open and its own survey finished.
fn opened(size: (u16, u16)) -> (Stage, ScriptedRun) {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::new(&script, "09:31:15", size);
    stage.wait(5_000).key(KeyCode::Char('a'));
    stage.recorded(shown(&script)).recorded(all_equal());
    (stage, script)
}

/// Lets the keys rest until the sheet says that Enter approves, then presses it.
fn rests_and_enters(stage: &mut Stage) -> &mut Stage {
    stage.wait(699);
    assert!(stage.says("Enter counts after 0.7 s"), "{}", stage.text());
    stage.wait(1);
    assert!(stage.says("READY  Enter approves now"), "{}", stage.text());
    stage.key(KeyCode::Enter)
}

fn approvals(stage: &Stage) -> usize {
    let asked = stage.asked();
    let approves =
        |ask: &&Ask| matches!(ask, Ask::Decide(asked) if asked.decision == Decision::Approve);
    asked.iter().filter(approves).count()
}

#[test]
fn six_characters_and_enter_approve_exactly_once() {
    let (mut stage, script) = opened((80, 24));
    let digest = digest(&script);
    assert!(stage.says("not ready yet: arming"), "{}", stage.text());
    insta::assert_snapshot!("approve_sheet_arming_80x24", stage.text());
    stage.wait(1_000);
    assert!(stage.says("READY"), "{}", stage.text());
    stage.types(&digest.last_six()[..4]);
    insta::assert_snapshot!("approve_sheet_typing_80x24", stage.text());
    stage.types(&digest.last_six()[4..]);
    rests_and_enters(&mut stage).wait(80).key(KeyCode::Enter);
    let gate = ApprovalGate::SG2;
    let asked = Request {
        by: person("op_a"),
        ask: Ask::Decide(ApprovalRequest::approve(gate, digest.clone())),
    };
    assert_eq!(approvals(&stage), 1);
    assert!(stage.requests.borrow().contains(&asked));
    assert!(stage.says("recording..."));
    stage.recorded(Event::ApprovalRecorded(ApprovalRecorded {
        gate,
        decision: Decision::Approve,
        evidence: digest,
        reason: None,
        by: person("op_a"),
        boot_id: "boot".to_owned(),
        uptime_ms: None,
    }));
    assert!(stage.says("APPROVAL PENDING"), "{}", stage.text());
}

#[test]
fn a_sheet_that_a_command_opens_is_the_one_that_its_key_opens() {
    let script = ScriptedRun::at_sg2(false);
    let mut by_key = Stage::new(&script, "09:31:15", (120, 36));
    by_key.wait(5_000).key(KeyCode::Char('a'));
    let mut by_command = Stage::new(&script, "09:31:15", (120, 36));
    by_command.wait(5_000).hear(ScreenMessage::OpenSheet);
    assert_eq!(by_command.text(), by_key.text());
    assert_eq!(by_command.asked(), by_key.asked());
    // It arms from now on: the second on screen is not one that passed before.
    by_command.recorded(shown(&script)).recorded(all_equal());
    by_command.wait(999);
    assert!(!by_command.says("READY"), "{}", by_command.text());
    by_command.wait(1);
    assert!(by_command.says("READY"), "{}", by_command.text());

    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility();
    let mut works = Stage::new(&script, "09:14:06", (120, 36));
    works.hear(ScreenMessage::OpenSheet);
    assert!(works.says("Nothing waits for a decision now."));
    assert!(works.asked().is_empty());
}

#[test]
fn a_signal_that_suspends_does_so_whatever_is_typed() {
    let (mut stage, _) = opened((80, 24));
    stage.hear(ScreenMessage::Suspend);
    assert_eq!(stage.done.borrow().suspended, 1);
    assert!(stage.says("arms again"), "{}", stage.text());
    let mut replay = Stage::from(
        &ScriptedRun::at_sg2(false),
        "09:31:15",
        (80, 24),
        Source::Replay,
    );
    replay.key(KeyCode::Char(':')).hear(ScreenMessage::Suspend);
    assert_eq!(replay.done.borrow().suspended, 1);
}

#[test]
fn the_timeline_comes_on_screen_where_it_has_no_room() {
    let script = ScriptedRun::at_sg2(false);
    let mut replay = Stage::from(&script, "09:31:15", (80, 24), Source::Replay);
    assert!(!replay.says("6 EVENTS"), "{}", replay.text());
    replay.key(KeyCode::Char('t'));
    assert!(replay.says("6 EVENTS"), "{}", replay.text());
}

#[test]
fn the_sheet_asks_for_its_own_survey_and_takes_no_other() {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::new(&script, "09:31:15", (120, 36));
    stage.wait(5_000).key(KeyCode::Char('a'));
    let evidence = digest(&script);
    let gate = ApprovalGate::SG2;
    let size = Some(TerminalSize {
        columns: 120,
        rows: 36,
    });
    let opened = Ask::OpenSheet {
        gate,
        evidence,
        size,
    };
    assert_eq!(stage.asked(), [opened]);
    stage.recorded(all_equal()).wait(60_000);
    assert!(
        !stage.says("READY"),
        "a read that began before it was shown"
    );
    stage.recorded(shown(&script)).recorded(all_equal()).wait(1);
    assert!(stage.says("READY"));
}

#[test]
fn what_is_typed_before_ready_never_approves() {
    let (mut stage, script) = opened((80, 24));
    stage.wait(10).types(digest(&script).last_six());
    stage.wait(80).key(KeyCode::Enter);
    assert!(
        stage.says("What is typed before READY is dropped."),
        "{}",
        stage.text()
    );
    stage.wait(400);
    assert!(!stage.says("READY  "), "one second on screen");
    stage.wait(1_000).key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 0);
    assert!(stage.says("[______]"), "{}", stage.text());
}

#[test]
fn paste_burst_and_key_repeat_never_approve() {
    let (mut stage, script) = opened((80, 24));
    let six = digest(&script).last_six().to_owned();
    stage.wait(2_000);
    stage.terminal_event(TerminalEvent::Paste(six.clone()));
    // As long as what counts as typed must rest, and no longer: else Enter would not count for another reason.
    stage.wait(700).key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 0, "a paste");
    for c in six.chars() {
        stage.wait(2).key(KeyCode::Char(c));
    }
    stage.wait(2).key(KeyCode::Enter);
    assert!(stage.says("all of them were dropped"), "{}", stage.text());
    assert!(stage.says("[______]"), "{}", stage.text());
    stage.wait(700).key(KeyCode::Enter).wait(500);
    assert_eq!(approvals(&stage), 0, "a burst");
    for c in six.chars() {
        stage.wait(40).repeat(c);
    }
    stage.wait(700).key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 0, "a held key");
}

#[test]
fn a_wrong_character_is_marked_and_costs_nothing() {
    let (mut stage, script) = opened((80, 24));
    let six = digest(&script).last_six().to_owned();
    stage.wait(2_000).types("z");
    assert!(stage.says("[z_____]  ! not this one"), "{}", stage.text());
    insta::assert_snapshot!("approve_sheet_wrong_80x24", stage.text());
    rests_and_enters(stage.types(&six));
    assert_eq!(approvals(&stage), 1);
}

#[test]
fn the_sheet_says_by_its_own_timer_when_enter_counts() {
    let (mut stage, script) = opened((80, 24));
    stage.wait(2_000).types(digest(&script).last_six());
    let left = std::time::Duration::from_millis(700);
    assert_eq!(stage.screen.next_wake(), Some(left));
    assert!(stage.says("Enter counts after 0.7 s"), "{}", stage.text());
    insta::assert_snapshot!("approve_sheet_pause_80x24", stage.text());
    stage.wait(80).key(KeyCode::Enter);
    insta::assert_snapshot!("approve_sheet_too_soon_80x24", stage.text());
    stage.wait(700);
    insta::assert_snapshot!("approve_sheet_enter_counts_80x24", stage.text());
    assert_eq!(approvals(&stage), 0);
    stage.key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 1);
}

#[test]
fn more_than_six_characters_never_approve() {
    let (mut stage, script) = opened((80, 24));
    let six = digest(&script).last_six().to_owned();
    stage.wait(2_000).types(&six).types("zz9漢\u{301}567890");
    insta::assert_snapshot!("approve_sheet_surplus_80x24", stage.text());
    stage.wait(2_000).key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 0);
    assert!(stage.says("! too many"), "{}", stage.text());
    for _ in 0..11 {
        assert!(!stage.says("Enter approves now"), "{}", stage.text());
        stage.wait(80).key(KeyCode::Backspace);
    }
    rests_and_enters(&mut stage);
    assert_eq!(approvals(&stage), 1);
}

#[test]
fn letters_are_no_commands_on_the_sheet() {
    let (mut stage, _) = opened((80, 24));
    stage.wait(2_000).types("qxrde?12yn/");
    assert!(stage.says("APPROVE SG2"), "{}", stage.text());
    assert_eq!(stage.asked().len(), 1, "only the sheet was opened");
    stage.wait(80).key(KeyCode::Esc);
    assert!(!stage.says("APPROVE SG2"));
}

#[test]
fn resize_and_return_disarm() {
    let (mut stage, script) = opened((80, 24));
    stage.wait(2_000).types(&digest(&script).last_six()[..5]);
    stage.terminal_event(TerminalEvent::Resize(80, 24));
    assert!(stage.says("arms again"), "{}", stage.text());
    stage.types(&digest(&script).last_six()[5..]);
    stage.wait(900).key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 0);
    stage.wait(2_000);
    assert!(stage.says("READY"));
    stage.control('z');
    assert_eq!(stage.done.borrow().suspended, 1);
    assert!(!stage.says("READY"), "{}", stage.text());
    let reads = stage.asked();
    let asked = reads
        .iter()
        .filter(|o| matches!(o, Ask::OpenSheet { .. }))
        .count();
    assert_eq!(asked, 2, "the facts are read again after a suspension");
}

#[test]
fn a_long_sheet_arms_when_its_last_line_was_shown() {
    let (mut stage, _) = opened((80, 18));
    stage.wait(10_000);
    assert!(stage.says("more lines below"), "{}", stage.text());
    assert!(!stage.says("READY"));
    stage
        .key(KeyCode::PageDown)
        .wait(300)
        .key(KeyCode::PageDown)
        .wait(300);
    assert!(stage.says("READY"), "{}", stage.text());
}

#[test]
fn a_sheet_whose_approval_would_be_refused_says_why_in_place_of_the_question() {
    let script = created_as(ScriptedRun::at_sg1(false), |created| {
        created.approvals.exclude_starter = true;
    });
    for size in [(160, 48), (80, 24)] {
        let mut stage = Stage::new(&script, "09:31:00", size);
        stage.key(KeyCode::Char('a'));
        let text = stage.text();
        let why = "op_a started the run and may not approve it (approvals.exclude_starter).";
        assert!(text.contains(why), "{text}");
        assert!(text.contains("approving would be refused"), "{text}");
        assert!(!text.contains("Type the last six"), "{text}");
    }
}

#[test]
fn facts_that_moved_under_the_sheet_refuse() {
    let (mut stage, script) = opened((80, 24));
    stage.wait(2_000);
    let mut moved = script.clone();
    moved
        .clock("09:32:00")
        .live_read(false, &[("icx_draft", "59")], None);
    let event = moved.records.last().expect("a read").event.clone();
    stage.recorded((*event).clone());
    assert!(
        stage.says("1 fact moved: Esc, then r takes new evidence.")
            && stage.says("approving would be refused"),
        "{}",
        stage.text()
    );
    stage
        .types(digest(&script).last_six())
        .wait(2_000)
        .key(KeyCode::Enter);
    assert_eq!(approvals(&stage), 0);
    stage.key(KeyCode::Esc).wait(100).key(KeyCode::Char('a'));
    assert!(stage.says("approving would be refused"), "{}", stage.text());
    assert!(!stage.says("Type the last six"));
}

#[test]
fn an_order_that_is_not_taken_is_said() {
    let (mut stage, script) = opened((80, 24));
    stage.wait(2_000).types(digest(&script).last_six());
    stage.takes_orders.set(false);
    rests_and_enters(&mut stage);
    assert!(!stage.says("recording..."), "{}", stage.text());
    stage.takes_orders.set(true);
    rests_and_enters(&mut stage);
    assert_eq!(approvals(&stage), 1);
}

#[test]
fn rejecting_needs_a_reason_that_was_typed_or_pasted() {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::new(&script, "09:31:15", (80, 24));
    stage
        .wait(5_000)
        .key(KeyCode::Char('x'))
        .wait(300)
        .key(KeyCode::Enter);
    assert!(stage.says("A reason is required."), "{}", stage.text());
    stage
        .terminal_event(TerminalEvent::Paste("ticket ".to_owned()))
        .key(KeyCode::Enter)
        .wait(300);
    stage.types("412 é").wait(80);
    insta::assert_snapshot!("reject_sheet_80x24", stage.text());
    stage.key(KeyCode::Enter).wait(80).key(KeyCode::Enter);
    let evidence = digest(&script);
    let reason = "ticket 412 é".to_owned();
    let gate = ApprovalGate::SG2;
    assert_eq!(
        stage.asked(),
        [Ask::Decide(ApprovalRequest::reject(gate, evidence, reason))]
    );
}

#[test]
fn quitting_asks_only_while_work_runs() {
    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility();
    let mut stage = Stage::new(&script, "09:14:06", (80, 24));
    stage.wait(100).key(KeyCode::Char('q'));
    assert!(stage.says("LEAVE WHILE WORK RUNS?"), "{}", stage.text());
    stage.key(KeyCode::Esc);
    assert!(!stage.says("LEAVE"));
    let mut waiting = Stage::new(&ScriptedRun::at_sg2(false), "09:31:15", (80, 24));
    assert!(matches!(
        waiting.leaves_by(KeyCode::Char('q')),
        Ending::Quit
    ));
    assert!(waiting.asked().is_empty(), "leaving asks for nothing");
}

#[test]
fn leaving_says_how_to_come_back() {
    let mut stage = Stage::new(&ScriptedRun::at_sg2(false), "09:31:15", (80, 24));
    stage.sender.send(ScreenMessage::Signal(15)).expect("open");
    let screen_exit = stage.run_loop();
    assert_eq!(screen_exit.exit_code, 143);
    let line = "ictr-..8a941203 waits at SG2. Resume: drygate resume 8a941203";
    assert_eq!(screen_exit.says[0], line);
    // The head of the journal, which `verify --head` takes.
    assert!(
        screen_exit.says[1].starts_with("head="),
        "{:?}",
        screen_exit.says
    );
    stage.sender.send(ScreenMessage::HungUp).expect("open");
    assert!(matches!(stage.run_loop().ending, Ending::HungUp));

    let mut drifted = Stage::new(&ScriptedRun::drifted(), "09:33:06", (80, 24));
    drifted
        .sender
        .send(ScreenMessage::Signal(15))
        .expect("open");
    let line =
        "ictr-..8a941203 stopped at SG2: facts drifted. Take new evidence: drygate resume 8a941203";
    assert_eq!(drifted.run_loop().says[0], line);

    let drifted = ScriptedRun::drifted();
    let mut watched = Stage::from(&drifted, "09:33:06", (80, 24), Source::Watching);
    watched
        .sender
        .send(ScreenMessage::Signal(15))
        .expect("open");
    let line = "ictr-..8a941203 stopped at SG2: facts drifted. Watch: drygate watch 8a941203";
    assert_eq!(watched.run_loop().says[0], line);
}

#[test]
fn the_bell_rings_once_a_wait_and_the_title_names_the_target() {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::new(&script, "09:31:15", (80, 24));
    let bells = stage.done.borrow().bells;
    stage.recorded(all_equal()).wait(50).key(KeyCode::Char('j'));
    assert_eq!(stage.done.borrow().bells, bells);
    let titles = stage.done.borrow().titles.clone();
    let last = "SG2 ALLOW ENACT? [PRODUCTION] 8a941203 drygate";
    assert_eq!(titles.last().map(String::as_str), Some(last));
    let stop = StopCode::StopApprovalRequired;
    assert!(stage.says(stop.name()));
}

#[test]
fn a_wait_that_comes_while_one_looks_away_is_notified_once() {
    let whole = ScriptedRun::at_sg2(false);
    let asked = |name: &str| name == "evidence_taken";
    let last = whole
        .records
        .iter()
        .rposition(|record| asked(record.event.name()));
    let (before, after) = whole.records.split_at(last.expect("evidence"));
    let mut script = whole.clone();
    script.records = before.to_vec();
    let mut stage = Stage::new(&script, "09:31:15", (80, 24));
    assert_eq!(stage.done.borrow().notified, Vec::<String>::new());
    for record in after {
        stage.recorded((*record.event).clone());
    }
    stage.recorded(all_equal()).wait(50).key(KeyCode::Char('j'));
    let done = stage.done.borrow();
    let [said] = done.notified.as_slice() else {
        panic!("{:?}", done.notified);
    };
    assert!(
        said.starts_with("SG2 ALLOW ENACT? [PRODUCTION] 8a941203 drygate: WAITING FOR YOU"),
        "{said}"
    );
}

#[test]
fn enter_opens_the_row_and_esc_comes_back_to_it() {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::new(&script, "09:31:15", (80, 24));
    stage.key(KeyCode::Char('2'));
    for _ in 0..7 {
        stage.key(KeyCode::Char('j'));
    }
    stage.key(KeyCode::Enter);
    assert!(stage.says("FACT  fn_iu_enact_md5"), "{}", stage.text());
    stage.key(KeyCode::Char('y')).key(KeyCode::Esc);
    assert_eq!(stage.done.borrow().copied[0].len(), 32, "the whole md5");
    assert!(stage.says(">fn_iu_enact_md5"), "{}", stage.text());
    for (key, words) in [
        ('d', "NOTHING DIFFERS"),
        ('e', "EVIDENCE OF SG2"),
        ('?', "KEYS"),
        ('6', "6 EVENTS"),
        ('5', "5 PROOF"),
        ('3', "3 STOP POINTS"),
        ('4', "4 PREDICTED EFFECT"),
    ] {
        stage.key(KeyCode::Char(key));
        assert!(stage.says(words), "{key}: {}", stage.text());
        stage.key(KeyCode::Esc);
    }
}

#[test]
fn search_finds_and_goes_around() {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::new(&script, "09:31:15", (160, 48));
    stage.key(KeyCode::Char('2')).key(KeyCode::Char('/'));
    stage.types("unit_ver").key(KeyCode::Enter);
    assert!(stage.says(">unit_version"), "{}", stage.text());
    stage.key(KeyCode::Char('n'));
    assert!(stage.says(">unit_version"));
    stage
        .key(KeyCode::Esc)
        .key(KeyCode::Char('/'))
        .types("zzz")
        .key(KeyCode::Enter);
    assert!(stage.says("No \"zzz\" here."));
}

#[test]
fn nothing_is_decided_where_nothing_runs() {
    let script = ScriptedRun::at_sg2(false);
    for (source, key, words) in [
        (Source::Watching, 'r', "only watches"),
        (Source::Replay, 'a', "a replay cannot be approved"),
        (Source::Replay, 'x', "a replay cannot be approved"),
        (Source::Replay, 'r', "a replay reads no facts"),
    ] {
        let mut stage = Stage::from(&script, "09:31:15", (80, 24), source);
        stage.key(KeyCode::Char(key));
        assert!(stage.says(words), "{}", stage.text());
        assert!(stage.asked().is_empty());
    }
}

/// A watching screen on which all six characters were typed and Enter pressed.
fn approved_from_a_watch() -> Stage {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::from(&script, "09:31:15", (160, 48), Source::Watching);
    stage.wait(2_000).key(KeyCode::Char('a'));
    assert!(stage.says("not from this terminal"), "{}", stage.text());
    stage.recorded(shown(&script)).recorded(all_equal());
    stage.wait(1_000);
    rests_and_enters(stage.types(digest(&script).last_six()));
    let sent = matches!(stage.asked().last(), Some(Ask::Decide(_)));
    assert!(sent, "{}", stage.text());
    stage
}

fn answered(stage: &mut Stage, answer: Result<Option<String>, String>) {
    let ask = stage.asked().pop().expect("something was asked");
    stage.hear(ScreenMessage::Answered { ask, answer });
}

#[test]
fn from_a_watch_the_holder_s_answer_is_shown() {
    let mut stage = approved_from_a_watch();
    answered(&mut stage, Ok(Some("The holder took it.".to_owned())));
    assert!(stage.says("The holder took it."), "{}", stage.text());
    assert!(stage.says("recording..."), "the journal closes the sheet");
}

#[test]
fn from_a_watch_what_nobody_took_is_no_longer_on_its_way() {
    let mut stage = approved_from_a_watch();
    answered(&mut stage, Err("Nobody holds this run now.".to_owned()));
    assert!(stage.says("Nobody holds this run now."), "{}", stage.text());
    assert!(!stage.says("APPROVE SG2"), "{}", stage.text());
    assert!(stage.says("WAITING FOR YOU"), "{}", stage.text());
}

#[test]
fn leaving_a_watch_asks_nothing() {
    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility();
    let mut stage = Stage::from(&script, "09:31:15", (80, 24), Source::Watching);
    assert!(matches!(stage.leaves_by(KeyCode::Char('q')), Ending::Quit));
}

#[test]
fn renewed_sheet_is_led_by_the_difference() {
    let script = ScriptedRun::renewed();
    let mut stage = Stage::new(&script, "09:34:00", (92, 40));
    stage.wait(2_000).key(KeyCode::Char('a'));
    insta::assert_snapshot!("approve_sheet_after_drift_92x40", stage.text());
    let text = stage.text();
    let drifted = text.find("DRIFTED SINCE").expect("led by drift");
    assert!(drifted < text.find("A LIVE RUN").expect("prediction"));
}

#[test]
fn nothing_ticks_while_waiting() {
    let script = ScriptedRun::at_sg2(false);
    let until = |clock: &str| Stage::new(&script, clock, (80, 24)).screen.next_wake();
    let hours = until("09:31:15").expect("the last five minutes before the expiry");
    assert_eq!(hours.as_secs(), 7 * 3600 + 41 * 60 + 5);
    assert!(until("17:14:00").expect("minutes are counted").as_secs() <= 60);
    assert_eq!(
        until("17:17:25"),
        None,
        "expired: nothing changes by itself"
    );
    let mut running = ScriptedRun::new(false);
    running.up_to_feasibility();
    let stage = Stage::new(&running, "09:14:06", (80, 24));
    assert_eq!(stage.screen.next_wake().expect("it animates").as_secs(), 1);
    let (stage, _) = opened((80, 24));
    assert_eq!(stage.screen.next_wake().expect("it arms").as_secs(), 1);
}

#[test]
fn news_that_came_together_are_one_frame() {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::new(&script, "09:31:15", (80, 24));
    let before = stage.screen.frames();
    for _ in 0..500 {
        stage
            .sender
            .send(ScreenMessage::Watchers(vec!["opb".to_owned()]))
            .expect("open");
    }
    stage.hear(ScreenMessage::Watchers(Vec::new()));
    assert_eq!(stage.screen.frames(), before + 1);
}

#[test]
fn sheets_and_pages_as_they_look() {
    let (stage, _) = opened((160, 48));
    insta::assert_snapshot!("approve_sheet_160x48", stage.text());
    let mut stage = Stage::new(&ScriptedRun::drifted(), "09:33:07", (120, 36));
    stage.key(KeyCode::Char('d'));
    insta::assert_snapshot!("differences_drifted_120x36", stage.text());
    let mut stage = Stage::new(&ScriptedRun::at_sg2(false), "09:31:15", (80, 24));
    stage.key(KeyCode::Enter);
    insta::assert_snapshot!("gate_g0_80x24", stage.text());
    stage
        .key(KeyCode::Esc)
        .key(KeyCode::Char('5'))
        .key(KeyCode::Enter);
    insta::assert_snapshot!("claim_a_80x24", stage.text());
    stage.key(KeyCode::Esc).key(KeyCode::Char('?'));
    insta::assert_snapshot!("help_80x24", stage.text());
}

#[test]
fn the_proof_says_what_is_spent_of_a_budget() {
    let budget = drygate::run::RunBudget {
        seconds_max: Some(600),
        rows_max: Some(9_000),
        bytes_max: None,
    };
    let script = under(ScriptedRun::at_sg2(false), budget);
    let mut stage = Stage::new(&script, "09:31:15", (80, 24));
    stage.key(KeyCode::Char('5')).key(KeyCode::Enter);
    for line in [
        "rows          840 of 9000 rows (budgets.run_rows_max)",
        "bytes         180000  ",
        "transactions  0.94 s of 600 s (budgets.run_seconds_max)",
    ] {
        assert!(stage.says(line), "{line}: {}", stage.text());
    }
}

#[test]
fn what_was_announced_is_no_longer_said_once_it_came() {
    let script = ScriptedRun::at_sg2(false);
    let mut stage = Stage::new(&script, "09:31:15", (80, 24));
    let said = "Reading all facts again now; the evidence stays.";
    stage.wait(5_000).key(KeyCode::Char('r'));
    assert!(stage.says(said), "{}", stage.text());
    stage.recorded(all_equal());
    assert!(!stage.says(said), "{}", stage.text());
}

#[test]
fn who_watches_is_named_as_far_as_there_is_room() {
    let names =
        |names: &[&str]| ScreenMessage::Watchers(names.iter().map(|&n| n.to_owned()).collect());
    for (size, watchers, words) in [
        ((160, 48), &["opb"][..], "watching: opb   journal"),
        (
            (160, 48),
            &["opb", "opc", "opd", "ope", "opf"],
            "watching: opb, opc, opd and 2 more",
        ),
        ((104, 30), &["opb"], "watching: opb"),
        ((92, 30), &["somebody-of-the-night-shift"], "watched"),
    ] {
        let mut stage = Stage::new(&ScriptedRun::at_sg2(false), "09:31:15", size);
        assert!(!stage.says("watch"), "{}", stage.text());
        stage.hear(names(watchers));
        assert!(stage.says(words), "{words}\n{}", stage.text());
        stage.hear(names(&[]));
        assert!(!stage.says("watch"), "who is gone disappears");
    }
}

/// Each pace in turn. `make check` leaves these out.
mod exhaustive {
    use super::*;

    #[test]
    fn a_paste_that_a_terminal_paces_never_approves() {
        for gap in (3..=60).chain([699]) {
            let (mut stage, script) = opened((80, 24));
            stage.wait(2_000);
            for c in digest(&script).last_six().chars() {
                stage.wait(gap).key(KeyCode::Char(c));
            }
            for _ in 0..20 {
                stage.wait(gap).key(KeyCode::Enter);
            }
            assert_eq!(approvals(&stage), 0, "{gap} ms");
            let says = if gap < 5 {
                "all of them were dropped"
            } else {
                "Enter came too soon after another key: press Enter again."
            };
            assert!(stage.says(says), "{gap} ms: {}", stage.text());
        }
    }
}

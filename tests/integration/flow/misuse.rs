//! Everything that is not an approval. Invariant: after each the run still waits and its journal holds no approval.

use std::time::{Duration, Instant};

use drygate::postgres::throwaway::Scenario;

use crate::support::ground::{
    Ground, RunFiles, approve, band, close_sheet, digest_on, is_ready, open_sheet, press_enter,
    text, type_seen, wait_at,
};
use crate::support::pty::{Exit, Terminal, key};

const EMPTY: &str = "[______]";

/// Nothing was decided.
#[track_caller]
fn assert_waits(run: &RunFiles) {
    assert_eq!(run.state(), "awaiting_cut_authorization");
    assert_eq!(run.decisions(), Vec::<String>::new());
}

/// Enter on a READY sheet with nothing typed: it says so, and that is all.
#[track_caller]
fn enter_is_too_short(terminal: &mut Terminal) {
    terminal.type_slowly(key::ENTER);
    terminal.wait_for("Enter counts once all six are right.");
    assert!(terminal.screen().contains(EMPTY), "{}", terminal.screen());
}

#[test]
fn what_is_typed_before_ready_is_dropped() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let six = run.evidence()[58..].to_owned();
    // All at once with the key that opens the sheet.
    terminal.keys(&format!("a{six}\r"));
    let ready = terminal.wait_until("READY", is_ready);
    assert!(
        ready.contains("(what was typed before READY was dropped)"),
        "{ready}"
    );
    assert!(ready.contains(EMPTY), "{ready}");
    enter_is_too_short(&mut terminal);
    close_sheet(&mut terminal);
    wait_at(&terminal, "SG1");
    // As a person types, but too early: a server that stands still keeps the sheet from being READY.
    let stopped = ground.stop_server();
    terminal
        .keys("a")
        .hold(&six[..1], 1)
        .hold(&six[1..2], 1)
        .hold(key::ENTER, 1);
    stopped.answer_again();
    let ready = terminal.wait_until("READY", is_ready);
    assert!(ready.contains(EMPTY), "{ready}");
    enter_is_too_short(&mut terminal);
    assert_waits(&run);
    // The same sheet still takes the right characters.
    type_seen(&mut terminal, &six);
    press_enter(&mut terminal);
    wait_at(&terminal, "SG2");
}

#[test]
fn a_paste_of_the_right_characters_is_dropped() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let digest = open_sheet(&mut terminal);
    let six = &digest[58..];
    let dropped = "A paste, or characters under 5 ms apart: all of them were dropped.";
    let held = [
        format!("\x1b[200~{six}\x1b[201~"),
        format!("\x1b[200~{six}\r\x1b[201~"),
        // A paste that holds the end of a paste: what follows is a burst.
        format!("\x1b[200~\x1b[201~{six}\r\x1b[201~"),
        six.to_owned(),
        format!("{six}\r"),
        format!("{digest}\r"),
    ];
    for pasted in held {
        terminal.keys(&pasted);
        let screen = terminal.wait_for(dropped);
        assert!(screen.contains(EMPTY), "{pasted:?}: {screen}");
        enter_is_too_short(&mut terminal);
        assert_waits(&run);
    }
    // Half typed, half pasted: the half that was typed stands, an Enter in the burst is none.
    type_seen(&mut terminal, &six[..3]);
    terminal.silence().keys(&format!("{}\r", &six[3..]));
    terminal.wait_for(dropped);
    terminal.wait_for(&format!("[{}___]", &six[..3]));
    assert_waits(&run);
    terminal.silence().type_slowly(&six[3..]);
    press_enter(&mut terminal);
    wait_at(&terminal, "SG2");
    assert_eq!(run.decisions(), ["SG1 approve"]);
}

/// Takes back whatever stands in the six places.
fn empties(terminal: &mut Terminal) {
    // More than any text of the test leaves there.
    for _ in 0..9 {
        terminal.type_slowly(key::BACKSPACE);
    }
    terminal.wait_for(EMPTY);
}

#[test]
fn twenty_paced_pastes_approve_nothing_and_twenty_typings_are_taken() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let digest = open_sheet(&mut terminal);
    let six = &digest[58..];
    let (mut paced, mut stood) = (0, 0);
    for nth in 0_u64.. {
        if paced == 20 {
            break;
        }
        assert!(
            stood < 20,
            "this machine stands still too often to pace a paste"
        );
        let text = [
            format!("{six}\r"),
            format!("{six}\r\r"),
            format!("{six}zz\r"),
        ];
        let text = &text[usize::try_from(nth % 3).expect("small")];
        // From 1 to 58 ms a character.
        let gap = Duration::from_millis(1 + 3 * (nth % 20));
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        for c in text.chars() {
            std::thread::sleep(gap);
            terminal.keys(c.encode_utf8(&mut [0; 4]));
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        terminal.wait_until("an answer to the Enter", |screen| {
            [
                "press Enter again",
                "all of them were dropped",
                "more than six",
                "all six are right",
            ]
            .iter()
            .any(|says| screen.contains(says))
                || run.decisions() == ["SG1 approve"]
        });
        if longest >= Duration::from_millis(300) {
            // The test itself stood still: for the program this may have been a hand.
            stood += 1;
        } else {
            paced += 1;
            assert_eq!(run.decisions(), Vec::<String>::new(), "{text:?}, {gap:?}");
        }
        empties(&mut terminal);
    }
    assert_waits(&run);
    for nth in 0..20_u64 {
        for c in six.chars() {
            std::thread::sleep(Duration::from_millis(30 + nth * 370 / 19));
            terminal.keys(c.encode_utf8(&mut [0; 4]));
        }
        if nth == 19 {
            press_enter(&mut terminal);
        } else {
            terminal.wait_for("READY  Enter approves now");
            empties(&mut terminal);
        }
    }
    wait_at(&terminal, "SG2");
    assert_eq!(run.decisions(), ["SG1 approve"]);
}

#[test]
fn a_wrong_character_is_marked_and_costs_nothing() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let digest = open_sheet(&mut terminal);
    let six = &digest[58..];
    type_seen(&mut terminal, &six[..2]);
    terminal.type_slowly("z");
    terminal.wait_for(&format!("[{}z___]  ! not this one", &six[..2]));
    terminal.type_slowly(key::ENTER);
    terminal.wait_for("Enter counts once all six are right.");
    assert_waits(&run);
    terminal.type_slowly(&six[2..3]);
    let screen = terminal.wait_for(&format!("[{}___]", &six[..3]));
    assert!(!screen.contains("not this one"), "{screen}");
    terminal.type_slowly(key::BACKSPACE);
    terminal.wait_for(&format!("[{}____]", &six[..2]));
    terminal.type_slowly(&six[2..]);
    terminal.wait_for(&format!("[{six}]"));
    assert_waits(&run);
    press_enter(&mut terminal);
    wait_at(&terminal, "SG2");
}

#[test]
fn more_than_six_characters_are_not_six() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let digest = open_sheet(&mut terminal);
    let six = &digest[58..];
    type_seen(&mut terminal, six);
    terminal.wait_for("READY  Enter approves now");
    terminal.type_slowly("zz9");
    terminal.wait_for(&format!("[{six}zz9]  ! too many"));
    // Keys are taken in order: once the last Backspace is seen, so was the Enter before it.
    terminal.silence().silence().keys(key::ENTER);
    for _ in 0..3 {
        terminal.type_slowly(key::BACKSPACE);
    }
    terminal.wait_for(&format!("[{six}]"));
    assert_waits(&run);
    press_enter(&mut terminal);
    wait_at(&terminal, "SG2");
}

#[test]
fn a_resize_disarms_and_a_small_sheet_is_read_to_its_end() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let digest = open_sheet(&mut terminal);
    let six = &digest[58..];
    type_seen(&mut terminal, six);
    terminal.resize(150, 44);
    let again = "The screen changed: the sheet arms again, what was typed is gone.";
    // A repaint comes in pieces: what was asked for stands together.
    terminal.wait_until("the sheet, disarmed", |screen| {
        screen.contains(again) && screen.contains(EMPTY) && !is_ready(screen)
    });
    terminal.wait_until("READY again", is_ready);
    enter_is_too_short(&mut terminal);
    assert_waits(&run);
    // The digest is below the edge: the sheet does not arm until it was seen.
    terminal.resize(80, 20);
    let screen = terminal.wait_until("a sheet that goes on below", |screen| {
        screen.contains("more lines below: Down or PgDn.")
    });
    assert!(!is_ready(&screen), "{screen}");
    terminal.type_slowly(six).type_slowly(key::ENTER);
    terminal.wait_for("not ready: read on to the last line");
    assert_waits(&run);
    while !terminal.screen().contains("evidence sha256")
        || terminal.screen().contains("more lines below")
    {
        let before = terminal.screen();
        terminal.silence().keys(key::PAGE_DOWN);
        terminal.wait_until("the sheet scrolled", |screen| *screen != before);
    }
    let screen = terminal.wait_until("READY at its end", is_ready);
    assert_eq!(digest_on(&screen), digest);
    assert!(screen.contains(EMPTY), "{screen}");
    type_seen(&mut terminal, six);
    press_enter(&mut terminal);
    terminal.wait_until("SG2 waits", |screen| {
        screen.contains("awaiting_lifecycle_authorization") && screen.contains("WAITING FOR YOU")
    });
}

#[test]
fn a_held_key_decides_nothing() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    // It opens the sheet, and is then no silence.
    terminal.hold("a", 40);
    let digest = digest_on(&terminal.wait_until("READY", is_ready));
    for held in [&digest[58..59], "f", key::ENTER, key::ESC, "x", " "] {
        terminal.hold(held, 12);
    }
    assert_waits(&run);
    assert_eq!(terminal.exit(), None);
}

#[test]
fn no_single_key_decides() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    // All but q, which leaves.
    let keys = (b' '..=b'~').map(char::from).filter(|key| *key != 'q');
    let mut keys: Vec<String> = keys.map(String::from).collect();
    keys.extend([key::ENTER, key::TAB, key::BACKSPACE, key::CTRL_L].map(str::to_owned));
    for key in keys {
        terminal.type_slowly(&key);
        if "axed?/123456\r".contains(&key) {
            terminal
                .type_slowly(key::ENTER)
                .type_slowly(key::ESC)
                .type_slowly(key::ESC);
        }
    }
    wait_at(&terminal, "SG1");
    assert_waits(&run);
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
    assert_waits(&run);
}

#[test]
fn a_decision_on_anything_else_is_refused_and_the_run_waits() {
    let ground = Ground::new(Scenario::Draft);
    let home = ground.home();
    let other = ground.headless();
    assert_eq!(other.code, 3, "{}", other.text);
    let other_id = text(&other.json["run_id"]);
    let other = text(&other.json["evidence"]);
    let mut terminal = ground.at_sg1("0");
    let mut runs = home.runs().into_iter();
    let run = runs.find(|run| run.id() != other_id);
    let run = run.expect("the run on screen");
    let id = run.id();
    let sg1 = run.evidence();
    assert_ne!(other, sg1);
    let band_refuses = |terminal: &Terminal, gate: &str, sentence: &str| {
        terminal.wait_until(sentence, |screen| {
            band(screen).starts_with(&format!("{gate}   APPROVAL REFUSED"))
                && band(screen).contains("STILL WAITING")
                && screen.contains(sentence)
        });
    };

    let said = home.approve(&id, "SG1", &other);
    assert_eq!(said.code, 6, "{}", said.text);
    assert_eq!(said.json["stop_code"], "STOP_APPROVAL_REFUSED");
    band_refuses(
        &terminal,
        "SG1",
        "The digest is of no evidence of this run.",
    );
    let said = home.approve(&id, "SG2", &sg1);
    assert_eq!(said.code, 6, "{}", said.text);
    band_refuses(&terminal, "SG1", "The run waits at SG1, not at SG2.");
    let said = home.approve(&id, "SG1", &format!("{:0<64}", &sg1[..58]));
    assert_eq!(said.code, 6, "{}", said.text);
    assert_waits(&run);
    // A refusal costs nothing: the sheet opens as before.
    let digest = open_sheet(&mut terminal);
    type_seen(&mut terminal, &digest[58..]);
    // Enter twice: the second finds nothing to decide.
    press_enter(&mut terminal);
    terminal.type_slowly(key::ENTER);
    terminal.wait_until("SG2 waits", |screen| {
        band(screen).starts_with("SG2   ALLOW ENACT?")
    });
    assert_eq!(run.decisions(), ["SG1 approve"]);

    let said = home.approve(&id, "SG1", &sg1);
    assert_eq!(said.code, 6, "twice: {}", said.text);
    band_refuses(&terminal, "SG2", "The approval of SG1 was used already.");
    let said = home.approve(&id, "SG2", &sg1);
    assert_eq!(said.code, 6, "of the other gate: {}", said.text);
    band_refuses(
        &terminal,
        "SG2",
        "The digest is of SG1, not SG2. Nothing was recorded as approved.",
    );
    assert_eq!(run.decisions(), ["SG1 approve"]);
    assert_eq!(run.state(), "awaiting_lifecycle_authorization");
    assert_eq!(run.refusals().len(), 5, "{:?}", run.refusals());

    let sg2 = run.evidence();
    close_sheet(&mut terminal);
    assert_eq!(approve(&mut terminal), sg2);
    terminal.wait_for("O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    let said = home.approve(&id, "SG2", &sg2);
    assert_eq!(said.code, 6, "of a sealed run: {}", said.text);
    assert_eq!(run.decisions(), ["SG1 approve", "SG2 approve"]);
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
}

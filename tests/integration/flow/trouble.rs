//! Servers that hang, terminals that hang, signals. Invariant: no part waits for another, and whatever ends the screen gives the terminal back.

use std::path::Path;
use std::time::Duration;

use drygate::postgres::throwaway::Scenario;
use rustix::process::Signal;

use crate::support::ground::{
    Ground, RunFiles, approve, band, close_sheet, is_ready, open_sheet, press_enter, type_seen,
    wait_at,
};
use crate::support::pty::{Exit, key};

const PASS: &str = "O4_LIVE_DRYRUN_ORCHESTRATION_PASS";

fn failed_reads(run: &RunFiles) -> usize {
    let mut reads = run.events("live_read");
    reads.retain(|read| !read["failed"].is_null());
    reads.len()
}

#[test]
fn waiting_draws_and_records_nothing() {
    let ground = Ground::new(Scenario::Draft);
    let terminal = ground.at_sg1("0");
    let run = ground.home().run();
    // What the wait began with is over when a second has passed without a byte.
    while terminal.bytes_within(Duration::from_secs(1)) > 0 {}
    let lines = run.journal().len();
    // What it costs in CPU is a row of `benches/screen`: a busy machine would fail a test of it.
    assert_eq!(terminal.bytes_within(Duration::from_secs(10)), 0);
    assert_eq!(run.journal().len(), lines);
    let sessions =
        "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = 'context_pack_readonly'";
    assert_eq!(ground.ask(sessions), "0");
    assert_eq!(terminal.exit(), None);
}

#[test]
fn a_server_that_stops_answering_delays_no_key() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("1");
    let run = ground.home().run();
    let stopped = ground.stop_server();
    // The sheet's own survey is under way, or waits behind a live read: either way nothing comes back.
    terminal.type_slowly("a");
    terminal.wait_for("not ready: all facts are being read again");
    terminal.type_slowly("7");
    terminal.wait_for("What is typed before READY is dropped.");
    close_sheet(&mut terminal);
    terminal.type_slowly("?");
    let help =
        "approve: opens the sheet; the digest's last six characters, a pause and Enter decide";
    terminal.wait_for(help);
    terminal.type_slowly(key::ESC);
    terminal.wait_until("the help to close", |screen| !screen.contains(help));
    terminal.type_slowly("2");
    terminal.wait_until("focus on a pane", |screen| {
        screen.contains("│>role") || screen.contains(">role")
    });
    terminal.keys(key::DOWN);
    terminal.wait_until("the row below", |screen| {
        screen.contains(">role_is_read_only")
    });
    assert_eq!(
        failed_reads(&run),
        0,
        "all of that was painted while the server hung"
    );

    terminal.wait_until("the database is gone", |screen| {
        band(screen).contains("WAITING, LIVE CHECK FAILED")
    });
    assert!(
        terminal.screen().contains("Not read since"),
        "{}",
        terminal.screen()
    );
    assert_eq!(run.state(), "awaiting_cut_authorization", "the run is kept");
    stopped.answer_again();
    terminal.type_slowly("r");
    wait_at(&terminal, "SG1");
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
}

#[test]
fn a_lock_that_a_live_read_or_the_sheet_meets_is_named_and_moves_nothing() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("1");
    let run = ground.home().run();
    let why = "locked by another session (55P03";
    let told = |reads: &[serde_json::Value], complete: bool| {
        reads.iter().any(|read| {
            let failed = read["failed"].as_str().unwrap_or_default();
            failed.contains(why) && read["complete"] == complete
        })
    };
    let lock = ground.lock("public.lifecycle_log");
    terminal.wait_until("the live read that failed", |screen| {
        band(screen).contains("WAITING, LIVE CHECK FAILED") && told(&run.events("live_read"), false)
    });
    terminal.type_slowly("a");
    terminal.wait_until("the survey of the sheet that failed", |_| {
        told(&run.events("live_read"), true)
    });
    drop(lock);
    close_sheet(&mut terminal);
    assert!(run.events("drift_found").is_empty());
    let reads = run.events("live_read");
    let moved = reads
        .iter()
        .filter(|read| read["changed"] != serde_json::json!([]));
    assert_eq!(moved.count(), 0, "{reads:?}");
    terminal.wait_until("the live read after the lock", |screen| {
        !band(screen).contains("FAILED")
    });
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
}

#[test]
fn a_server_that_is_gone_before_the_first_survey_is_said_to_be_and_asked_again_with_one_key() {
    let ground = Ground::new(Scenario::Draft);
    let stopped = ground.stop_server();
    let mut terminal = ground.screen("0").open();
    terminal.wait_until("the stop", |screen| {
        let last = screen.contains("stop_raised           STOP_DATABASE_UNAVAILABLE");
        screen.contains("DATABASE UNAVAILABLE") && screen.contains("r try again") && last
    });
    let run = ground.home().run();
    assert_eq!(run.state(), "prechecked");
    assert_eq!(
        terminal.bytes_within(Duration::from_secs(2)),
        0,
        "nothing ticks"
    );
    stopped.answer_again();
    terminal.type_slowly("r");
    wait_at(&terminal, "SG1");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
}

#[test]
fn leaving_does_not_wait_for_a_server_that_hangs() {
    let ground = Ground::new(Scenario::Draft);
    let sockets = tempfile::tempdir().expect("a folder");
    let mut terminal = ground.screen("0").env("TMPDIR", sockets.path()).open();
    wait_at(&terminal, "SG1");
    assert_eq!(files_below(sockets.path()), 1, "it listens for decisions");
    let run = ground.home().run();
    let stopped = ground.stop_server();
    terminal.type_slowly("r");
    terminal.wait_for("Reading all facts again now; the evidence stays.");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
    assert_eq!(
        failed_reads(&run),
        0,
        "it left before the server was given up"
    );
    // The runner ended by itself, not with the process: it took its socket away, and the run can be taken up.
    assert_eq!(files_below(sockets.path()), 0);
    stopped.answer_again();
    let again = ground
        .home()
        .script(&["resume", &run.id(), "--headless", "--json"]);
    assert_eq!(again.code, 3, "{}", again.text);
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}

#[test]
fn a_terminal_that_is_not_read_does_not_hold_the_runner_up() {
    let ground = Ground::new(Scenario::Draft);
    let home = ground.home();
    let mut terminal = ground.at_sg1("0");
    let run = home.run();
    terminal.stop_reading();
    // Frames without number: more than any pty holds.
    for columns in [150, 140, 130, 150, 140, 130, 150, 160] {
        terminal.resize(columns, 48).keys(key::CTRL_L);
    }
    let first = home.approve(&run.id(), "SG1", &run.evidence());
    assert_eq!(first.code, 3, "{}", first.text);
    let second = home.approve(&run.id(), "SG2", &run.evidence());
    assert_eq!(second.code, 0, "{}", second.text);
    assert_eq!(run.journal().pop().expect("a line")["event"], "run_sealed");
    assert_eq!(run.manifest_complaints(), "");
    assert!(!terminal.screen().contains(PASS), "nothing of it was read");
    terminal.resume_reading();
    terminal.wait_until(PASS, |screen| band(screen).starts_with(PASS));
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
}

#[test]
fn signals_give_the_terminal_back_and_the_run_waits() {
    let ground = Ground::new(Scenario::Draft);
    let signals = [
        (Signal::TERM, 15),
        (Signal::HUP, 1),
        (Signal::INT, 2),
        (Signal::QUIT, 3),
    ];
    for (signal, number) in signals {
        let mut terminal = ground.at_sg1("0");
        let run = ground.home().runs().pop().expect("the run on screen");
        open_sheet(&mut terminal);
        let lines = run.journal().len();
        terminal.signal(signal);
        assert_eq!(terminal.wait_exit(), Exit::Code(128 + number));
        assert_eq!(terminal.left_behind(), Vec::<String>::new(), "{signal:?}");
        let words = terminal.screen();
        assert!(words.contains("waits at SG1. Resume: /"), "{words}");
        assert_eq!(run.state(), "awaiting_cut_authorization");
        assert_eq!(run.journal().len(), lines, "nothing more was written");
    }
}

#[test]
fn a_pending_approval_outlives_a_signal() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let digest = open_sheet(&mut terminal);
    type_seen(&mut terminal, &digest[58..]);
    let stopped = ground.stop_server();
    press_enter(&mut terminal);
    terminal.wait_until("the pending approval", |screen| {
        band(screen).contains("APPROVAL PENDING")
    });
    let said = ground.home().approve(&run.id(), "SG1", &digest);
    assert!(
        matches!(said.code, 6 | 75),
        "a second one meanwhile: {}",
        said.text
    );
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait_exit(), Exit::Code(143));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
    assert_eq!(run.decisions(), ["SG1 approve"]);
    assert_eq!(run.state(), "awaiting_cut_authorization");
    stopped.answer_again();
    // It takes effect without being asked for again.
    let said = ground
        .home()
        .script(&["resume", &run.id(), "--headless", "--json"]);
    assert_eq!(said.code, 3, "{}", said.text);
    assert_eq!(said.json["gate"], "SG2");
    assert_eq!(run.decisions(), ["SG1 approve"]);
}

#[test]
fn a_closed_terminal_ends_the_program() {
    let ground = Ground::new(Scenario::Draft);
    for stir in [key::CTRL_L, "?"] {
        let mut terminal = ground.at_sg1("0");
        terminal.hang_up(stir);
        assert!(
            matches!(terminal.wait_exit(), Exit::Code(129)),
            "{:?}",
            terminal.exit()
        );
    }
    for run in ground.home().runs() {
        assert_eq!(run.state(), "awaiting_cut_authorization");
        let said = ground
            .home()
            .script(&["resume", &run.id(), "--headless", "--json"]);
        assert_eq!(said.code, 3, "the run can be taken up: {}", said.text);
    }
}

#[test]
fn a_suspension_gives_the_terminal_back_and_disarms() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let digest = open_sheet(&mut terminal);
    let six = &digest[58..];
    for stop in [Some(key::CTRL_Z), None] {
        type_seen(&mut terminal, six);
        let shown = run.events("evidence_shown").len();
        match stop {
            Some(key) => terminal.type_slowly(key),
            None => terminal.signal(Signal::TSTP),
        };
        terminal.wait_stopped().wait_given_back();
        assert_eq!(terminal.left_behind(), Vec::<String>::new());
        terminal.signal(Signal::CONT);
        let screen = terminal.wait_for("[______]");
        assert!(!is_ready(&screen), "{screen}");
        let ready = terminal.wait_until("READY again", is_ready);
        assert!(ready.contains("[______]"), "{ready}");
        assert!(
            run.events("evidence_shown").len() > shown,
            "it was shown and read again"
        );
        assert_eq!(run.decisions(), Vec::<String>::new());
    }
    type_seen(&mut terminal, six);
    press_enter(&mut terminal);
    wait_at(&terminal, "SG2");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
}

/// Sizes that a window manager, a bug or an attacker can come up with.
const SIZES: [(u16, u16); 12] = [
    (1, 1),
    (2, 1),
    (1, 200),
    (300, 2),
    (59, 15),
    (60, 16),
    (79, 24),
    (80, 24),
    (500, 200),
    (20, 48),
    (160, 10),
    (161, 47),
];

#[test]
fn a_storm_of_sizes_ends_no_screen() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    for opened in ["", "a", "x", "?", "d", "e"] {
        if !opened.is_empty() {
            terminal.type_slowly(opened);
        }
        for (columns, rows) in SIZES {
            terminal.resize(columns, rows);
        }
        for (columns, rows) in [
            (0, 0),
            (0, 24),
            (80, 0),
            (65_535, 48),
            (80, 65_535),
            (65_535, 65_535),
        ] {
            terminal.claim_size(columns, rows);
        }
        terminal.resize(160, 48);
        terminal
            .type_slowly(key::ESC)
            .type_slowly(key::ESC)
            .type_slowly(key::CTRL_L);
        wait_at(&terminal, "SG1");
    }
    assert_eq!(run.decisions(), Vec::<String>::new());
    assert_eq!(terminal.exit(), None);
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
}

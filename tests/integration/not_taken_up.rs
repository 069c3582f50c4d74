//! A run that waits, opened: it is shown, and nothing is written until a key takes it up.

use std::path::Path;

use drygate::postgres::throwaway::Scenario;

use super::support::ground::{Ground, Home, approve, band, close_sheet, open_sheet, wait_at};
use super::support::pty::{Exit, Launch, Terminal, key};
use super::support::server::files;

const BADGE: &str = "NOT TAKEN UP";

/// The run, opened as from the list.
fn opened(home: &Home) -> Terminal {
    let data = home.path.display().to_string();
    let terminal = Launch::drygate([home.run().id().as_str(), "--data-dir", &data])
        .env("DRYGATE_LIVE_INTERVAL", "0")
        .size(160, 48)
        .open();
    terminal.wait_for(BADGE);
    terminal
}

/// Names and contents of everything in the data directory but the index of runs, which can be deleted.
fn evidence(home: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = files(home);
    all.retain(|(path, _)| !path.components().any(|part| part.as_os_str() == "cache"));
    all
}

#[test]
fn a_waiting_run_is_shown_and_nothing_is_written_until_a_key_takes_it_up() {
    let ground = Ground::new(Scenario::Draft);
    let home = ground.home();
    let mut first = ground.at_sg1("0");
    first.keys("q");
    assert_eq!(first.wait_exit(), Exit::Code(3));
    let before = evidence(&home.path);

    let mut shown = opened(&home);
    let screen = shown.wait_until("the run as it waits", |screen| {
        band(screen).starts_with("SG1")
    });
    assert!(screen.contains(BADGE), "{screen}");
    // Looking around is no reason to write.
    shown.keys("d");
    shown.wait_for("1 FACTS");
    shown.keys(key::ESC);
    shown.wait_for(BADGE);
    shown.keys("q");
    assert_eq!(shown.wait_exit(), Exit::Code(3));
    assert_eq!(evidence(&home.path), before);

    // `a` takes it up with the sheet open, and what it approves is what was shown.
    let mut shown = opened(&home);
    approve(&mut shown);
    let screen = wait_at(&shown, "SG2");
    assert!(!screen.contains(BADGE), "{screen}");
    assert!(!screen.contains("watching:"), "it watches itself: {screen}");
    assert_eq!(home.run().events("run_resumed").len(), 1);
    shown.keys("q");
    assert_eq!(shown.wait_exit(), Exit::Code(3));

    // `R` takes it up and decides nothing; `x` opens the other sheet.
    let mut shown = opened(&home);
    shown.keys("R");
    shown.wait_until("the run taken up", |screen| {
        !screen.contains(BADGE) && home.run().events("run_resumed").len() == 2
    });
    wait_at(&shown, "SG2");
    shown.keys("q");
    assert_eq!(shown.wait_exit(), Exit::Code(3));
    let mut shown = opened(&home);
    shown.keys("x");
    shown.wait_until("the sheet of a run taken up", |screen| {
        screen.contains("reason") && home.run().events("run_resumed").len() == 3
    });
    shown.type_slowly(key::ESC);
    wait_at(&shown, "SG2");
    shown.keys("q");
    assert_eq!(shown.wait_exit(), Exit::Code(3));
}

#[test]
fn a_drifted_run_is_shown_and_r_takes_new_evidence() {
    let ground = Ground::new(Scenario::Draft);
    let home = ground.home();
    let mut first = ground.at_sg1("0");
    first.keys("q");
    assert_eq!(first.wait_exit(), Exit::Code(3));
    ground.intrude("GRANT SELECT ON public.unit_version TO PUBLIC");
    let run = home.run();
    let said = home.approve(&run.id(), "SG1", &run.evidence());
    assert_eq!(
        said.json["stop_code"], "STOP_FACTS_DRIFTED",
        "{}",
        said.text
    );
    let before = evidence(&home.path);

    let mut shown = opened(&home);
    shown.wait_until("the drift", |screen| {
        band(screen).starts_with("SG1   FACTS DRIFTED")
    });
    shown.keys("q");
    shown.wait_exit();
    assert_eq!(evidence(&home.path), before);

    let mut shown = opened(&home);
    shown.keys("r");
    wait_at(&shown, "SG1");
    assert_eq!(home.run().events("evidence_renewed").len(), 1);
    open_sheet(&mut shown);
    close_sheet(&mut shown);
    shown.keys("q");
    assert_eq!(shown.wait_exit(), Exit::Code(3));
}

#[test]
fn a_run_that_another_process_holds_is_watched() {
    let ground = Ground::new(Scenario::Draft);
    let home = ground.home();
    let mut holder = ground.at_sg1("0");
    let data = home.path.display().to_string();
    let mut other = Launch::drygate([home.run().id().as_str(), "--data-dir", &data])
        .env("TMPDIR", home.place())
        .size(160, 48)
        .open();
    other.wait_for("WATCHING");
    other.keys("q");
    assert_eq!(other.wait_exit(), Exit::Code(0));
    holder.keys("q");
    assert_eq!(holder.wait_exit(), Exit::Code(3));
}

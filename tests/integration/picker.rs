//! The list of runs on a terminal, over real runs. Invariant: what is opened from it is the product's own screen, and the list comes back to the same row.

use std::fs;
use std::path::Path;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use crate::support::ground::{Ground, Home, wait_at};
use crate::support::pty::{Exit, Launch, Terminal, key};

fn word(document: &Value, key: &str) -> String {
    document[key].as_str().expect("a text").to_owned()
}

/// A run that stands at a drift stop. Gives its id.
fn drifted_run(ground: &Ground) -> String {
    let asked = ground.headless();
    assert_eq!(asked.code, 3, "{}", asked.text);
    let run_id = word(&asked.json, "run_id");
    ground.intrude(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    let evidence = word(&asked.json, "evidence");
    let drifted = ground.home().approve(&run_id, "SG1", &evidence);
    assert_eq!(drifted.code, 4, "{}", drifted.text);
    run_id
}

/// A run that drifted and was rejected for it; then one that waits. Gives their ids.
fn two_runs(ground: &Ground) -> [String; 2] {
    let home = ground.home();
    let run_id = drifted_run(ground);
    let why = "who changed 0017?";
    let rejected = home.script(&["reject", &run_id, "SG1", "--reason", why, "--json"]);
    assert_eq!(rejected.code, 5, "{}", rejected.text);
    let waiting = ground.headless();
    assert_eq!(waiting.code, 3, "{}", waiting.text);
    [run_id, word(&waiting.json, "run_id")]
}

#[test]
fn opening_a_drifted_run_shows_the_drift_and_takes_no_new_evidence() {
    let ground = Ground::new(Scenario::Draft);
    let run_id = drifted_run(&ground);
    let renewed = || {
        let journal = ground.home().path.join("runs").join(&run_id);
        let journal = fs::read_to_string(journal.join("journal.jsonl")).expect("a journal");
        journal.matches("\"event\":\"evidence_renewed\"").count()
    };
    let mut terminal = list(&ground.home().path, (120, 36));
    terminal.wait_for("drift at SG1");
    terminal.type_slowly("\r").wait_for("r takes new evidence");
    assert_eq!(renewed(), 0);

    // Only the key that says so does.
    terminal.type_slowly("r").wait_for("SG1   ALLOW CUT?");
    assert_eq!(renewed(), 1);
    terminal.type_slowly("q").wait_for("waits at SG1");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
}

/// Beside a run: a copy with one bit flipped, one that a newer drygate wrote, and somebody's notes.
fn strange_neighbours(home: &Home, run_id: &str) {
    let runs = home.path.join("runs");
    let journal = fs::read(runs.join(run_id).join("journal.jsonl")).expect("a journal");
    let put = |name: &str, journal: &[u8]| {
        let path = runs.join(name);
        fs::create_dir(&path).expect("a folder");
        fs::write(path.join("journal.jsonl"), journal).expect("a file");
        path
    };
    let mut flipped = journal.clone();
    flipped[journal.len() / 2] ^= 1;
    let damaged = put("ictr-20200101T000000Z-0000f11b", &flipped);
    fs::copy(runs.join(run_id).join("HEAD"), damaged.join("HEAD")).expect("a copy");
    let line = String::from_utf8(journal).expect("ASCII");
    let line = line.lines().next().expect("a line");
    let newer = line.replacen("{\"v\":1,", "{\"v\":99,", 1) + "\n";
    put("ictr-20200102T000000Z-0000beef", newer.as_bytes());
    fs::create_dir(runs.join("notes of op_a")).expect("a folder");
}

fn list(home: &Path, size: (u16, u16)) -> Terminal {
    let words = ["runs", "--data-dir"].map(str::to_owned);
    let mut words = words.to_vec();
    words.push(home.display().to_string());
    words.extend(["--live-interval", "0"].map(str::to_owned));
    let launch = Launch::drygate(words).env("TMPDIR", home).cwd(home);
    launch.size(size.0, size.1).open()
}

/// The row that is chosen, once a whole frame is on screen: the footer is drawn last.
fn chosen(terminal: &Terminal) -> String {
    let screen = terminal.wait_until("a row is chosen", |screen| {
        screen.contains("│>") && screen.contains("leave")
    });
    let (_, rows) = screen.size();
    let mut rows = (0..rows).map(|row| screen.row(row));
    let row = rows.find(|row| row.starts_with("│>"));
    row.unwrap_or_else(|| panic!("no row is chosen:\n{screen}"))
}

#[test]
fn a_drifted_run_is_found_opened_left_and_verified() {
    let ground = Ground::new(Scenario::Draft);
    let [drifted, waiting] = two_runs(&ground);
    strange_neighbours(&ground.home(), &drifted);
    let mut terminal = list(&ground.home().path, (160, 48));
    let first = terminal.wait_until("all of them read", |screen| {
        screen.contains("1 RUN WAITS FOR A PERSON")
            && screen.contains("[1 all 5]")
            && screen.contains("a directory whose name is no run")
            && screen.contains("leave")
    });
    assert!(
        chosen(&terminal).contains(&waiting[waiting.len() - 8..]),
        "{first}"
    );
    assert!(
        first.contains("damaged           journal.jsonl, line"),
        "{first}"
    );
    assert!(
        first.contains("newer format      the journal has format version 99"),
        "{first}"
    );
    assert!(
        first.contains("notes of op_a   a directory whose name is no run"),
        "{first}"
    );

    // It drifted and then was rejected: who looks for what drifted finds it.
    terminal.type_slowly("4").wait_for("[4 drifted 1]");
    terminal.type_slowly("1").wait_for("[1 all 5]");
    terminal.type_slowly("/rejected").wait_for("1 found");
    terminal
        .type_slowly(key::ENTER)
        .wait_for("/rejected  1 fit");
    let row = chosen(&terminal);
    assert!(row.contains(&drifted[drifted.len() - 8..]), "{row}");

    terminal.type_slowly("d");
    let diff = terminal.wait_for("FACTS MOVED");
    assert!(diff.contains("ICX-CONST-0017"), "the unit is named: {diff}");
    terminal.type_slowly("q");
    terminal.wait_for("/rejected  1 fit");
    terminal.wait_until("the list comes back to the same row", |screen| {
        screen.contains(row.trim_end())
    });

    terminal.type_slowly("v");
    let verified = terminal.wait_for("intact: ");
    assert!(verified.contains("VERIFICATION OF .."), "{verified}");
    terminal.type_slowly("q").wait_for("/rejected  1 fit");
    terminal
        .type_slowly("p")
        .wait_for("07-final-o4-live-dryrun-report");
    terminal.type_slowly("q").wait_for("/rejected  1 fit");
    terminal.type_slowly(key::ENTER).wait_for("<< REPLAY >>");
    terminal.type_slowly("q").wait_for("/rejected  1 fit");
    assert_eq!(chosen(&terminal), row);
    terminal.type_slowly("E").wait_for("Exported to ");
    let archive = ground.home().path.join(format!("{drifted}.tar.gz"));
    let archive = archive.to_str().expect("UTF-8");
    let checked = ground.home().script(&["verify", archive]);
    assert_eq!(checked.code, 0, "{}", checked.text);
    fs::write(archive, "mine").expect("our own file");
    terminal
        .type_slowly("E")
        .wait_for("nothing is overwritten: choose another name: export --output names one");
    assert_eq!(fs::read(archive).expect("a file"), b"mine");

    // The damaged one: file, line and byte.
    terminal.type_slowly(key::ESC).wait_for("by started");
    terminal.type_slowly("5").wait_for("[5 damaged 3]");
    terminal.type_slowly("/f11b").wait_for("1 found");
    terminal.type_slowly(key::ENTER).wait_for("/f11b  1 fit");
    terminal.type_slowly(key::ENTER);
    let damage = terminal.wait_for("STOP_EVIDENCE_CORRUPT: journal.jsonl, line ");
    assert!(damage.contains("byte "), "{damage}");
    terminal.type_slowly("q").wait_for("/f11b  1 fit");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    assert!(
        terminal.left_behind().is_empty(),
        "{:?}",
        terminal.left_behind()
    );
}

#[test]
fn a_run_that_waits_is_opened_and_keys_reach_whoever_is_on_screen() {
    let ground = Ground::new(Scenario::Draft);
    let asked = ground.headless();
    assert_eq!(asked.code, 3, "{}", asked.text);
    let mut terminal = list(&ground.home().path, (160, 48));
    for _ in 0..3 {
        terminal.wait_for("1 RUN WAITS FOR A PERSON");
        terminal.type_slowly(key::ENTER);
        // The run screen gets every key: none is taken by the list below it.
        terminal.wait_until("the run screen", |screen| {
            screen.contains("WAITING FOR YOU")
        });
        terminal.type_slowly("?").wait_for("KEYS");
        terminal.type_slowly("?");
        wait_at(&terminal, "SG1");
        terminal.type_slowly("q");
    }
    terminal.wait_for("1 RUN WAITS FOR A PERSON");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    assert!(
        terminal.left_behind().is_empty(),
        "{:?}",
        terminal.left_behind()
    );
    let transcript = String::from_utf8_lossy(&terminal.transcript()).into_owned();
    let told = "waits at SG1. Resume: /";
    assert_eq!(
        transcript.matches(told).count(),
        3,
        "leaving says how to come back"
    );
}

/// Signals that end no process that does not listen to them, or that none can listen to, or that are of no use to it: CHLD,
/// CONT, URG, WINCH; KILL, STOP, TSTP, TTIN, TTOU; ILL, BUS, FPE, SEGV; PIPE and XFSZ, which are failed writes; the C library's two.
const NOT_ENDING: [u32; 17] = [
    17, 18, 23, 28, 9, 19, 20, 21, 22, 4, 7, 8, 11, 13, 25, 32, 33,
];

/// Whether the kernel says that a process listens to a signal.
fn is_caught(pid: u32, signal: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = u64::from_str_radix(mask.expect("a mask").trim(), 16).expect("hexadecimal");
    mask >> (signal - 1) & 1 == 1
}

#[test]
fn an_empty_home_says_what_to_do_and_a_signal_gives_the_terminal_back() {
    let place = tempfile::tempdir().expect("a folder");
    for signal in [15, 6, 10, 12, 14, 24, 26, 27, 40] {
        let terminal = list(place.path(), (80, 24));
        terminal.wait_for("drygate demo");
        let ending = (1..=64).filter(|signal| !NOT_ENDING.contains(signal));
        let deaf: Vec<u32> = ending.filter(|s| !is_caught(terminal.pid(), *s)).collect();
        assert_eq!(deaf, Vec::<u32>::new());
        // The shell's own: a bare machine has no program of that name.
        let kill = format!("kill -{signal} {}", terminal.pid());
        let sent = std::process::Command::new("sh")
            .args(["-c", &kill])
            .status();
        assert!(sent.expect("a shell").success(), "{signal}");
        assert_eq!(terminal.wait_exit(), Exit::Code(128 + signal));
        let left = terminal.left_behind();
        assert!(left.is_empty(), "{signal}: {left:?}");
    }
}

//! Watching a run from another terminal: the real program in real ptys beside the one that holds the run.
//! Invariant: what a watcher sees is compared with what the operator sees at that moment, and with the run's own files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use drygate::postgres::throwaway::Scenario;
use rustix::process::Signal;

use crate::support::ground::{Ground, Home, approve, band, is_ready, open_sheet, text, wait_at};
use crate::support::pty::{Exit, Launch, Terminal, key, steers};
use crate::support::screen::Screen;

fn watch(home: &Home, words: &[&str]) -> Terminal {
    let mut args: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    args.extend(["--data-dir".to_owned(), home.path.display().to_string()]);
    Launch::drygate(args)
        .env("TMPDIR", home.place())
        .size(160, 48)
        .open()
}

/// A watcher without a terminal, whose standard output goes into this file.
fn watch_into(home: &Home, words: &[&str], file: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
    command.args(["watch", "last", "--headless"]).args(words);
    command.arg("--data-dir").arg(&home.path);
    command.env("TMPDIR", home.place());
    for (name, _) in std::env::vars_os() {
        if steers(&name.to_string_lossy()) {
            command.env_remove(&name);
        }
    }
    let file = std::fs::File::create(file).expect("a file");
    let quiet = command.stdin(Stdio::null()).stderr(Stdio::null());
    quiet.stdout(file).spawn().expect("it starts")
}

/// The account that this test runs under, as the kernel and the account file know it.
fn account() -> String {
    let said = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(said.stdout)
        .expect("a name")
        .trim()
        .to_owned()
}

/// A frame without what tells a watched one from a live one: the badge, with what it leaves of the address, who watches, the
/// footer.
fn frame(screen: &Screen) -> Vec<String> {
    let (_, rows) = screen.size();
    let mut lines: Vec<String> = (0..rows - 1).map(|row| screen.row(row)).collect();
    let label = lines[0].find(']');
    lines[0].truncate(label.unwrap_or_default());
    let parts = lines[1].split("   ");
    let parts = parts.filter(|part| !part.starts_with("watching: "));
    lines[1] = parts.collect::<Vec<_>>().join("   ");
    lines
}

/// The number of the last journal line on screen.
fn seq(screen: &Screen) -> usize {
    let line = screen.row(1);
    let (_, number) = line.split_once("(seq ").unwrap_or_default();
    number.trim_end_matches([' ', ')']).parse().unwrap_or(0)
}

/// Waits until both show the same.
#[track_caller]
fn wait_same(watcher: &Terminal, operator: &Terminal) {
    watcher.wait_until("the operator's frame", |screen| {
        frame(screen) == frame(&operator.screen())
    });
}

/// Every file below a directory: its bytes and when they were written.
fn files(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("a readable directory").path();
        let meta = path.metadata().expect("it is there");
        let bytes = if meta.is_dir() {
            found.extend(files(&path));
            Vec::new()
        } else {
            std::fs::read(&path).expect("it is readable")
        };
        found.insert(path, (bytes, meta.modified().expect("a time")));
    }
    found
}

/// The nice value of a process: field 19 of its `stat`, counted from behind its name.
#[cfg(target_os = "linux")]
fn nice_value(process: u32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
    let (_, behind_name) = stat.rsplit_once(") ").expect("a name in brackets");
    let field = behind_name.split(' ').nth(16).expect("a field");
    field.parse().expect("a number")
}

#[test]
fn a_watcher_sees_the_operator_s_frame_and_is_seen_until_it_leaves() {
    let ground = Ground::new(Scenario::Draft);
    let operator = ground.at_sg1("0");
    let run = ground.home().run();
    while operator.bytes_within(Duration::from_secs(1)) > 0 {}
    let before = files(&run.path);
    let mut one = watch(&ground.home(), &["watch", "last"]);
    wait_at(&one, "SG1");
    operator.wait_for(&format!("watching: {}  ", account()));
    #[cfg(target_os = "linux")]
    let runner = nice_value(operator.pid());
    assert_eq!(
        nice_value(one.pid()),
        (runner + 10).min(19),
        "the runner goes first"
    );
    // What fits a run that another process holds is to watch it.
    let mut two = watch(&ground.home(), &[&run.id()]);
    let badge = wait_at(&two, "SG1").row(0);
    assert!(badge.contains("WATCHING (read only)"), "{badge}");
    operator.wait_for(&format!("watching: {} (2)", account()));
    wait_same(&one, &operator);
    wait_same(&two, &operator);
    two.signal(Signal::KILL);
    operator.wait_for(&format!("watching: {}  ", account()));
    one.type_slowly("r");
    one.wait_for("This screen only watches");
    one.type_slowly("q");
    assert_eq!(one.wait_exit(), Exit::Code(0));
    one.wait_for("waits at SG1. Watch: /");
    operator.wait_until("no watcher", |screen| !screen.contains("watching:"));
    assert_eq!(files(&run.path), before, "a watcher writes nothing");
    assert_eq!(one.left_behind(), Vec::<String>::new());
}

#[test]
fn a_watcher_approves_and_rejects_under_its_own_name() {
    let ground = Ground::new(Scenario::Draft);
    let operator = ground.at_sg1("0");
    let run = ground.home().run();
    let mut watcher = watch(&ground.home(), &["watch", "last"]);
    wait_at(&watcher, "SG1");
    let digest = approve(&mut watcher);
    wait_at(&operator, "SG2");
    wait_at(&watcher, "SG2");
    watcher.wait_for("The holder took it: STOP_APPROVAL_REQUIRED at SG2");
    wait_same(&watcher, &operator);
    let recorded = run.events("approval_recorded");
    assert_eq!(text(&recorded[0]["evidence"]), digest);
    assert_eq!(recorded[0]["by"]["pid"], watcher.pid());
    assert_ne!(recorded[0]["by"]["tty"], run.journal()[0]["by"]["tty"]);
    let shown = run.events("evidence_shown");
    assert_eq!(
        shown[0]["by"]["pid"],
        watcher.pid(),
        "the holder journals who saw it"
    );
    watcher.type_slowly("x").silence();
    watcher.type_slowly("not today").type_slowly(key::ENTER);
    operator.wait_for("run_sealed");
    watcher.wait_for("run_sealed");
    wait_same(&watcher, &operator);
    assert_eq!(run.decisions(), ["SG1 approve", "SG2 reject"]);
    watcher.type_slowly("q");
    assert_eq!(watcher.wait_exit(), Exit::Code(5), "the run's own code");
}

#[test]
fn the_sheet_of_a_watcher_never_arms_on_facts_that_moved() {
    let ground = Ground::new(Scenario::Draft);
    let operator = ground.at_sg1("0");
    let mut watcher = watch(&ground.home(), &["watch", "last"]);
    wait_at(&watcher, "SG1");
    ground.intrude(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    watcher.type_slowly("a");
    let sheet = watcher.wait_for("moved: Esc, then r takes new evidence.");
    assert!(!is_ready(&sheet), "{sheet}");
    assert!(sheet.contains("not from this terminal"), "{sheet}");
    watcher.type_slowly(key::ESC);
    operator.wait_for("FACTS MOVED");
    assert_eq!(ground.home().run().decisions(), Vec::<String>::new());
}

#[test]
fn a_run_that_nobody_holds_is_followed_and_taken_up_elsewhere() {
    let ground = Ground::new(Scenario::Draft);
    assert_eq!(ground.headless().code, 3);
    let home = ground.home();
    let mut watcher = watch(&home, &["watch", "last"]);
    wait_at(&watcher, "SG1");
    watcher.type_slowly("a");
    watcher.wait_for("Nobody holds this run now. Resume: ");
    let run = home.run();
    let holder = watch(&home, &["resume", "last", "--live-interval", "0"]);
    wait_at(&holder, "SG1");
    holder.wait_for("watching: ");
    wait_same(&watcher, &holder);
    let digest = open_sheet(&mut watcher);
    assert_eq!(digest, run.evidence());
    assert_eq!(home.approve("last", "SG1", &digest).code, 3);
    wait_at(&watcher, "SG2");
    wait_same(&watcher, &holder);
}

#[test]
fn approve_without_a_digest_opens_the_sheet_over_a_run_that_another_holds() {
    let ground = Ground::new(Scenario::Draft);
    let operator = ground.at_sg1("0");
    let approver = watch(&ground.home(), &["approve", "last", "SG1"]);
    let sheet = approver.wait_until("a sheet that is READY", is_ready);
    assert!(sheet.contains("not from this terminal"), "{sheet}");
    operator.wait_for("evidence_shown");
}

#[test]
fn without_a_terminal_a_watch_prints_what_comes_and_ends_with_the_run() {
    let ground = Ground::new(Scenario::Draft);
    let operator = ground.at_sg1("0");
    let home = ground.home();
    let place = tempfile::tempdir().expect("a folder");
    let file = |name: &str| place.path().join(name);
    let mut watchers: Vec<Child> = [("events", "--events"), ("json", "--json"), ("text", "-v")]
        .map(|(name, flag)| watch_into(&home, &[flag], &file(name)))
        .into();
    operator.wait_for(&format!("watching: {} (3)", account()));
    let rejected = home.script(&["reject", "last", "SG1", "--reason", "no", "--json"]);
    assert_eq!(rejected.code, 5, "{}", rejected.text);
    for watcher in &mut watchers {
        let ended = watcher.wait().expect("it ends");
        assert_eq!(ended.code(), Some(5));
    }
    let read = |name: &str| std::fs::read_to_string(file(name)).expect("it was written");
    let run = home.run();
    assert_eq!(read("events"), run.read("journal.jsonl"));
    let json: serde_json::Value = serde_json::from_str(&read("json")).expect("one document");
    assert_eq!(json["result"], rejected.json["result"]);
    let said = read("text");
    assert_eq!(
        said.lines().filter(|line| line.contains("Z  ")).count(),
        run.journal().len()
    );
    assert!(
        said.contains("approval_recorded     SG1 reject by"),
        "{said}"
    );
    assert!(said.contains("_REJECTED"), "{said}");
    operator.wait_for("run_sealed");
}

#[test]
fn a_watcher_that_waits_draws_nothing() {
    let ground = Ground::new(Scenario::Draft);
    let _operator = ground.at_sg1("0");
    let watcher = watch(&ground.home(), &["watch", "last"]);
    wait_at(&watcher, "SG1");
    while watcher.bytes_within(Duration::from_secs(1)) > 0 {}
    assert_eq!(watcher.bytes_within(Duration::from_secs(10)), 0);
}

#[test]
fn watchers_of_a_flood_end_on_one_frame_though_one_of_them_stands_still() {
    let ground = Ground::new(Scenario::Draft);
    let mut operator = ground.at_sg1("0");
    let home = ground.home();
    let mut watchers: Vec<Terminal> = (0..6).map(|_| watch(&home, &["watch", "last"])).collect();
    for watcher in &watchers {
        wait_at(watcher, "SG1");
    }
    operator.wait_for(&format!("watching: {} (6)", account()));
    let mut still = watchers.pop().expect("six");
    still.signal(Signal::STOP);
    let run = home.run();
    let from = run.journal().len();
    // Each key reads all facts now, which is three records.
    while run.journal().len() < from + 100 {
        let before = run.journal().len();
        operator.keys("r");
        operator.wait_until("a read more", |screen| seq(screen) >= before);
    }
    let rejected = home.script(&["reject", "last", "SG1", "--reason", "enough"]);
    assert_eq!(rejected.code, 5, "{}", rejected.text);
    operator.wait_for("run_sealed");
    let last = format!("(seq {})", run.journal().len() - 1);
    for watcher in &watchers {
        watcher.wait_for(&last);
        wait_same(watcher, &operator);
    }
    assert!(!band(&still.screen()).contains("_REJECTED"));
    still.signal(Signal::CONT);
    wait_same(&still, &operator);
}

//! Commands that the program prints, run as they stand. Invariant: each is taken out of what a real run said, and given to a
//! shell in the same directory, with neither `drygate` in `PATH` nor the data directory in the environment.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use drygate::postgres::throwaway::Scenario;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::support::server::{Answer, Workspace, finish, text};

const BINARY: &str = env!("CARGO_BIN_EXE_drygate");

/// Every command in a text: from the path of the program to the end of its line or part of a sentence.
fn commands(said: &str) -> Vec<String> {
    let parts = said.lines().flat_map(|line| line.split("; "));
    let from = |part: &str| part.find(BINARY).map(|at| part[at..].to_owned());
    parts.filter_map(from).collect()
}

/// The one command in a text.
#[track_caller]
fn command(said: &str) -> String {
    let found = commands(said);
    let [one] = found.as_slice() else {
        panic!("one command is wanted: {said}");
    };
    one.clone()
}

/// In the directory where the program was started, without the variable that names the data directory.
fn in_place(workspace: &Workspace, mut command: Command) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .env("LANG", "C.UTF-8")
        .env("HOME", workspace.place().join("home"))
        .current_dir(workspace.place().join("repository"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn started(workspace: &Workspace, program: &str, words: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(words);
    let started = in_place(workspace, command).spawn();
    started.expect("it starts")
}

/// What a shell makes of a printed command.
fn sh(workspace: &Workspace, printed: &str) -> Answer {
    finish(started(workspace, "sh", &["-c", printed]))
}

/// A data directory that a shell would take apart.
fn awkward(workspace: &Workspace) -> PathBuf {
    workspace.place().join("it's here, $HOME")
}

fn run(workspace: &Workspace, more: &[&str]) -> Answer {
    let (url, data) = (workspace.url(), awkward(workspace).display().to_string());
    let words = [
        "run",
        "--headless",
        "--database-url",
        &url,
        "--data-dir",
        &data,
    ];
    finish(started(workspace, BINARY, &[&words, more].concat()))
}

#[test]
fn every_command_from_the_first_stop_to_the_seal_works_as_printed() {
    let workspace = Workspace::new(Scenario::Draft);
    let waits = run(&workspace, &[]).expect(3).stdout;
    let again = sh(&workspace, &command(&waits)).expect(3).stdout;
    assert!(again.contains("gate=SG2"), "{again}");
    let sealed = sh(&workspace, &command(&again)).expect(0).stdout;
    let read = commands(&sealed);
    assert_eq!(read.len(), 2, "{sealed}");
    let report = sh(&workspace, &read[0]).expect(0);
    assert!(report.stdout.contains("Final O4"), "{}", report.stdout);
    sh(&workspace, &read[1]).expect(0);
}

#[test]
fn after_drift_and_after_a_lost_database_the_printed_command_goes_on() {
    let workspace = Workspace::new(Scenario::Draft);
    let waits = run(&workspace, &["--json"]).expect(3).json();
    let approve = command(text(&waits["next"]));
    let nowhere = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1";
    let lost = sh(
        &workspace,
        &format!("{approve} --json --database-url {nowhere}"),
    );
    let lost = lost.expect(69).json();
    let pending = sh(&workspace, &format!("{approve} --json"))
        .expect(6)
        .json();
    let next = text(&pending["next"]);
    let why = text(&lost["message"]);
    assert!(
        next.contains(why.trim_end_matches('.')),
        "why it is pending: {next}"
    );
    assert_eq!(command(next), command(text(&lost["next"])));
    let second = sh(&workspace, &format!("{} --json", command(next)))
        .expect(3)
        .json();
    assert_eq!(second["gate"], "SG2", "the approval took effect: {second}");

    workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    let approve = command(text(&second["next"]));
    let drifted = sh(&workspace, &format!("{approve} --json"))
        .expect(4)
        .json();
    let renewed = sh(
        &workspace,
        &format!("{} --json", command(text(&drifted["next"]))),
    );
    assert_eq!(renewed.expect(3).json()["gate"], "SG1");
}

#[test]
fn what_is_recorded_and_exported_names_no_place_of_this_machine() {
    let workspace = Workspace::new(Scenario::Draft);
    let waits = run(&workspace, &["--json"]).expect(3).json();
    let second = sh(&workspace, &command(text(&waits["next"])))
        .expect(3)
        .stdout;
    sh(&workspace, &command(&second)).expect(0);
    let directory = awkward(&workspace)
        .join("runs")
        .join(text(&waits["run_id"]));
    for (path, bytes) in super::support::server::files(&directory) {
        let text = String::from_utf8_lossy(&bytes);
        for word in [BINARY, "--data-dir"] {
            assert!(!text.contains(word), "{word} in {}", path.display());
        }
    }
}

#[test]
fn a_run_that_can_no_longer_pass_names_the_check_and_prints_how_to_reject() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql("UPDATE public.unit_version SET content = content || ' more' WHERE unit_id = 'ICX-CONST-0001' AND is_current");
    // Known at the pin, so said before anybody is asked for the first time.
    let failing = run(&workspace, &[]).expect(3).stdout;
    assert!(failing.contains("gate=SG1"), "{failing}");
    assert!(
        failing.contains("verify_equals_prediction is FAIL"),
        "{failing}"
    );
    assert!(failing.contains("can no longer end as PASS"), "{failing}");
    assert!(!failing.contains("approve or reject"), "{failing}");
    let rejected = sh(&workspace, &command(&failing)).expect(5);
    assert!(rejected.stdout.contains("_REJECTED"), "{}", rejected.stdout);
}

/// A demo without a screen, and what it said until it first waits.
struct Demo {
    child: Child,
    said: BufReader<std::process::ChildStderr>,
}

impl Demo {
    fn start(workspace: &Workspace, words: &[&str]) -> Self {
        let words = [&["demo", "--headless"], words].concat();
        let mut child = started(workspace, BINARY, &words);
        let said = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, said }
    }

    /// The next line that asks a person.
    fn asks(&mut self) -> String {
        let mut line = String::new();
        while !line.starts_with("STOP_APPROVAL_REQUIRED") {
            line.clear();
            let read = self.said.read_line(&mut line).expect("UTF-8");
            assert!(read > 0, "it ended before it asked");
        }
        line.trim_end().to_owned()
    }

    fn leave(self) -> Answer {
        let pid = i32::try_from(self.child.id()).expect("pids fit");
        let pid = Pid::from_raw(pid).expect("no pid is 0");
        kill_process(pid, Signal::TERM).expect("our own child");
        finish(self.child)
    }
}

fn listed(workspace: &Workspace, words: &[&str]) -> Vec<Value> {
    let words = [&["runs", "--json"], words].concat();
    let said = finish(started(workspace, BINARY, &words)).expect(0).json();
    said["runs"].as_array().expect("a list").clone()
}

#[test]
fn a_demo_is_approved_read_and_kept_apart_by_the_commands_that_it_prints() {
    let workspace = Workspace::new(Scenario::Enacted);
    let mut demo = Demo::start(&workspace, &[]);
    let asks = demo.asks();
    assert!(asks.contains("~180 rows"), "it opens on drafts: {asks}");
    let approved = sh(&workspace, &command(&asks)).expect(3).stdout;
    let second = demo.asks();
    assert_eq!(command(&approved), command(&second), "both tell the same");
    let left = demo.leave().expect(143).stdout;
    assert!(!left.contains("esume"), "its database is gone: {left}");
    let look = command(&left);
    assert!(look.contains(" replay "), "{look}");
    let frame = sh(&workspace, &look).expect(0).stdout;
    assert!(frame.contains("SG2   ALLOW ENACT?"), "{frame}");

    let (program, rest) = look.split_once(" replay ").expect("a command");
    let (run, place) = rest.split_once(' ').expect("a place");
    let on_it = |words: &str| sh(&workspace, &format!("{program} {words} {place}"));
    for words in ["runs", "report", "diff", "verify"] {
        let words = if words == "runs" {
            words.to_owned()
        } else {
            format!("{words} {run}")
        };
        on_it(&words).expect(0);
    }
    on_it(&format!("export {run} --output demo.tar")).expect(0);
    let held_by_nobody = on_it(run).expect(0).stdout;
    assert!(held_by_nobody.contains("REPLAY"), "{held_by_nobody}");
    for words in [
        format!("resume {run}"),
        format!("reject {run} SG2 --reason no"),
        command(&second).replace(program, "").replace(place, ""),
    ] {
        let over = on_it(&words).expect(69);
        assert!(
            over.stderr.contains("its database went with it"),
            "{words}: {}",
            over.stderr
        );
        sh(&workspace, &command(&over.stderr)).expect(0);
    }

    assert_eq!(
        listed(&workspace, &[]),
        Vec::<Value>::new(),
        "not among the real ones"
    );
    let place = workspace
        .place()
        .join("home/.local/share/drygate/demo")
        .display()
        .to_string();
    let apart = listed(&workspace, &["--data-dir", &place]);
    assert_eq!(apart.len(), 1, "{apart:?}");
    assert_eq!(apart[0]["demo"], true);
    assert_eq!(apart[0]["waiting_since"], Value::Null);
    let waiting = listed(&workspace, &["--waiting", "--data-dir", &place]);
    assert_eq!(waiting, Vec::<Value>::new(), "it waits for nobody");
    let line = on_it("runs").expect(0).stdout;
    assert!(line.starts_with("demo at SG2 "), "{line}");
}

#[test]
fn a_demo_refuses_what_it_cannot_take_and_starts_nothing() {
    let workspace = Workspace::new(Scenario::Enacted);
    let url = workspace.url();
    let profile = workspace.profile("mine.toml", str::to_owned);
    for (words, named) in [
        (["--database-url", &url], "--database-url"),
        (["--profile", &profile], "--profile"),
        (["--print-sql", "--json"], "--json"),
        (["--print-sql", "--events"], "--events"),
    ] {
        let words = [&["demo", "--headless"], &words[..]].concat();
        let refused = finish(started(&workspace, BINARY, &words)).expect(64);
        assert!(refused.stderr.contains(named), "{}", refused.stderr);
        assert!(!refused.stderr.contains("Starting"), "{}", refused.stderr);
    }
}

#[test]
fn output_that_nobody_reads_ends_every_command_quietly() {
    let workspace = Workspace::new(Scenario::Enacted);
    let sealed = workspace.run_to_the_end().expect(0).json();
    let waits = workspace.run().expect(3).json();
    let (id, url) = (text(&sealed["run_id"]), workspace.url());
    let unread = |words: &[&str]| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = workspace.command(words);
        command.stdout(writer);
        let ended = finish(command.spawn().expect("it starts"));
        assert_eq!(ended.code, 141, "{words:?}: {}", ended.stderr);
        assert!(
            !ended.stderr.contains("drygate:"),
            "{words:?}: {}",
            ended.stderr
        );
        assert!(
            !ended.stderr.contains("Broken pipe"),
            "{words:?}: {}",
            ended.stderr
        );
    };
    for words in [
        "--help",
        "--version",
        "runs",
        "runs --json",
        "watch ID",
        "watch ID --events",
        "watch ID --json",
        "replay ID",
        "replay ID --json",
        "replay ID --cast -",
        "report ID",
        "report ID --json",
        "verify ID",
        "verify ID --json",
        "diff ID",
        "diff ID --json",
        "resume ID",
        "resume ID --json",
        "profile list",
        "profile list --json",
        "profile show",
        "profile show --json",
        "doctor",
        "doctor --json",
        "config show",
        "config show --json",
        "completions bash",
        "man",
        "demo --print-sql",
        "ID",
        "survey --database-url URL",
        "survey --json --database-url URL",
        "recheck ID --database-url URL",
        "profile check --database-url URL",
        "run --database-url URL",
    ] {
        let words = words.split(' ').map(|word| match word {
            "ID" => id,
            "URL" => &url,
            word => word,
        });
        unread(&words.collect::<Vec<_>>());
    }
    let stood = workspace.journal_text(&waits);
    let refused = [
        "approve",
        text(&waits["run_id"]),
        "SG2",
        "--digest",
        text(&waits["evidence"]),
    ];
    unread(&refused);
    assert_ne!(
        stood,
        workspace.journal_text(&waits),
        "the refusal is recorded all the same"
    );
}

//! A holder that dies or stands still, and another machine that goes on.
//! Invariant: what the holder acknowledged is in the store, once, and what it writes after it lost the run is nowhere.

use std::io::{BufRead, BufReader, Read as _};
use std::process::Child;

use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::team::{Machine, Team};
use crate::support::server::{Answer, approval, files, finish, text};

/// Lines that a run acknowledges before it waits at SG1, at most.
const LINES: u64 = 38;

/// A run that acknowledges its lines on standard output.
fn start(machine: &Machine<'_>) -> Child {
    let url = machine.team.surveyed.url();
    machine.start(&["run", "--headless", "--events", "--database-url", &url])
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("pids fit");
    kill_process(Pid::from_raw(pid).expect("no pid is 0"), signal).expect("our own child");
}

/// Reads so many acknowledged lines, or all that there are.
fn read(output: &mut impl BufRead, count: u64) -> String {
    let mut lines = String::new();
    for _ in 0..count {
        if output.read_line(&mut lines).expect("UTF-8") == 0 {
            break;
        }
    }
    lines
}

fn run_id(line: &str) -> String {
    let event: Value = serde_json::from_str(line).expect("a line is an object");
    text(&event["run_id"]).to_owned()
}

/// One round: the holder is killed when it acknowledged `count` lines, and another machine ends its run.
fn kill_after(team: &Team, round: u64, count: u64) {
    let one = team.machine(&format!("a{round}"), "alice");
    let other = team.machine(&format!("b{round}"), "bob");
    let mut holder = start(&one);
    let mut output = BufReader::new(holder.stdout.take().expect("a pipe"));
    let mut acknowledged = read(&mut output, count);
    holder.kill().expect("our own child");
    // What it wrote before it died is acknowledged too; a line without its end is not.
    output.read_to_string(&mut acknowledged).expect("UTF-8");
    holder.wait().expect("our own child");
    acknowledged.truncate(acknowledged.rfind('\n').map_or(0, |end| end + 1));
    let acknowledged: Vec<&str> = acknowledged.lines().collect();
    let run_id = run_id(acknowledged.first().expect("a line was waited for"));
    let left = team.lines(&run_id);
    assert!(left.len() >= acknowledged.len(), "lost: {left:?}");
    assert_eq!(left[..acknowledged.len()], acknowledged, "after {count}");
    let written = one.journal(&run_id);
    let written: Vec<&str> = written.lines().take(left.len()).collect();
    assert_eq!(left, written, "the store has what the holder did not write");

    let words = ["resume", run_id.as_str(), "--headless", "--json"];
    let last = other.go_on(other.take_over(&words));
    assert_eq!(text(&last["run_id"]), run_id);
    other.verify(&run_id);
    assert_eq!(team.lines(&run_id)[..left.len()], left, "after {count}");
    // The machine of the dead holder has the same afterwards.
    one.verify(&run_id);
}

#[test]
fn a_killed_holder_loses_nothing_that_it_acknowledged() {
    let team = Team::new();
    let counts = FaultCounts::new(2, "SIGKILL of the holder of a run in a run store");
    let mut random = Random::new(fault_seed(23));
    for round in 0..fault_rounds(4, 200) {
        kill_after(&team, round, 1 + random.below(LINES));
        counts.injected();
    }
}

#[test]
fn a_line_of_a_holder_that_lost_its_run_never_lands() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let mut holder = start(&one);
    let mut output = BufReader::new(holder.stdout.take().expect("a pipe"));
    let line = read(&mut output, 2);
    signal(&holder, Signal::STOP);
    let run_id = run_id(line.lines().next().expect("a line"));
    let words = ["resume", run_id.as_str(), "--headless", "--json"];
    let waits = other.take_over(&words).expect(3);
    let before = team.lines(&run_id);
    signal(&holder, Signal::CONT);
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("UTF-8");
    let ended = finish(holder);
    assert_eq!(ended.code, 75, "{ended:?}\n{rest}");
    let said = format!("{rest}{}", ended.stderr);
    assert!(said.contains("bob, process "), "who has it: {said}");
    assert_eq!(team.lines(&run_id), before);
    other.go_on(waits);
    other.verify(&run_id);
    // What it had beyond the store's lines is set aside there, and the rest follows.
    one.verify(&run_id);
    let foreign = team.value(&format!(
        "SELECT count(*) FROM drygate.line WHERE run_id = '{run_id}' AND epoch > 1 AND written_by = 'alice'"
    ));
    assert_eq!(foreign, "0");
}

/// A holder that stands still while the store is changed; gives its exit code, what it said, and the lines of the store before and after.
fn changed_under_it(change: &str) -> (i32, String, Vec<String>, Vec<String>) {
    let team = Team::new();
    let one = team.machine("a", "alice");
    let mut holder = start(&one);
    let mut output = BufReader::new(holder.stdout.take().expect("a pipe"));
    let lines = read(&mut output, 2);
    signal(&holder, Signal::STOP);
    let run_id = run_id(lines.lines().next().expect("a line"));
    team.sql(&format!("{change} WHERE run_id = '{run_id}'"));
    let before = team.lines(&run_id);
    signal(&holder, Signal::CONT);
    output.read_to_string(&mut String::new()).expect("UTF-8");
    let ended = finish(holder);
    (ended.code, ended.stderr, before, team.lines(&run_id))
}

#[test]
fn the_epoch_alone_keeps_out_who_held_the_run_before() {
    let holder = r#"{"pid":1,"host":"elsewhere","role":"bob"}"#;
    let taken =
        format!("UPDATE drygate.run SET epoch = epoch + 1, holder = '{holder}', until = now()");
    let (code, said, before, after) = changed_under_it(&taken);
    assert_eq!(code, 75, "{said}");
    assert!(said.contains("bob, process 1 on elsewhere"), "{said}");
    assert_eq!(after, before);
}

#[test]
fn a_journal_that_somebody_else_went_on_with_in_the_same_epoch_is_not_joined() {
    // As a copy of the whole machine would.
    let moved = format!(
        "UPDATE drygate.run SET head_seq = head_seq + 1, head_sha256 = '{}'",
        "0".repeat(64)
    );
    let (code, said, before, after) = changed_under_it(&moved);
    assert_eq!(code, 74, "{said}");
    assert!(said.contains("another journal of this run"), "{said}");
    assert_eq!(after, before);
}

/// Runs the program on a machine that names no store.
fn without_store(machine: &Machine<'_>, words: &[&str]) -> Answer {
    let mut command = machine.command(words);
    command.env_remove("DRYGATE_STORE_URL");
    finish(command.spawn().expect("the program starts"))
}

#[test]
fn a_run_of_the_store_is_not_gone_on_with_without_it() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let waits = one.run().expect(3).json();
    let run_id = text(&waits["run_id"]);
    // Brought to the other machine by reading it.
    other.drygate(&["report", run_id]).expect(0);
    let lines = team.lines(run_id);
    let reject = vec!["reject", run_id, "SG1", "--reason", "no", "--json"];
    let resume = vec!["resume", run_id, "--headless", "--json"];
    for machine in [&one, &other] {
        for words in [&approval(&waits, "SG1"), &resume, &reject] {
            let refused = without_store(machine, words).expect(78);
            let said = format!("{}{}", refused.stdout, refused.stderr);
            assert!(said.contains("is kept in a run store"), "{words:?}: {said}");
            assert!(said.contains("DRYGATE_STORE_URL"), "{words:?}: {said}");
        }
        assert!(machine.journal(run_id).lines().eq(&lines));
        without_store(machine, &["report", run_id]).expect(0);
        let listed = without_store(machine, &["runs", "--json"]).expect(0);
        assert!(listed.stdout.contains(run_id), "{listed:?}");
    }
    other.go_on(other.approve(&waits, "SG1"));
    one.verify(run_id);
}

#[test]
fn what_is_added_beside_a_sealed_run_of_the_store_needs_the_store() {
    let team = Team::new();
    let one = team.machine("a", "alice");
    let last = one.go_on(one.run());
    let run_id = text(&last["run_id"]);
    let url = team.surveyed.url();
    let words = ["recheck", run_id, "--after", "--database-url", &url];
    let said = without_store(&one, &words).stdout;
    assert!(said.contains("not recorded: run "), "{said}");
    assert!(said.contains("is kept in a run store"), "{said}");
    let outcomes = |machine: &Machine<'_>| {
        let run = machine.data().join("runs").join(run_id);
        run.join("outcomes.jsonl").exists()
    };
    assert!(!outcomes(&one));
    let said = one.drygate(&words).stdout;
    assert!(
        said.contains("recorded in outcomes.jsonl, line 1"),
        "{said}"
    );
    let other = team.machine("b", "bob");
    other.verify(run_id);
    assert!(outcomes(&other));
}

/// The journals that a machine set aside of a run.
fn set_aside(machine: &Machine<'_>, run_id: &str) -> Vec<Vec<u8>> {
    let torn = files(&machine.data().join("torn").join(run_id)).into_iter();
    torn.filter(|(path, _)| path.ends_with("journal.jsonl"))
        .map(|(_, bytes)| bytes)
        .collect()
}

#[test]
fn of_two_journals_that_went_apart_the_one_in_the_store_wins() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let first = one.run().expect(3).json();
    let run_id = text(&first["run_id"]);
    let second = other.approve(&first, "SG1").expect(3).json();
    // As a version did that knew no mark: the first machine approves on its own disk alone.
    let mark = one.data().join("runs").join(run_id).join("IN_STORE");
    std::fs::remove_file(mark).expect("a marked run");
    without_store(&one, &approval(&first, "SG1")).expect(3);
    let apart = one.journal(run_id);
    // Reading shows what the store has, and says where the rest is.
    let read = one.drygate(&["report", run_id]).expect(0);
    assert!(read.stderr.contains("was set aside"), "{read:?}");
    assert_eq!(set_aside(&one, run_id), [apart.into_bytes()]);
    assert!(one.journal(run_id).lines().eq(team.lines(run_id)));
    one.go_on(one.approve(&second, "SG2"));
    for machine in [&one, &other] {
        machine.verify(run_id);
    }
}

#[test]
fn a_line_that_the_store_lost_is_set_aside_by_whoever_goes_on() {
    let team = Team::new();
    let one = team.machine("a", "alice");
    let first = one.run().expect(3).json();
    let run_id = text(&first["run_id"]);
    one.approve(&first, "SG1").expect(3);
    let acknowledged = one.journal(run_id);
    // As after a failover to a standby that had not each commit: the store ends before the approval.
    let approval = acknowledged
        .lines()
        .position(|line| line.contains("\"approval_recorded\""));
    let end = approval.expect("an approval") - 1;
    team.sql(&format!(
        "DELETE FROM drygate.line WHERE run_id = '{run_id}' AND seq > {end}"
    ));
    team.sql(&format!(
        "UPDATE drygate.run SET head_seq = {end}, head_sha256 = (SELECT encode(sha256(line), 'hex') FROM drygate.line l \
           WHERE l.run_id = run.run_id AND seq = {end}) WHERE run_id = '{run_id}'"
    ));
    let resumed = one.drygate(&["resume", run_id, "--headless", "--json"]);
    assert!(resumed.stderr.contains("was set aside"), "{resumed:?}");
    assert_eq!(set_aside(&one, run_id), [acknowledged.into_bytes()]);
    let again = resumed.expect(3).json();
    assert_eq!(again["gate"], "SG1", "the approval is asked for again");
    one.go_on(one.approve(&again, "SG1"));
    one.verify(run_id);
}

#[test]
fn what_the_owner_of_the_store_removed_is_not_committed_again() {
    let team = Team::new();
    let one = team.machine("a", "alice");
    let waits = one.run().expect(3).json();
    let sealed = one.go_on(one.run());
    for table in ["line", "file", "run"] {
        team.sql(&format!("DELETE FROM drygate.{table}"));
    }
    let none = || {
        let left =
            "SELECT (SELECT count(*) FROM drygate.run) + (SELECT count(*) FROM drygate.line)";
        team.value(left) == "0"
    };
    assert!(none());
    let refused = one.approve(&waits, "SG1").expect(74);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("it has no run "), "{said}");
    assert!(none());
    let sealed = text(&sealed["run_id"]);
    one.drygate(&["verify", sealed]).expect(0);
    one.drygate(&["runs", "remove", sealed]).expect(0);
    assert!(none());
}

#[test]
fn of_a_holder_that_is_not_heard_of_is_said_when_its_lease_ends() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let settings = one
        .data()
        .with_file_name("home/.config/drygate/config.toml");
    std::fs::write(settings, "[store]\nlease = 60.0\n").expect("ours");
    let mut holder = start(&one);
    let mut output = BufReader::new(holder.stdout.take().expect("a pipe"));
    let run_id = run_id(read(&mut output, 2).lines().next().expect("a line"));
    holder.kill().expect("our own child");
    holder.wait().expect("our own child");
    let words = ["resume", run_id.as_str(), "--headless"];
    let refused = other.drygate(&words).expect(75);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(
        said.contains("if it is dead, its lease ends within "),
        "{said}"
    );
    assert!(said.contains("when its lease is over"), "{said}");
    team.sql("UPDATE drygate.run SET until = now()");
    let words = ["resume", run_id.as_str(), "--headless", "--json"];
    other.go_on(other.drygate(&words));
}

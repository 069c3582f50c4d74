//! A store that is not there, or does not take what it is given.
//! Invariant: nothing is acknowledged that the store has not; it is said, the run goes on afterwards, and reading goes on meanwhile.

use std::io::{BufRead as _, BufReader, Read as _};

use serde_json::Value;

use super::team::{Machine, Team, until};
use super::wire::StoreLink;
use crate::support::server::{Answer, finish, text};

/// What a machine acknowledged of a run that the store stopped taking after `count` lines, and how it ended.
pub(super) fn disturbed(
    machine: &Machine<'_>,
    count: usize,
    disturb: impl FnOnce(),
) -> (Vec<String>, Answer) {
    let url = machine.team.surveyed.url();
    let mut child = machine.start(&["run", "--headless", "--events", "--database-url", &url]);
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut acknowledged = String::new();
    for _ in 0..count {
        output.read_line(&mut acknowledged).expect("UTF-8");
    }
    disturb();
    output.read_to_string(&mut acknowledged).expect("UTF-8");
    let lines = acknowledged.lines().map(str::to_owned);
    (lines.collect(), finish(child))
}

pub(super) fn run_id(lines: &[String]) -> String {
    let first: Value = serde_json::from_str(&lines[0]).expect("a line is an object");
    text(&first["run_id"]).to_owned()
}

/// Nothing was acknowledged that the store has not; the run comes to its end afterwards on another machine and is the same here.
#[track_caller]
pub(super) fn goes_on(machine: &Machine<'_>, other: &Machine<'_>, acknowledged: &[String]) {
    let run_id = run_id(acknowledged);
    let left = machine.team.lines(&run_id);
    assert!(left.len() >= acknowledged.len(), "{left:?}");
    assert_eq!(left[..acknowledged.len()], *acknowledged);
    let words = ["resume", run_id.as_str(), "--headless", "--json"];
    other.go_on(other.take_over(&words));
    other.verify(&run_id);
    assert_eq!(machine.team.lines(&run_id)[..left.len()], left);
    machine.verify(&run_id);
}

#[test]
fn nothing_is_acknowledged_that_the_store_has_not() {
    let team = Team::new();
    let link = StoreLink::to(&team.store);
    let one = team.machine_at("a", &link.url("alice", &team.database));
    let other = team.machine("b", "bob");
    let (lines, ended) = disturbed(&one, 3, || link.close(true));
    assert_eq!(ended.code, 74, "{ended:?}");
    assert!(
        ended.stderr.contains("the run store is not reached"),
        "{ended:?}"
    );
    // What this machine has is read meanwhile, with a word on standard error.
    let id = run_id(&lines);
    for words in [&["runs"][..], &["replay", &id, "--json"], &["verify", &id]] {
        let read = one.drygate(words).expect(0);
        assert!(
            read.stderr.contains("shown is what this machine has"),
            "{words:?}: {read:?}"
        );
    }
    let words = ["verify", id.as_str(), "--store"];
    let compared = one.drygate(&words);
    assert_ne!(compared.code, 0, "nothing was compared: {compared:?}");
    let refused = one.drygate(&["resume", &id, "--headless", "--json"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("the run store is not reached"), "{said}");
    link.close(false);
    goes_on(&one, &other, &lines);
}

#[test]
fn a_new_run_without_its_store_is_not_begun() {
    let team = Team::new();
    let link = StoreLink::to(&team.store);
    link.close(true);
    let one = team.machine_at("a", &link.url("alice", &team.database));
    let refused = one.run();
    assert!([69, 74].contains(&refused.code), "{refused:?}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("the run store is not reached"), "{said}");
    link.close(false);
    one.go_on(one.run());
}

#[test]
fn a_store_that_ends_its_connections_is_asked_again() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let database = &team.database;
    let ends = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND usename = 'alice'"
    );
    let (lines, ended) = disturbed(&one, 3, || drop(team.sql(&ends)));
    assert_eq!(ended.code, 3, "{ended:?}");
    goes_on(&one, &other, &lines);
}

#[test]
fn a_store_that_is_read_only_takes_nothing_and_says_so() {
    let team = Team::new();
    let (one, other) = (team.machine("a", "alice"), team.machine("b", "bob"));
    let database = &team.database;
    let set = |value: &str| {
        team.sql(&format!(
            "ALTER DATABASE {database} SET default_transaction_read_only = {value}"
        ));
        team.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND usename = 'alice'"
        ));
    };
    let (lines, ended) = disturbed(&one, 3, || set("on"));
    assert_eq!(ended.code, 74, "{ended:?}");
    assert!(ended.stderr.contains("read-only transaction"), "{ended:?}");
    let id = run_id(&lines);
    let read = other.drygate(&["verify", &id]).expect(0);
    assert_eq!(
        team.lines(&id),
        other.journal(&id).lines().collect::<Vec<_>>()
    );
    assert_eq!(read.stderr, "", "a store that is read says nothing");
    let writable = format!(
        "SET transaction_read_only = off; ALTER DATABASE {database} RESET default_transaction_read_only"
    );
    team.sql(&writable);
    goes_on(&one, &other, &lines);
}

#[test]
fn a_store_that_is_full_or_refuses_takes_nothing_and_says_so() {
    let team = Team::new();
    let full = "CREATE FUNCTION drygate.no_room() RETURNS trigger LANGUAGE plpgsql AS \
        $$BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END$$; \
        CREATE TRIGGER no_room BEFORE INSERT ON drygate.line EXECUTE FUNCTION drygate.no_room()";
    for (name, disturb, mend, says) in [
        (
            "full",
            full,
            "DROP FUNCTION drygate.no_room CASCADE",
            "No space left on device",
        ),
        (
            "revoked",
            "REVOKE INSERT (run_id, seq, epoch, line) ON drygate.line FROM drygate_members",
            "GRANT INSERT (run_id, seq, epoch, line) ON drygate.line TO drygate_members",
            "permission denied for table line",
        ),
    ] {
        let one = team.machine(&format!("{name}-a"), "alice");
        let other = team.machine(&format!("{name}-b"), "bob");
        let (lines, ended) = disturbed(&one, 3, || drop(team.sql(disturb)));
        assert_eq!(ended.code, 74, "{ended:?}");
        assert!(ended.stderr.contains(says), "{name}: {ended:?}");
        let again = one.drygate(&["resume", &run_id(&lines), "--headless", "--json"]);
        assert_eq!(again.code, 74, "{name}: {again:?}");
        team.sql(mend);
        goes_on(&one, &other, &lines);
    }
}

#[test]
fn a_standing_store_is_not_waited_for_without_end() {
    let team = Team::new();
    let one = team.machine("a", "alice");
    let document = one.run().expect(3).json();
    let id = text(&document["run_id"]).to_owned();
    // The row of the run is locked by somebody who does not end: no statement about it is answered.
    let holder = team
        .store
        .session("postgres", &team.database)
        .expect("a session");
    holder
        .ask(&format!(
            "BEGIN; SELECT 1 FROM drygate.run WHERE run_id = '{id}' FOR UPDATE"
        ))
        .expect("a superuser");
    let refused = one.approve(&document, "SG1");
    assert_eq!(refused.code, 74, "{refused:?}");
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("no answer within 5 s"), "{said}");
    holder.ask("ROLLBACK").expect("a superuser");
    until("nothing waits for the row any more", || {
        team.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0"
    });
    let second = one.take_over(&crate::support::server::approval(&document, "SG1"));
    one.go_on(second);
    one.verify(&id);
}

#[test]
fn who_follows_a_run_is_told_when_the_store_stops_answering_and_when_it_answers() {
    let team = Team::new();
    let link = StoreLink::to(&team.store);
    let (one, other) = (
        team.machine("a", "alice"),
        team.machine_at("b", &link.url("bob", &team.database)),
    );
    let waits = one.run().expect(3).json();
    let run_id = text(&waits["run_id"]);
    let mut watcher = other.start(&["watch", run_id, "--headless"]);
    let mut shown = BufReader::new(watcher.stdout.take().expect("a pipe"));
    let mut text_of_run = String::new();
    shown.read_line(&mut text_of_run).expect("UTF-8");
    let mut said = BufReader::new(watcher.stderr.take().expect("a pipe"));
    let mut next_line = || {
        let mut read = String::new();
        said.read_line(&mut read).expect("UTF-8");
        read
    };
    link.close(true);
    let silent = next_line();
    assert!(
        silent.contains("shown is what this machine has"),
        "{silent}"
    );
    link.close(false);
    let again = next_line();
    assert!(again.contains("the run store answers again"), "{again}");
    // What went on meanwhile is shown.
    let sealed = one.go_on(one.approve(&waits, "SG1"));
    shown.read_to_string(&mut text_of_run).expect("UTF-8");
    assert!(
        text_of_run.contains(text(&sealed["result"])),
        "{text_of_run}"
    );
    assert_eq!(finish(watcher).code, 0);
}

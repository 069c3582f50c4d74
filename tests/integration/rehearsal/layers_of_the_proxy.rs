//! The layers of the read-only proxy, one taken out at a time. Invariant: with each of them production sees nothing of what is tried,
//! and without it production does, so that no other layer hides that one is gone.

use std::fs;

use serde_json::Value;

use super::walls::with_fake_dump;
use super::world::{OWNER, World, check};
use crate::support::server::finish;

/// What the proxy lets through of a program in place of `pg_dump`.
struct Tried {
    /// The document as it was printed.
    says: String,
    /// What production's log has of it.
    log: String,
    /// What the program wrote.
    out: String,
    document: Value,
}

/// Runs `psql` with these words through the proxy, `without` one of its layers; `{out}` is a file that it can write.
fn tried(without: Option<&str>, words: &str) -> Tried {
    let world = World::new();
    let place = tempfile::tempdir().expect("a temporary directory");
    let out = place.path().join("out");
    let fake = with_fake_dump(&words.replace("{out}", &out.display().to_string()));
    let mut command = world.command("SELECT 1", OWNER);
    command.env("DRYGATE_PG_BIN", fake.path().join("bin"));
    if let Some(layer) = without {
        command.env("DRYGATE_TEST_PROXY_WITHOUT", layer);
    }
    let before = fs::read_to_string(world.cluster.log_path()).expect("a log");
    let answer = finish(command.spawn().expect("the program"));
    let log = fs::read_to_string(world.cluster.log_path()).expect("a log");
    let document = answer.json();
    Tried {
        says: answer.stdout,
        log: log[before.len()..].to_owned(),
        out: fs::read_to_string(out).unwrap_or_default(),
        document,
    }
}

const PSQL: &str = "psql -X -q -At -h \"$host\" -p 5432 -U x -d shop";

#[test]
fn the_list_of_functions_is_what_keeps_a_call_from_production() {
    let call = "SELECT pg_catalog.pg_advisory_lock(4711)";
    let words = format!("exec {PSQL} -c \"{call}\" -c 'COPY x'");
    let with = tried(None, &words);
    assert!(
        with.says.contains("is not on the allow-list"),
        "{}",
        with.says
    );
    assert!(!with.log.contains("4711"), "{}", with.log);
    assert_eq!(check(&with.document, "production")["verdict"], "PASS");
    let without = tried(Some("functions"), &words);
    assert!(!without.says.contains("allow-list"), "{}", without.says);
    assert!(
        without.says.contains("COPY is not on the list"),
        "{}",
        without.says
    );
    assert!(without.log.contains(call), "{}", without.log);
}

#[test]
fn the_look_at_the_peer_is_what_keeps_another_process_out() {
    let words =
        format!("{PSQL} -o {{out}} -c 'SELECT oid FROM pg_catalog.pg_class LIMIT 1'; exit 1");
    let with = tried(None, &words);
    assert!(
        with.says.contains("another process connected"),
        "{}",
        with.says
    );
    assert_eq!(with.out, "");
    let without = tried(Some("peer"), &words);
    assert!(
        !without.says.contains("another process"),
        "{}",
        without.says
    );
    assert!(!without.out.is_empty(), "{}", without.says);
}

#[test]
fn that_settings_are_swallowed_is_what_keeps_our_deadlines() {
    let ask = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'";
    let words =
        format!("exec {PSQL} -o {{out}} -c 'SET statement_timeout = 0' -c \"{ask}\" -c 'COPY x'");
    let (profile, _) = drygate::profile::built_in("icx-const").expect("it parses");
    let with = tried(None, &words);
    assert_eq!(with.out, format!("{}\n", profile.timeouts.statement_ms));
    assert!(!with.log.contains("statement_timeout = 0"), "{}", with.log);
    let without = tried(Some("settings"), &words);
    assert_eq!(without.out, "0\n", "{}", without.says);
    assert!(
        without.log.contains("SET statement_timeout = 0"),
        "{}",
        without.log
    );
}

//! What production sees of a rehearsal, and what is left of one. Invariant: nothing above ACCESS SHARE, no transaction id, nobody
//! waits behind us, and nothing of it stays.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use super::world::{OWNER, READER, World, check, table};
use crate::support::ground::clusters_of;
use crate::support::server::{SUPERUSER, finish};

const CHANGE: &str = "UPDATE shop.orders SET region = 'EU' WHERE id <= 7";

/// Waits for a fact.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_mins(2),
            "{what} did not come"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn production_sees_reads_of_the_closed_list_and_nothing_else() {
    let world = World::new();
    let before = fs::read_to_string(world.cluster.log_path())
        .expect("a log")
        .len();
    let found = world.rehearse(CHANGE).expect(0).json();
    let proof = &found["proof"];
    assert_eq!(proof["xid_assigned"], serde_json::Value::Null);
    assert_eq!(proof["rows_written"], 0);
    for lock in proof["locks"].as_array().expect("locks") {
        let lock = lock.as_str().expect("text");
        assert!(
            lock.contains("AccessShareLock") || lock.contains("virtualxid"),
            "{lock}"
        );
    }
    let listed: Vec<&str> = found["statements"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it.as_str())
        .collect();
    let log = fs::read_to_string(world.cluster.log_path()).expect("a log");
    let reader = format!("{READER}@shop");
    let mut sent = 0;
    for line in log[before..].lines().filter(|line| line.contains(&reader)) {
        let text = ["statement: ", "execute <unnamed>: "]
            .iter()
            .find_map(|mark| line.split_once(*mark));
        let Some((_, text)) = text else { continue };
        sent += 1;
        // A statement of several lines: its first one is what stands beside the mark.
        let is_listed = listed
            .iter()
            .any(|listed| listed.lines().next().unwrap_or("").trim_end() == text.trim_end());
        assert!(is_listed, "not listed: {text}");
        let verb = text
            .split([' ', '('])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        let reads = [
            "BEGIN",
            "SELECT",
            "WITH",
            "SAVEPOINT",
            "ROLLBACK",
            "RELEASE",
            "LOCK",
            "PREPARE",
            "EXECUTE",
            "COPY",
        ];
        assert!(reads.contains(&verb.as_str()), "{text}");
        if verb == "LOCK" {
            assert!(text.ends_with("IN ACCESS SHARE MODE"), "{text}");
        }
        if verb == "COPY" {
            assert!(
                text.starts_with("COPY (SELECT ") && text.ends_with("TO STDOUT"),
                "{text}"
            );
        }
    }
    assert!(sent > 50, "{sent} statements");
    // Only what the change asked for was copied.
    let copied: Vec<&&str> = listed
        .iter()
        .filter(|text| text.starts_with("COPY"))
        .collect();
    assert_eq!(copied.len(), 3, "{copied:?}");
    assert!(!log.contains("FROM ONLY \"shop\".\"quiet\""));
}

#[test]
fn whoever_waits_behind_us_goes_first() {
    let world = World::new();
    let (_, text) = drygate::profile::built_in("icx-const").expect("it parses");
    let profile = world.home().join("patient.toml");
    let patient = format!("{text}\n[timeouts]\nlock_ms = 60000\nstatement_ms = 60000\n");
    fs::write(&profile, patient).expect("a file");
    let psql = |sql: &str| -> Child {
        std::process::Command::new("psql")
            .args(["-X", "-q", "-U", SUPERUSER, "-d", "shop", "-c", sql, "-h"])
            .arg(world.cluster.socket_dir())
            .spawn()
            .expect("psql")
    };
    // pg_dump locks the customers, then waits for the visits: so long we hold the customers.
    let mut blocker =
        psql("BEGIN; LOCK TABLE shop.visit IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300)");
    let locked = |table: &str, mode: &str, granted: bool| {
        let sql = format!(
            "SELECT count(*)::text FROM pg_locks WHERE relation = 'shop.{table}'::regclass AND mode = '{mode}' AND granted = {granted}"
        );
        world.sql(&sql)[0][0].as_deref() != Some("0")
    };
    until("the lock", || locked("visit", "AccessExclusiveLock", true));
    let mut command = world.command(CHANGE, OWNER);
    command.arg("--profile").arg(&profile);
    let rehearsal = command.spawn().expect("the program");
    until("our wait", || locked("visit", "AccessShareLock", false));
    let began = Instant::now();
    let mut waiter = psql("ALTER TABLE shop.customer ADD COLUMN waited int");
    let altered = waiter.wait().expect("psql");
    assert!(altered.success());
    let took = began.elapsed();
    let answer = finish(rehearsal).expect(69);
    assert!(answer.stdout.contains("made way for PID "), "{answer:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    blocker.kill().expect("ours");
    blocker.wait().expect("ours");
}

#[test]
fn a_copy_is_no_faster_than_the_profile_lets_it() {
    let world = World::new();
    let long = "UPDATE shop.spare SET name = repeat('x', 20000)";
    world.cluster.load("shop", long).expect("longer rows");
    let sizes = world.sql("SELECT sum(octet_length(name))::text, count(*)::text FROM shop.spare");
    assert_eq!(sizes[0], [Some("100000".to_owned()), Some("5".to_owned())]);
    let (_, text) = drygate::profile::built_in("icx-const").expect("it parses");
    let profile = world.home().join("slow.toml");
    fs::write(
        &profile,
        format!("{text}\n[rehearsal]\nbytes_per_second = 12500\n"),
    )
    .expect("a file");
    let mut command = world.command("UPDATE shop.spare SET name = 'y'", OWNER);
    command.arg("--profile").arg(&profile);
    let began = Instant::now();
    let mut child = command.spawn().expect("the program");
    let mut said = BufReader::new(child.stderr.take().expect("its output")).lines();
    let came = said
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.contains("loading rows"));
    assert!(came, "it ended before");
    // What is measured is longer than the copy, whatever else this machine does.
    let took = began.elapsed();
    let found = finish(child).expect(0).json();
    assert_eq!(table(&found, "shop.spare")["updated"]["value"], 5);
    // 100,000 bytes.
    assert!(took >= Duration::from_secs(8), "{took:?}");
}

/// The directories that a process of this number owns, or owned when it was killed.
pub fn directories_of(owner: u32) -> Vec<PathBuf> {
    clusters_of(owner, &std::env::temp_dir())
}

/// Whether a process has this path among its arguments.
pub fn named_in_processes(path: &Path) -> bool {
    let text = path.display().to_string();
    let mut entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries.any(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&text))
    })
}

#[test]
fn a_role_that_production_lacks_and_a_script_that_is_not_there_are_said() {
    let world = World::shared();
    let answer = finish(
        world
            .command(CHANGE, "nobody_here")
            .spawn()
            .expect("the program"),
    );
    let found = answer.expect(9).json();
    let says = check(&found, "change")["says"]
        .as_str()
        .expect("a sentence")
        .to_owned();
    assert!(says.contains("no role nobody_here"), "{says}");
    // As psql could not connect as it in production either.
    let answer = finish(
        world
            .command(CHANGE, "shop_clerk")
            .spawn()
            .expect("the program"),
    );
    let found = answer.expect(9).json();
    let refused = check(&found, "change");
    let says = refused["says"].as_str().expect("a sentence");
    assert!(says.contains("role shop_clerk may not log in"), "{says}");
    let next = refused["next"].as_str().expect("a sentence");
    assert!(next.contains("SET ROLE \"shop_clerk\""), "{next}");
    assert_eq!(found["rehearsed"], serde_json::Value::Null, "nothing ran");
    let mut command = world.command(CHANGE, OWNER);
    command.arg("/nowhere/change.sql");
    assert_eq!(finish(command.spawn().expect("the program")).code, 64);
}

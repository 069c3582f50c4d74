//! A machine that gives out under a rehearsal. Invariant: what this machine could not carry out is NOT CHECKED and no verdict of the
//! change, production is left as always, and nothing stays.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::ends::{directories_of, named_in_processes, until};
use super::world::{OWNER, World, check};
use crate::support::server::{Answer, finish};

/// Gives a program a small /tmp of its own, in which the named directories are the real ones.
pub(super) const SMALL_DISK: &str = r#"size=$1; shift
mount -t tmpfs tmpfs /mnt
kept=0
for place in "$1" "$2" "$3"; do
  kept=$((kept + 1)); mkdir "/mnt/$kept"; mount --bind "$place" "/mnt/$kept"
done
mount -t tmpfs -o "size=$size,mode=1777" tmpfs /tmp
kept=0
for place in "$1" "$2" "$3"; do
  kept=$((kept + 1)); mkdir -p "$place"; mount --bind "/mnt/$kept" "$place"
done
shift 3
unset DRYGATE_TEST_CLUSTERS
exec "$@""#;

/// The same call as an argument of another program.
pub(super) fn within(outer: &mut Command, inner: &Command) -> Child {
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.env_clear();
    for (name, value) in inner.get_envs() {
        outer.env(name, value.unwrap_or_default());
    }
    outer.stdin(Stdio::null());
    outer.stdout(Stdio::piped()).stderr(Stdio::piped());
    outer.spawn().expect("the program")
}

#[track_caller]
fn not_carried_out(answer: Answer, why: &str) -> Value {
    let found = answer.expect(11).json();
    let change = check(&found, "change");
    assert_eq!(change["verdict"], "NOT CHECKED", "{found:#}");
    let says = change["says"].as_str().expect("a sentence");
    assert!(says.contains(why), "{says}");
    assert_eq!(check(&found, "production")["verdict"], "PASS", "{found:#}");
    assert_eq!(found["rehearsed"], Value::Null);
    found
}

#[test]
fn a_full_disk_is_no_verdict_of_the_change() {
    if !rustix::process::geteuid().is_root() {
        // Only root can make a small disk.
        return;
    }
    let world = World::new();
    let big = "INSERT INTO shop.visit SELECT '2026-01-01', repeat('x', 500), NULL FROM generate_series(1, 900000)";
    let command = world.command(big, OWNER);
    let binary = Path::new(command.get_program())
        .parent()
        .expect("a directory");
    let mut outer = Command::new("unshare");
    outer.args(["--mount", "sh", "-ec", SMALL_DISK, "sh", "260m"]);
    outer
        .arg(world.cluster.socket_dir())
        .arg(world.place())
        .arg(binary);
    let answer = finish(within(&mut outer, &command));
    not_carried_out(answer, "");
}

#[test]
fn too_little_memory_is_no_verdict_of_the_change() {
    let world = World::new();
    let command = world.command("SELECT length(repeat('x', 900000000))", OWNER);
    let mut outer = Command::new("sh");
    outer.args(["-c", "ulimit -v 800000; exec \"$@\"", "sh"]);
    let answer = finish(within(&mut outer, &command));
    not_carried_out(answer, "out of memory");
}

/// The process of the shadow's server, which runs in a directory of this process.
pub(super) fn server_of(owner: u32) -> Option<Pid> {
    let places = directories_of(owner);
    let is_server = |line: &str| {
        let mut words = line.split('\0');
        let program = words.next().unwrap_or_default().ends_with("/postgres");
        program
            && places
                .iter()
                .any(|place| line.contains(&*place.to_string_lossy()))
    };
    let mut processes = fs::read_dir("/proc").ok()?.flatten();
    let server = processes.find(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| is_server(&String::from_utf8_lossy(&line)))
    })?;
    Pid::from_raw(server.file_name().to_str()?.parse().ok()?)
}

#[test]
fn a_server_that_is_killed_is_no_verdict_of_the_change() {
    let world = World::new();
    let mut child = world
        .command("SELECT pg_sleep(600)", OWNER)
        .spawn()
        .expect("the program");
    let owner = child.id();
    let mut said = BufReader::new(child.stderr.take().expect("its output"));
    let mut line = String::new();
    while !line.contains("running the change") {
        line.clear();
        assert_ne!(
            said.read_line(&mut line).expect("it says"),
            0,
            "it ended before"
        );
    }
    let places = directories_of(owner);
    let server = server_of(owner).expect("the server of the shadow");
    kill_process(server, Signal::KILL).expect("ours");
    let answer = finish(child);
    not_carried_out(answer, "");
    assert!(!places.is_empty() && places.iter().all(|place| !place.exists()));
}

#[test]
fn a_change_that_does_not_end_fails_at_its_deadline() {
    let world = World::shared();
    let mut command = world.command("SELECT pg_sleep(600)", OWNER);
    command.env("DRYGATE_TEST_CHANGE_SECONDS", "2");
    let child = command.spawn().expect("the program");
    let owner = child.id();
    let found = finish(child).expect(9).json();
    let says = check(&found, "change")["says"]
        .as_str()
        .expect("a sentence");
    assert_eq!(says, "it did not end within 2 s");
    let left: Vec<PathBuf> = directories_of(owner);
    assert!(left.is_empty(), "{left:?}");
}

/// Kills a rehearsal when it says this, and gives the directories that it left.
fn killed_at(world: &World, step: &str) -> Vec<PathBuf> {
    let script = "UPDATE shop.orders SET region = 'EU' WHERE id <= 7";
    let mut child = world.command(script, OWNER).spawn().expect("the program");
    let mut said = BufReader::new(child.stderr.take().expect("its output")).lines();
    let came = said
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.contains(step));
    assert!(came, "it ended before {step}");
    let left = directories_of(child.id());
    child.kill().expect("ours");
    child.wait().expect("ours");
    left
}

#[test]
fn killed_at_any_step_nothing_runs_and_the_next_start_sweeps_the_disk() {
    let world = World::new();
    let mut left = Vec::new();
    for step in [
        "connecting to production",
        "reading the schema of production",
        "loading the schema",
        "running the change, pass 1",
        "copying shop.orders",
        "loading rows",
        "running the change, pass 2",
        "reading what it did",
        "running the change again",
    ] {
        left.extend(killed_at(&world, step));
    }
    assert!(left.len() >= 8, "{left:?}");
    until("the end of every process", || {
        !left.iter().any(|place| named_in_processes(place))
    });
    world
        .rehearse("DELETE FROM shop.spare WHERE id = 1")
        .expect(0);
    for place in &left {
        assert!(!place.exists(), "{} is left", place.display());
    }
}

//! A process that kills itself with SIGKILL at a chosen operation on a real disk (F1), and what a resume makes of it. Invariant: what the child said it had made durable is in the journal.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use drygate::journal::{DiskStorage, Permissions};
use drygate::run::TransactionEnd;
use drygate::survey::Digest;
use drygate::testing::{FaultCounts, fault_rounds};

use super::faulty::{Fuse, Fused};
use super::recording::{RECORDING, recording};
use super::world::World;

/// Set for the child that kills itself: directory, run id, operation, torn.
const CHILD: &str = "DRYGATE_TEST_KILL_CHILD";
const NAME: &str = "kill::child";

/// A whole life: begun, SG1 and SG2 approved, sealed.
fn live(world: &World) {
    let mut outcome = world.begin().expect("it begins");
    while outcome.exit_code == 3 {
        let request = world.approval(&outcome.run);
        outcome = world.take_up(Some(request)).expect("it is approved");
    }
    assert_eq!(outcome.exit_code, 0, "{}", outcome.message);
}

/// Does nothing unless it is the child.
#[test]
fn child() {
    let Ok(given) = std::env::var(CHILD) else {
        return;
    };
    let words: Vec<&str> = given.split(' ').collect();
    let at = words[2].parse().expect("a number");
    let disk = open(Path::new(words[0]));
    let fuse = Fuse::new(at, words[3] == "torn");
    let mut world = World::new(Arc::new(Fused {
        disk,
        fuse: fuse.clone(),
    }));
    world.telling = true;
    world.run_id = words[1].parse().expect("a run id");
    live(&world);
    writeln!(std::io::stderr(), "operations {}", fuse.done()).expect("the parent listens");
}

fn open(home: &Path) -> DiskStorage {
    DiskStorage::create(home, Permissions::private()).expect("a directory")
}

/// Lives and dies in a process of its own. Gives whether it was killed, what it had shown, and how many operations it made.
fn die_at(
    home: &Path,
    world: &World,
    at: u64,
    torn: bool,
    recorded: &Path,
) -> (bool, Vec<(u64, Digest)>, u64) {
    let torn = if torn { "torn" } else { "whole" };
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
        .env(
            CHILD,
            format!("{} {} {at} {torn}", home.display(), world.run_id),
        )
        .env(RECORDING, recorded)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let (mut shown, mut operations) = (Vec::new(), 0);
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().expect("piped")).lines() {
        let line = line.expect("readable");
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["shown", seq, head] => shown.push((
                seq.parse().expect("a number"),
                head.parse().expect("a digest"),
            )),
            ["operations", number] => operations = number.parse().expect("a number"),
            _ => said.push_str(&line),
        }
    }
    let status = child.wait().expect("it ended");
    let killed = status.signal() == Some(9);
    assert!(
        killed || status.success(),
        "operation {at}: {status}: {said}"
    );
    (killed, shown, operations)
}

#[test]
fn killed_at_operations_of_its_whole_life_it_goes_on_to_the_same_facts() {
    let scratch = tempfile::tempdir().expect("a directory");
    let recorded = scratch.path().join("recording.json");
    let bytes = serde_json::to_vec(&*recording()).expect("plain data");
    fs::write(&recorded, bytes).expect("there is room");
    let lived = |name: &str, at: u64, torn: bool| {
        let home = scratch.path().join(name);
        let world = World::new(Arc::new(open(&home)));
        let (killed, shown, operations) = die_at(&home, &world, at, torn, &recorded);
        (world, killed, shown, operations)
    };
    let (whole, killed, _, operations) = lived("whole", 0, false);
    assert!(!killed && operations > 500, "{operations} operations");
    whole.must_be_whole("whole");
    let facts = whole.run().pin.expect("a pin").facts_digest.clone();
    let rounds = fault_rounds(operations / 61, operations).min(operations);
    let every = usize::try_from(operations / rounds).expect("small");
    let counts = FaultCounts::new(1, "SIGKILL at a write, sync or rename on a real disk");
    let (mut never_begun, mut unseen) = (0, 0);
    for (nth, at) in (1..=operations).step_by(every).enumerate() {
        let context = format!("killed at operation {at}");
        let (world, killed, shown, _) = lived(&format!("{at}"), at, nth % 2 == 0);
        if !killed {
            counts.void();
            continue;
        }
        counts.injected();
        *world.acknowledged.lock().expect("not poisoned") = shown.clone();
        if world
            .storage
            .len(&world.path().join("manifest.sha256"))
            .expect("readable")
            .is_none()
        {
            let Some(outcome) = world.go_on() else {
                assert!(shown.is_empty(), "{context}: a run that was shown is gone");
                never_begun += 1;
                continue;
            };
            assert_eq!(outcome.exit_code, 0, "{context}: {}", outcome.message);
        }
        world.must_be_whole(&context);
        world.must_hold_what_was_acknowledged(&context);
        let run = world.run();
        assert_eq!(run.pin.expect("a pin").facts_digest, facts, "{context}");
        let lost = |end: &TransactionEnd| matches!(end, TransactionEnd::Unseen(_));
        unseen += run.transactions.iter().filter(|t| lost(&t.end)).count();
        fs::remove_dir_all(scratch.path().join(format!("{at}"))).expect("it is ours");
    }
    println!(
        "{operations} operations, every {every}th: {never_begun} before there was a run, {unseen} transactions unseen"
    );
    assert_eq!(
        counts.so_far().1,
        0,
        "a kill that did not come proves nothing"
    );
}

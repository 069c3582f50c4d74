//! Runs whose process died before the first record. Invariant: at each step of making one, what is left is listed as what it is, can be cleared, and is never
//! taken for a run; from the first record on it is one.

use std::fs;
use std::path::{Path, PathBuf};

use drygate::journal::{DiskStorage, Permissions, Storage};
use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::server::{Workspace, text};

const RUN: &str = "ictr-20261101T000000Z-0000000b";

type Step = (&'static str, Box<dyn Fn()>);

/// What a process has made of a run when it dies, one step after the other, up to where the first record is not whole.
fn steps(run: &Path, first_line: &str) -> Vec<Step> {
    let at = |name: &str| -> PathBuf { run.join(name) };
    let (directory, lock, blobs, units) = (run.to_owned(), at("LOCK"), at("blobs"), at("units"));
    let (journal, profile, torn) = (
        at("journal.jsonl"),
        at("blobs").join("0".repeat(64)),
        at("journal.jsonl"),
    );
    let half = first_line[..first_line.len() / 2].to_owned();
    vec![
        (
            "the directory",
            Box::new(move || fs::create_dir(&directory).expect("made")),
        ),
        (
            "LOCK",
            Box::new(move || fs::write(&lock, "").expect("made")),
        ),
        (
            "blobs",
            Box::new(move || fs::create_dir(&blobs).expect("made")),
        ),
        (
            "units",
            Box::new(move || fs::create_dir(&units).expect("made")),
        ),
        (
            "the journal",
            Box::new(move || fs::write(&journal, "").expect("made")),
        ),
        (
            "the profile",
            Box::new(move || fs::write(&profile, "text").expect("made")),
        ),
        (
            "half a line",
            Box::new(move || fs::write(&torn, &half).expect("made")),
        ),
    ]
}

fn listed(workspace: &Workspace) -> Vec<Value> {
    let list = workspace.drygate(&["runs", "--json"]).expect(0).json();
    list["runs"].as_array().expect("a list").clone()
}

#[test]
fn what_a_run_leaves_that_was_never_begun_is_listed_as_such_and_cleared() {
    let workspace = Workspace::new(Scenario::Enacted);
    let begun = workspace.run_to_sg2();
    let journal = workspace.run_dir(&begun).join("journal.jsonl");
    let journal = fs::read_to_string(journal).expect("a journal");
    let first = journal.lines().next().expect("a line");
    let run = workspace.data().join("runs").join(RUN);
    let count = steps(&run, first).len();
    for upto in 1..=count {
        let mut name = "";
        for (step, make) in steps(&run, first).into_iter().take(upto) {
            make();
            name = step;
        }
        let list = listed(&workspace);
        let row = list
            .iter()
            .find(|row| row["run_id"] == RUN)
            .expect("it is listed");
        assert_eq!(row["standing"], "never begun", "{name}");
        let verified = workspace.drygate(&["verify", RUN]).expect(7);
        assert!(
            verified.stdout.contains("was never begun"),
            "{name}: {verified:?}"
        );
        let resumed = workspace.drygate(&["resume", RUN, "--headless"]).expect(7);
        assert!(
            resumed.stderr.contains("was never begun"),
            "{name}: {resumed:?}"
        );
        // Who makes it may be alive.
        let storage = DiskStorage::create(&workspace.data(), Permissions::private()).expect("ours");
        let lock = Path::new("runs").join(RUN).join("LOCK");
        let lease = storage.lease(&lock).expect("readable").expect("free");
        workspace.drygate(&["runs", "remove", RUN]).expect(75);
        assert!(run.exists(), "{name}");
        drop(lease);
        let removed = workspace.drygate(&["runs", "remove", RUN]).expect(0);
        assert!(
            removed.stdout.contains("it was never begun"),
            "{name}: {removed:?}"
        );
        assert!(!run.exists(), "{name}");
        assert!(listed(&workspace).iter().all(|row| row["run_id"] != RUN));
    }
    // What is more than that stays.
    fs::create_dir(&run).expect("made");
    fs::write(run.join("mine.txt"), "mine").expect("made");
    let refused = workspace.drygate(&["runs", "remove", RUN]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("more in it"), "{refused:?}");
    assert!(run.join("mine.txt").exists());
    fs::remove_dir_all(&run).expect("ours");
    // All that are old enough, and none that began.
    fs::create_dir(&run).expect("made");
    workspace
        .drygate(&["runs", "remove", "--older-than", "0d"])
        .expect(0);
    assert!(!run.exists());
    assert!(
        listed(&workspace)
            .iter()
            .any(|row| row["run_id"] == text(&begun["run_id"]))
    );
}

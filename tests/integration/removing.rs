//! Runs that are removed. Invariant: of a sealed run head, result, who and when stay; what is not sealed, is held or does not read stays
//! whole.

use std::fs;
use std::path::Path;

use drygate::journal::Storage;
use drygate::journal::{DiskStorage, Permissions};
use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::server::{Workspace, files, text};

/// The list as a document, and its entry of a run.
fn listed(workspace: &Workspace, words: &[&str]) -> Vec<Value> {
    let list = workspace.drygate(&[&["runs", "--json"], words].concat());
    let list = list.expect(0).json();
    list["runs"].as_array().expect("a list").clone()
}

fn of<'l>(list: &'l [Value], run: &str) -> &'l Value {
    let mut found = list.iter().filter(|entry| entry["run_id"] == run);
    let entry = found.next().expect("it is listed");
    assert_eq!(found.next(), None, "{run} is listed once");
    entry
}

#[test]
fn of_a_removed_run_head_result_who_and_when_stay() {
    let workspace = Workspace::new(Scenario::Enacted);
    let waits = workspace.run_to_sg2();
    let sealed = workspace.run_to_the_end().expect(0).json();
    let (run, open) = (text(&sealed["run_id"]), text(&waits["run_id"]));
    let directory = workspace.run_dir(&sealed);
    let head: Value =
        serde_json::from_slice(&fs::read(directory.join("HEAD")).expect("HEAD")).expect("JSON");
    let before = listed(&workspace, &[]);
    let known = of(&before, run).clone();
    assert_eq!(known["outcome"], "PASS");
    assert_eq!(known["approvals"].as_array().expect("two").len(), 2);
    let own = rustix::process::geteuid().as_raw();
    assert_eq!(known["started_by_uid"], own);
    assert_eq!(known["approvals"][1]["uid"], own);

    // What is not sealed stays, by its name and by its age.
    let whole = files(&workspace.run_dir(&waits));
    let refused = workspace.drygate(&["runs", "remove", open]).expect(64);
    assert!(refused.stderr.contains("is not sealed"), "{refused:?}");
    // What another process holds stays.
    let storage = DiskStorage::create(&workspace.data(), Permissions::private()).expect("ours");
    let lock = Path::new("runs").join(run).join("LOCK");
    let lease = storage.lease(&lock).expect("readable").expect("free");
    workspace.drygate(&["runs", "remove", run]).expect(75);
    assert!(directory.join("journal.jsonl").exists());
    drop(lease);
    // Nothing is that old.
    let none = workspace
        .drygate(&["runs", "remove", "--older-than", "1d"])
        .expect(0);
    assert!(
        none.stderr.contains("No sealed run is that old."),
        "{none:?}"
    );
    workspace.drygate(&["runs", "remove"]).expect(64);

    let removed = workspace
        .drygate(&["runs", "remove", "--older-than", "0d"])
        .expect(0);
    assert!(
        removed.stdout.contains(text(&head["sha256"])),
        "{removed:?}"
    );
    assert!(!directory.exists());
    assert_eq!(files(&workspace.run_dir(&waits)), whole);

    let after = listed(&workspace, &[]);
    assert_eq!(after.len(), before.len());
    let left = of(&after, run);
    assert_eq!(left["standing"], "removed");
    assert_eq!(left["head_seq"], head["seq"]);
    assert_eq!(left["head_sha256"], head["sha256"]);
    assert_eq!(left["removed_by_uid"], own);
    for member in [
        "result",
        "outcome",
        "started_by",
        "started_at",
        "approvals",
        "profile",
        "target",
        "records",
    ] {
        assert_eq!(left[member], known[member], "{member}");
    }
    let said = workspace.drygate(&["verify", run]).expect(64);
    assert!(said.stderr.contains("was removed"), "{said:?}");
    assert!(said.stderr.contains(text(&head["sha256"])), "{said:?}");

    // For an auditor: since a day, a time, so many days ago.
    for since in ["1d", "2026-01-01", "2026-01-01T00:00:00Z"] {
        assert_eq!(listed(&workspace, &["--since", since]).len(), 2, "{since}");
    }
    assert_eq!(
        listed(&workspace, &["--since", "2199-01-01"]),
        Vec::<Value>::new()
    );
    workspace
        .drygate(&["runs", "--since", "yesterday"])
        .expect(64);
    // Only what is asked for.
    assert_eq!(listed(&workspace, &["--waiting"]).len(), 1);

    // What a crash left of the removal goes with the next one.
    let torn = workspace.data().join("removed/.tmp-torn/kb");
    fs::create_dir_all(&torn).expect("ours");
    workspace
        .drygate(&["runs", "remove", "--older-than", "0d"])
        .expect(0);
    let sealed = workspace.run_to_the_end().expect(0).json();
    let journal = workspace.run_dir(&sealed).join("journal.jsonl");
    // A run that does not read is evidence of something: it stays.
    let text_of = fs::read_to_string(&journal).expect("readable");
    fs::write(&journal, text_of.replacen("PASS", "FAIL", 1)).expect("ours");
    workspace
        .drygate(&["runs", "remove", text(&sealed["run_id"])])
        .expect(7);
    assert!(journal.exists());
    assert!(!torn.exists());
}

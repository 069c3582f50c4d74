//! What a run cannot be asked, or not yet, is no fault of the words that asked. Invariant: 64 is for usage alone; each code is that of
//! the contract, with a sentence and what to do.

use std::fs;

use drygate::postgres::throwaway::Scenario;

use super::support::server::{Workspace, text};

/// Whether an answer has this code, this sentence and this advice.
#[track_caller]
fn assert_told(workspace: &Workspace, words: &[&str], code: i32, sentence: &str, advice: &str) {
    let told = workspace.drygate(words).expect(code).stderr;
    assert!(told.contains(sentence), "{words:?}: {told}");
    assert!(told.contains(advice), "{words:?}: {told}");
}

#[test]
fn what_a_waiting_run_does_not_have_yet_is_named_without_calling_it_usage() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    let run = text(&waiting["run_id"]);
    let diff = ["diff", run, "--evidence", "SG2", "--headless"];
    assert_told(
        &workspace,
        &diff,
        11,
        "no evidence of SG2 yet",
        "diff --help",
    );
    let recheck = ["recheck", run, "--headless"];
    assert_told(&workspace, &recheck, 3, "is not sealed", "drygate resume");
    let reject = ["reject", run, "SG1", "--reason", "not today"];
    workspace.drygate(&reject).expect(5);
    let after = ["recheck", run, "--after", "--headless"];
    assert_told(&workspace, &after, 5, "never simulated ENACT", "");
}

#[test]
fn a_run_without_its_beginning_or_its_profile_is_damaged_evidence() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    let run = text(&waiting["run_id"]);
    let profile = text(&workspace.events(&waiting, "run_created")[0]["profile_sha256"]).to_owned();
    fs::remove_file(workspace.run_dir(&waiting).join("blobs").join(profile)).expect("a blob");
    assert_told(&workspace, &["report", run], 7, "the profile of", "");
    let directory = workspace.run_dir(&waiting);
    fs::write(directory.join("journal.jsonl"), "").expect("our own file");
    fs::remove_file(directory.join("HEAD")).expect("our own file");
    assert_told(
        &workspace,
        &["resume", run, "--headless"],
        7,
        "was never begun",
        "start a new run",
    );
    assert_told(
        &workspace,
        &["report", run],
        7,
        "was never begun",
        "start a new run",
    );
}

#[test]
fn tables_that_the_role_may_not_ask_about_are_a_failed_check() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql("REVOKE SELECT ON pg_catalog.pg_namespace FROM PUBLIC");
    let url = workspace.url();
    let init = ["profile", "init", "mine.toml", "--database-url", &url];
    assert_told(
        &workspace,
        &init,
        9,
        "the tables cannot be read: 42501",
        "Ask with a role that may",
    );
}

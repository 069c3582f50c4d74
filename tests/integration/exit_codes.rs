//! What a run cannot be asked, or not yet, is no fault of the words that asked. Invariant: 64 is for usage alone; each code is that of
//! the contract, with a sentence and what to do.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

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
        "the tables cannot be read: the catalogues cannot be read: 42501",
        "Ask with a role that may",
    );
}

#[test]
fn a_data_directory_that_others_could_change_or_that_cannot_be_made_says_what_to_do() {
    let workspace = Workspace::new(Scenario::Draft);
    let place = |name: &str| workspace.place().join(name);
    let runs = |data: &Path| {
        let data = data.display().to_string();
        workspace.drygate(&["runs", "--json", "--data-dir", &data])
    };
    let open = |path: &Path, mode| {
        fs::create_dir_all(path).expect("our own folder");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own folder");
    };
    let advice = "Name a data directory of your own";
    for (name, of_root, of_runs, refused) in [
        (
            "open-runs",
            0o700,
            0o777,
            Some("runs: every account may write to it"),
        ),
        ("group-runs", 0o700, 0o770, Some("may write to it")),
        (
            "open-root",
            0o777,
            0o700,
            Some("open-root: every account may write to it"),
        ),
        // As /tmp is: nobody but its owner takes away what is there.
        ("sticky", 0o1777, 0o700, None),
        ("own", 0o700, 0o700, None),
    ] {
        open(&place(name).join("runs"), of_runs);
        open(&place(name), of_root);
        let told = runs(&place(name));
        match refused {
            None => drop(told.expect(0)),
            Some(why) => {
                let told = told.expect(78).stderr;
                assert!(
                    told.contains(why) && told.contains(advice),
                    "{name}: {told}"
                );
            }
        }
    }
    if rustix::process::geteuid().is_root() {
        for (name, whose) in [("foreign-root", ""), ("foreign-runs", "runs")] {
            open(&place(name).join("runs"), 0o700);
            chown(place(name).join(whose), Some(61_101), Some(61_101)).expect("root may");
            let told = runs(&place(name)).expect(78).stderr;
            assert!(told.contains("it belongs to uid 61101"), "{name}: {told}");
        }
    }
    // Where it cannot be made.
    fs::write(place("file"), "").expect("our own file");
    let told = runs(&place("file/data")).expect(74);
    assert!(
        text(&told.json()["next"]).contains("--data-dir DIR"),
        "{told:?}"
    );
}

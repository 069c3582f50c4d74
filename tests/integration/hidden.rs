//! Hidden columns of a protected table. Invariant: their values are in the digest, and in nothing that is written or printed.

use std::process::Command;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use crate::support::server::{Answer, Workspace, files, text};

const SECRETS: [&str; 2] = ["s3cret-before-9f1c", "s3cret-after-77aa"];

fn hiding(profile: &str) -> String {
    let lists = "\"actor\", \"reason\", \"occurred_at\"]\n";
    let hide = format!("{lists}hide = [\"reason\"]\n");
    assert!(profile.contains(lists));
    profile.replacen(lists, &hide, 1)
}

/// Runs the program and looks for the secrets in what it printed.
fn quiet(workspace: &Workspace, args: &[&str]) -> Answer {
    let answer = workspace.drygate(args);
    for secret in SECRETS {
        let said = answer.stdout.contains(secret) || answer.stderr.contains(secret);
        assert!(!said, "{args:?} prints a hidden value: {answer:?}");
    }
    answer
}

fn nothing_is_kept(workspace: &Workspace) {
    let kept = files(&workspace.data());
    assert!(kept.len() > 20, "the run has files");
    for (path, bytes) in kept {
        let held = String::from_utf8_lossy(&bytes);
        let secret = SECRETS.iter().find(|secret| held.contains(*secret));
        assert_eq!(secret, None, "{}", path.display());
    }
}

fn row_of<'d>(drift: &'d Value, key: &str) -> &'d Value {
    let drift = drift.as_array().expect("a list");
    let change = drift.iter().find(|change| change["key"] == key);
    &change.unwrap_or_else(|| panic!("{key}: {drift:?}"))["rows"][0]
}

#[test]
fn a_hidden_value_that_changes_is_seen_and_never_written_down() {
    let workspace = Workspace::new(Scenario::Enacted);
    let [before, after] = SECRETS;
    workspace.sql(&format!(
        "UPDATE public.lifecycle_log SET reason = '{before}'"
    ));
    let profile = workspace.profile("hiding.toml", hiding);
    let url = workspace.url();
    let run = [
        "run",
        "--headless",
        "--json",
        "--database-url",
        &url,
        "--profile",
        &profile,
    ];
    let waiting = quiet(&workspace, &run).expect(3).json();
    let reason = format!(
        "UPDATE public.lifecycle_log SET reason = '{after}' WHERE id = (SELECT min(id) FROM public.lifecycle_log)"
    );
    workspace.sql(&reason);
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    let drift = &workspace.events(&drifted, "drift_found")[0]["drift"];
    assert_eq!(drift.as_array().map(Vec::len), Some(1), "{drift}");
    let row = row_of(drift, "lifecycle_log");
    assert_eq!(row["key"], "(hidden columns)");
    assert_eq!(row["found"], "hidden values differ");
    let message = text(&drifted["message"]);
    assert!(message.contains("(hidden columns)"), "{message}");
    nothing_is_kept(&workspace);

    let id = text(&drifted["run_id"]);
    let said = quiet(&workspace, &["diff", id]).expect(2).stdout;
    assert!(
        said.contains("values of reason are hidden and not shown"),
        "{said}"
    );
    assert!(said.contains("(hidden columns)"), "{said}");
    quiet(&workspace, &["diff", id, "--json"]).expect(2);
    let again = workspace.resume(&drifted).expect(3).json();
    let second = workspace.approve(&again, "SG1").expect(3).json();
    workspace.approve(&second, "SG2").expect(0);
    quiet(&workspace, &["verify", id]).expect(0);
    quiet(&workspace, &["report", id, "--json"]).expect(0);
    quiet(&workspace, &["recheck", id, "--json"]).expect(0);
    workspace.sql(&reason.replace(after, before));
    let differs = quiet(&workspace, &["recheck", id, "--json"])
        .expect(2)
        .json();
    assert_eq!(
        row_of(&differs["drift"], "lifecycle_log")["key"],
        "(hidden columns)"
    );
    let differs = quiet(&workspace, &["recheck", id, "--after", "--json"])
        .expect(2)
        .json();
    assert_eq!(
        row_of(&differs["after"]["beside"], "lifecycle_log")["key"],
        "(hidden columns)"
    );
    let archive = workspace.place().join("run.tar.gz");
    let output = archive.to_str().expect("UTF-8");
    quiet(&workspace, &["export", id, "--output", output]).expect(0);
    let unpacked = Command::new("tar")
        .arg("xzOf")
        .arg(&archive)
        .output()
        .expect("tar");
    assert!(unpacked.stdout.len() > 10_000, "{unpacked:?}");
    let unpacked = String::from_utf8_lossy(&unpacked.stdout);
    assert!(!SECRETS.iter().any(|secret| unpacked.contains(secret)));
    nothing_is_kept(&workspace);
}

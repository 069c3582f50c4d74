//! A run about a change alone: its profile names no units, no facts and no grants.
//! Invariant: what is not asked is NOT ASKED or left out, and no number is SIMULATED anywhere.

use std::fs;

use serde_json::Value;

use super::changing::{ChangedWorkspace, ENACT};
use super::support::pty::{Exit, Launch};
use super::support::server::{Workspace, text};

/// Everything that a profile must say, but for its change.
const POLICY: &str = r#"schema = 1
name = "search"
title = "The drafts are enacted"
run_prefix = "srch"
result_prefix = "SEARCH"
collection = "constitution"
handover = "Nothing was run on the database."
or_td_note = "None."

[target]
label = "PRODUCTION"
expected_role = "context_pack_readonly"
"#;

const CHANGE: &str = r#"
[change]
role = "kb_owner"
files = ["change.sql"]
expect = [
  { table = "public.information_unit", update = 60 },
  { table = "public.unit_version", update = 60 },
  { table = "public.lifecycle_log", insert = 60 },
  { table = "public.search_outbox", insert = 60 },
]
"#;

fn of_gate(document: &Value, verdict: &str) -> Vec<String> {
    let gates = document["gates"].as_array().expect("gates");
    let checks = gates
        .iter()
        .flat_map(|gate| gate["checks"].as_array().expect("checks"));
    let named = checks.filter(|check| check["verdict"] == verdict);
    named.map(|check| text(&check["name"]).to_owned()).collect()
}

fn twin(workspace: &Workspace, document: &Value) -> Value {
    let twin = workspace.run_dir(document).join("kb/report.json");
    serde_json::from_slice(&fs::read(twin).expect("a twin")).expect("JSON")
}

fn reports(workspace: &Workspace, document: &Value) -> Vec<(String, String)> {
    let folder = fs::read_dir(workspace.run_dir(document).join("kb")).expect("reports");
    let paths = folder.map(|entry| entry.expect("an entry").path());
    let markdown = paths.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let read = markdown.map(|path| {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, fs::read_to_string(path).expect("a text"))
    });
    read.collect()
}

fn the_approved_file_is_read_in_a_replay(world: &ChangedWorkspace, run_id: &str) {
    // The file itself may be another one by now: what is read is what was approved.
    fs::write(&world.change, "SELECT 'another one';").expect("a file");
    let data = world.workspace.data().display().to_string();
    let mut replay = Launch::drygate(["replay", run_id, "--data-dir", &data])
        .env("CI", "")
        .size(80, 24)
        .open();
    replay.wait_for("q back");
    replay.keys("f");
    let page = replay.wait_for("2 lines").to_string();
    assert!(
        page.contains("1  SELECT public.fn_iu_enact(id, 'a rehearsal')"),
        "{page}"
    );
    assert!(
        page.contains("2   WHERE state = 'draft' ORDER BY id;"),
        "{page}"
    );
    replay.keys("q");
    assert_eq!(replay.wait_exit(), Exit::Code(0));
}

#[test]
fn a_profile_of_a_change_alone_goes_through_both_approvals_to_pass() {
    let world = ChangedWorkspace::of_profile(ENACT, &format!("{POLICY}{CHANGE}"));
    let workspace = &world.workspace;
    let waiting = world.run().expect(3).json();
    let sheet = workspace.sheet(&waiting);
    for key in [
        "predicted",
        "predicted_counts",
        "candidates",
        "candidate_digest",
    ] {
        assert_eq!(sheet[key], Value::Null, "{key}");
    }
    assert_eq!(waiting["cannot_pass"], Value::Null, "{waiting}");
    let message = text(&waiting["message"]);
    assert!(
        message.starts_with("Approving copies 3 tables"),
        "{message}"
    );
    let waiting = world.approve(&waiting, "SG1").expect(3).json();
    assert!(!waiting.to_string().contains('~'), "{waiting}");
    assert_eq!(waiting["cannot_pass"], Value::Null, "{waiting}");
    let sealed = world.approve(&waiting, "SG2").expect(0).json();
    assert_eq!(sealed["result"], "SEARCH_PASS");
    assert!(workspace.events(&sealed, "units_progressed").is_empty());
    assert!(workspace.events(&sealed, "effect_predicted").is_empty());
    let twin = twin(workspace, &sealed);
    assert_eq!(twin["predicted"], Value::Null);
    assert_eq!(
        of_gate(&twin, "NOT ASKED"),
        [
            "ssot_documents",
            "facts_are_plain_reads",
            "expectations_met",
            "pins_met",
            "candidates_not_empty",
            "prediction_computed",
            "cut_equals_prediction",
            "verify_equals_prediction",
            "enact_equals_prediction",
            "counters_agree",
            "ledgers_complete",
            "change_as_simulated",
            "change_locks",
            "forbidden_source_mutation",
        ]
    );
    assert_eq!(of_gate(&twin, "NOT CHECKED"), Vec::<String>::new());
    let reports = reports(workspace, &sealed);
    assert_eq!(reports.len(), 14);
    for (name, report) in &reports {
        assert!(!report.contains('~'), "{name}: {report}");
    }
    let of = |wanted: &str| {
        &reports
            .iter()
            .find(|(name, _)| name.contains(wanted))
            .expect("a report")
            .1
    };
    assert!(of("04-live").contains("Not asked: the profile names no units"));
    assert!(of("11-grant").contains("Not asked: the profile declares no grant matrix."));
    assert!(of("14-rehearsal").contains("#60"));
    let run_id = text(&sealed["run_id"]);
    let verified = world
        .drygate(&["verify", run_id, "--json"])
        .expect(0)
        .json();
    assert_eq!(verified["findings"], serde_json::json!([]));
    let replayed = world
        .drygate(&["replay", run_id, "--json"])
        .expect(0)
        .json();
    assert_eq!(replayed["change"], sealed["change"]);
    assert_eq!(replayed["result"], sealed["result"]);
    the_approved_file_is_read_in_a_replay(&world, run_id);
    world.drygate(&["diff", run_id]).expect(0);
    let exported = workspace.place().join("run.tar");
    let exported = exported.to_str().expect("UTF-8");
    world
        .drygate(&["export", run_id, "--output", exported])
        .expect(0);
    // Not compressed: the page stands in it as it is.
    let exported = String::from_utf8_lossy(&fs::read(exported).expect("an archive")).into_owned();
    assert!(exported.contains("not asked") && !exported.contains("~0"));
    let url = workspace.url();
    world
        .drygate(&["recheck", run_id, "--database-url", &url])
        .expect(0);
}

#[test]
fn a_change_that_the_command_names_needs_no_change_in_the_profile() {
    let world = ChangedWorkspace::of_profile(ENACT, POLICY);
    let without = world.run().expect(3).json();
    let why = text(&without["cannot_pass"][0]["subject"]);
    assert!(
        why.contains("nothing was asked") && why.contains("run --change FILE"),
        "{why}"
    );
    let waiting = world.run_with(&["--change", &world.change, "--role", "kb_owner"]);
    let waiting = waiting.expect(3).json();
    let waiting = world.approve(&waiting, "SG1").expect(3).json();
    let sealed = world.approve(&waiting, "SG2").expect(0).json();
    assert_eq!(sealed["result"], "SEARCH_PASS");
}

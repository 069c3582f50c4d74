//! Tests of the JSON documents of a run: members that scripts rely on.

use serde::Serialize;
use serde_json::{Value, json};

use super::fixture::{GRANTS, begun, profile, rendered, source_run};
use super::{ReportInput, json_twin, summary};
use crate::survey::Digest;

fn value(document: &impl Serialize) -> Value {
    serde_json::to_value(document).expect("plain data")
}

#[test]
fn the_twin_has_values_with_provenance_and_the_digests_of_the_reports() {
    let mut run = source_run();
    let profile = profile();
    let reports = rendered(&run, &profile, Some(GRANTS));
    run.reports = vec![(reports[0].name.clone(), Digest::of(&reports[0].text))];
    let twin = value(&json_twin(&ReportInput {
        run: &run,
        profile: &profile,
        blobs: &|_| None,
    }));
    assert_eq!(
        twin["facts"]["pre"]["icx_total"],
        json!({ "value": 60, "provenance": "LIVE" })
    );
    assert_eq!(
        twin["counters"]["candidate_count_confirmed"],
        json!({ "value": 60, "provenance": "SIMULATED" })
    );
    assert_eq!(twin["non_mutation"]["claims"]["B"]["verdict"], "HOLDS");
    assert_eq!(
        twin["pairs"][2],
        json!({ "key": "icx_total", "pre": 60, "post": 60, "equal": true })
    );
    assert_eq!(twin["audit"].as_array().map(Vec::len), Some(9));
    assert_eq!(twin["transactions"].as_array().map(Vec::len), Some(4));
    assert_eq!(twin["reports"].as_array().map(Vec::len), Some(13));
    assert_eq!(
        twin["reports"][0]["sha256"],
        Digest::of(&reports[0].text).as_str()
    );
    assert_eq!(twin["reports"][1]["sha256"], json!(null));
}

#[test]
fn the_summary_of_a_waiting_run_names_gate_evidence_and_stop() {
    let mut writer = begun();
    assert_eq!(
        value(&summary(&writer.run, None, ""))["facts_digest"],
        json!(null)
    );
    writer.until_sg1();
    let digest = writer
        .run
        .evidence
        .as_ref()
        .expect("evidence")
        .digest
        .clone();
    let summary = value(&summary(&writer.run, None, ""));
    assert_eq!(summary["stop_code"], "STOP_APPROVAL_REQUIRED");
    assert_eq!(summary["gate"], "SG1");
    assert_eq!(summary["evidence"], digest.as_str());
    assert_eq!(summary["result"], json!(null));
    assert_eq!(
        summary["gates"][0],
        json!({ "gate": "G0", "verdict": "PASS" })
    );
    assert_eq!(summary["returns"][0]["stop_code"], "STOP_APPROVAL_REQUIRED");
    assert_eq!(summary["non_mutation"], json!(null));
    assert_eq!(summary["drift"], json!([]));
    assert_eq!(summary["message"], "A live run would change ~180 rows.");
}

#[test]
fn the_summary_of_the_source_run() {
    let summary = value(&summary(&source_run(), None, ""));
    assert_eq!(summary["stop_code"], json!(null));
    assert_eq!(summary["gate"], json!(null));
    assert_eq!(summary["evidence"], json!(null));
    assert_eq!(summary["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(
        summary["returns"][3],
        json!({ "r": 4, "state": "closeout_reported", "stop_code": null })
    );
    assert_eq!(summary["counters"]["local_kb_markdown_files"]["value"], 13);
    assert_eq!(summary["non_mutation"]["verdict"], "PROVEN");
}

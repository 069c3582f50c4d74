//! A run taken up against another server or database than it surveyed. Invariant: nothing of it is read, simulated or approved, both
//! are named, and the run still waits for the right one.

use std::sync::Arc;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, ClusterOrigin, Scenario};
use serde_json::Value;

use super::support::server::{Answer, READER, SUPERUSER, Workspace, approval, own_cluster, text};

/// Two places with the same content: a copy on another server, and one beside the original on the same server.
fn with_copies() -> (Workspace, Arc<Cluster>, [String; 2]) {
    let workspace = Workspace::new(Scenario::Draft);
    let elsewhere = own_cluster(&ClusterOptions {
        origin: ClusterOrigin::Made,
        ..ClusterOptions::default()
    });
    let name = &workspace.database;
    elsewhere
        .load_scenario(name, Scenario::Draft)
        .expect("it loads");
    let beside = format!("{name}_copy");
    let copy = format!("CREATE DATABASE {beside} TEMPLATE {name}");
    workspace
        .cluster
        .query(SUPERUSER, "postgres", &copy)
        .expect("nobody is connected");
    let urls = [
        elsewhere.url(READER, name),
        workspace.cluster.url(READER, &beside),
    ];
    (workspace, elsewhere, urls)
}

fn with_url(workspace: &Workspace, words: &[&str], url: &str) -> Answer {
    workspace.drygate(&[words, &["--database-url", url]].concat())
}

#[track_caller]
fn assert_refused(answer: Answer) -> Value {
    let refused = answer.expect(6).json();
    assert_eq!(refused["stop_code"], "STOP_APPROVAL_REFUSED");
    let message = text(&refused["message"]);
    assert!(message.contains("another server or database"), "{message}");
    let places = message.matches("(oid ").count();
    let systems = message.matches(" of system identifier ").count();
    assert_eq!((places, systems), (2, 2), "both are named: {message}");
    refused
}

#[test]
fn an_approval_takes_effect_on_no_other_server_and_does_not_stay_pending() {
    let (workspace, _elsewhere, copies) = with_copies();
    let waiting = workspace.run().expect(3).json();
    for url in &copies {
        let refused = assert_refused(with_url(&workspace, &approval(&waiting, "SG1"), url));
        assert_eq!(refused["state"], "awaiting_cut_authorization");
        assert_eq!(refused["evidence"], waiting["evidence"]);
    }
    let decisions: Vec<Value> = workspace
        .events(&waiting, "approval_recorded")
        .into_iter()
        .map(|recorded| recorded["decision"].clone())
        .collect();
    assert_eq!(decisions, ["approve", "withdraw", "approve", "withdraw"]);
    assert!(workspace.events(&waiting, "units_progressed").is_empty());
    assert!(workspace.events(&waiting, "drift_found").is_empty());
    // Nothing takes effect by itself, and the right server is as good as before.
    let again = workspace.resume(&waiting).expect(3).json();
    assert_eq!(again["gate"], "SG1");
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    assert_refused(with_url(&workspace, &approval(&second, "SG2"), &copies[0]));
    let last = workspace.approve(&second, "SG2").expect(0).json();
    workspace
        .drygate(&["verify", text(&last["run_id"])])
        .expect(0);
}

#[test]
fn a_resume_takes_neither_evidence_nor_the_post_survey_from_another_server() {
    let (workspace, _elsewhere, copies) = with_copies();
    let waiting = workspace.run().expect(3).json();
    let run_id = text(&waiting["run_id"]);
    let resume = ["resume", run_id, "--headless", "--json"];
    for url in &copies {
        assert_refused(with_url(&workspace, &resume, url));
    }
    workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    for url in &copies {
        assert_refused(with_url(&workspace, &resume, url));
    }
    let asked = workspace.resume(&drifted).expect(3).json();
    let second = workspace.approve(&asked, "SG1").expect(3).json();
    let last = workspace.approve(&second, "SG2").expect(0).json();
    workspace.cut_back(&last, |record| {
        record["event"] == "state_changed" && record["to"] == "enact_simulated"
    });
    for url in &copies {
        let refused = assert_refused(with_url(&workspace, &resume, url));
        assert_eq!(refused["state"], "enact_simulated");
    }
    workspace.resume(&last).expect(0);
    workspace.drygate(&["verify", run_id]).expect(0);
}

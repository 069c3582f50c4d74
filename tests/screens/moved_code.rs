//! Code that moved while a run waits, from the first look to the sheet of the new evidence, and a sheet that a changed policy leads.

use crossterm::event::KeyCode;
use drygate::run::{
    ApprovalGate, Check, CheckName, Decision, DriftFound, Event, EvidenceTaken, Gate,
    LastPassDifference, RepositoryLook, RepositoryMoved, RepositoryState, State, StopCode,
    SurveyPurpose,
};
use drygate::survey::{Digest, FactKey};
use drygate::testing::ScriptedRun;
use serde_json::json;

use crate::stage::{SIZES, Stage, drawn, model, plain};

fn repository() -> RepositoryState {
    let (main, feature) = ("3".repeat(40), "6".repeat(40));
    RepositoryState {
        directory: "/srv/kb".to_owned(),
        branch: Some("feature/enact".to_owned()),
        head: feature.clone(),
        subject: "enact".to_owned(),
        main: Some(("main".to_owned(), main.clone())),
        feature_head: Some(feature),
        clean: true,
        refs: vec![("refs/tags/v1".to_owned(), main)],
        commands: Vec::new(),
    }
}

fn moved() -> Event {
    let mut state = repository();
    state.head = "9".repeat(40);
    state.refs.push(("refs/tags/v2".to_owned(), "9".repeat(40)));
    let found = RepositoryLook::Seen(Box::new(state));
    Event::RepositoryMoved(RepositoryMoved { found })
}

/// A run that waits at SG1, whose G0 saw a repository.
fn at_sg1() -> ScriptedRun {
    let mut script = ScriptedRun::new(false);
    script.gate_started(Gate::G0);
    let names = [
        CheckName::RepositoryPresent,
        CheckName::BranchAndHead,
        CheckName::MainAndFeatureHeads,
    ];
    for name in names {
        let raw = json!({ "repository": repository() });
        script.check(Gate::G0, Check::evaluated(name, true, "It holds.", raw));
    }
    script.gate_finished(Gate::G0).becomes(State::Prechecked);
    script.clock("09:14:05").gate_started(Gate::G1);
    script.pinned_and_seeded();
    script.clock("09:15:10").waits(ApprovalGate::SG1);
    script
}

fn snap(name: &str, script: &ScriptedRun) {
    for size in SIZES {
        let text = drawn(&mut model(script, "09:20:10", plain()), size);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn code_that_moved_is_told_as_facts_are() {
    let mut script = at_sg1();
    script.clock("09:20:00").push(moved());
    snap("sg1_code_moved", &script);
    let mut stage = Stage::new(&script, "09:20:10", (120, 36));
    stage.key(KeyCode::Char('a'));
    assert!(
        stage.says("the code moved: approving would be refused"),
        "{}",
        stage.text()
    );

    script.decides(Decision::Approve, "op_a", None);
    script.survey_taken(SurveyPurpose::ApproveSg1);
    let (_, latest) = script.run.latest.clone().expect("a survey");
    let drift = script.run.differs(Vec::new(), &latest);
    let (gate, nonce) = (Some(ApprovalGate::SG1), latest.snapshot.nonce.clone());
    script.push(Event::DriftFound(DriftFound { gate, drift, nonce }));
    let code = StopCode::StopFactsDrifted;
    let stop = script.run.stop_of(code).expect("a stop");
    script.push(Event::StopRaised(stop)).returns(Some(code));
    snap("sg1_code_drifted", &script);
}

#[test]
fn a_policy_that_changed_since_the_last_pass_leads_the_sheet() {
    let mut script = at_sg1();
    let difference = |key: &str, then: &str, now: &str| LastPassDifference {
        key: FactKey::new(key),
        then: Some(then.to_owned()),
        now: Some(now.to_owned()),
        lines: None,
    };
    let mut sheet = script.sheet(ApprovalGate::SG1);
    sheet.last_pass_differences = vec![
        difference("policy", "distinct, exclude_starter", "any account"),
        difference("icx_draft", "59", "60"),
    ];
    let evidence = script.run.evidence.clone().expect("evidence");
    script.push(Event::EvidenceTaken(EvidenceTaken {
        gate: ApprovalGate::SG1,
        round: 2,
        evidence: Digest::of(sheet.bytes().expect("plain data")),
        sheet: sheet.into(),
        expires_at: evidence.expires_at,
        boot_id: evidence.shown_boot,
        uptime_ms: None,
    }));
    let mut stage = Stage::new(&script, "09:20:10", (120, 36));
    stage.key(KeyCode::Char('a'));
    insta::assert_snapshot!("sheet_led_by_policy_120x36", stage.text());
}

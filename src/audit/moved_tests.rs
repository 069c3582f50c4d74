//! Runs whose server, code or program moved while they waited, as `verify` judges them.

use super::fixture::{again, created, repository};
use super::journal_fixture::{at_sg1, at_sg2, begun_as};
use crate::run::{
    ApprovalGate, Decision, DriftFound, Event, EvidenceShown, LiveRead, ProgramFile,
    ProgramReplaced, RepositoryLook, RepositoryMoved, RepositoryState, RunCreated, State,
    SurveyPurpose,
};
use crate::simulate::SimulatedStep;
use crate::survey::{Digest, Survey};
use crate::testing::{ScriptedRun, values};

/// What is said against a run.
fn findings(script: &ScriptedRun) -> Vec<String> {
    let found = again(&script.records).findings.into_iter();
    found.map(|finding| finding.what).collect()
}

fn moved(change: impl FnOnce(&mut RepositoryState)) -> Event {
    let mut state = repository();
    change(&mut state);
    let found = RepositoryLook::Seen(Box::new(state));
    Event::RepositoryMoved(RepositoryMoved { found })
}

fn committed(state: &mut RepositoryState) {
    state.head = "9".repeat(40);
}

fn replaced() -> Event {
    let found = ProgramFile::Sha256(Digest::of("another binary"));
    Event::ProgramReplaced(ProgramReplaced { found })
}

fn restarted(survey: &mut Survey) {
    "2026-11-22 09:20:00+00".clone_into(&mut survey.server.postmaster_start);
}

/// SG1 is approved and takes effect, by a survey that `damage` may change.
fn takes_effect(script: &mut ScriptedRun, damage: impl FnOnce(&mut Survey)) {
    script.decides(Decision::Approve, "op_a", None);
    script.survey_damaged(SurveyPurpose::ApproveSg1, damage);
    script.step(SimulatedStep::Cut, State::CutSimulated);
}

const UNHELD: &str = "cut_simulated without a survey of its own that equals the pin";

#[test]
fn an_approval_that_takes_effect_over_what_moved_is_found() {
    let mut calm = at_sg1();
    takes_effect(&mut calm, |_| {});
    assert_eq!(findings(&calm), Vec::<String>::new());

    let looked: [fn(&mut RepositoryState); 5] = [
        committed,
        |state| state.branch = None,
        |state| state.clean = false,
        |state| state.main = None,
        |state| {
            state
                .refs
                .retain(|(name, _)| !name.starts_with("refs/tags/"));
        },
    ];
    for event in looked.map(moved).into_iter().chain([replaced()]) {
        let mut over = at_sg1();
        over.push(event.clone());
        takes_effect(&mut over, |_| {});
        assert_eq!(findings(&over), [UNHELD], "{event:?}");
    }
    let mut over = at_sg1();
    takes_effect(&mut over, restarted);
    assert!(findings(&over).contains(&UNHELD.to_owned()));

    // What moved back, and refs of others, void nothing.
    let mut back = at_sg1();
    back.push(moved(committed)).push(moved(|_| {}));
    back.push(moved(|state| state.refs[0].1 = "9".repeat(40)));
    takes_effect(&mut back, |_| {});
    assert_eq!(findings(&back), Vec::<String>::new());
}

#[test]
fn a_run_of_an_older_table_is_judged_by_what_was_promised_then() {
    let start = "2026-11-22T09:24:02Z".parse().expect("a time");
    let created = RunCreated {
        check_table: 2,
        ..created()
    };
    let mut old = begun_as(ScriptedRun::started(created, false, start, 1));
    old.until_sg1().push(replaced()).push(moved(committed));
    takes_effect(&mut old, |_| {});
    assert_eq!(findings(&old), Vec::<String>::new());
}

#[test]
fn a_drift_that_leaves_out_what_moved_is_found() {
    let drifted = |leave_out: &str| {
        let mut script = at_sg2();
        script.push(moved(|state| {
            committed(state);
            state.branch = None;
        }));
        script.push(replaced());
        script.decides(Decision::Approve, "op_a", None);
        script.survey_damaged(SurveyPurpose::ApproveSg2, restarted);
        let (_, latest) = script.run.latest.clone().expect("a survey");
        let mut drift = script.run.differs(Vec::new(), &latest);
        drift.retain(|change| change.key.as_str() != leave_out);
        let nonce = latest.snapshot.nonce.clone();
        let gate = Some(ApprovalGate::SG2);
        script.push(Event::DriftFound(DriftFound { gate, drift, nonce }));
        script
    };
    let whole = drifted("");
    assert_eq!(findings(&whole), Vec::<String>::new());
    let named = &whole.run.drift.as_ref().expect("a drift").changes;
    let keys: Vec<&str> = named.iter().map(|change| change.key.as_str()).collect();
    let expected = [
        "server.postmaster_start",
        "repository.branch",
        "repository.head",
        "program.file",
    ];
    assert_eq!(keys, expected);
    for left_out in expected {
        let found = findings(&drifted(left_out));
        let says = "the drift is not what the last survey, the code and the program differ in";
        assert_eq!(found, [says], "{left_out}");
    }
}

#[test]
fn evidence_counts_from_its_last_survey_however_often_it_is_shown() {
    let shown = |script: &ScriptedRun, longer_s: i64| {
        let evidence = script.run.evidence.as_ref().expect("evidence");
        Event::EvidenceShown(EvidenceShown {
            gate: evidence.gate,
            evidence: evidence.digest.clone(),
            by: values::person("op_a"),
            expires_at: evidence.expires_at.plus_seconds(longer_s),
            size: None,
            boot_id: evidence.shown_boot.clone(),
            uptime_ms: None,
        })
    };
    let read = |complete, failed: Option<&str>| LiveRead {
        read_at: values::snapshot(String::new(), 0, crate::testing::at("09:20:00")).ended_at,
        changed: Vec::new(),
        complete,
        failed: failed.map(str::to_owned),
    };
    let mut script = at_sg1();
    let until = |script: &ScriptedRun| script.run.evidence.as_ref().expect("evidence").expires_at;
    let first = until(&script);
    script.push(shown(&script, 0));
    assert_eq!(until(&script), first, "shown again");
    // Neither a part of the facts nor a failure says that all are equal.
    script.push(Event::LiveRead(read(false, None)));
    script.push(Event::LiveRead(read(true, Some("no server"))));
    assert_eq!(until(&script), first);
    script.push(Event::LiveRead(read(true, None)));
    let later = until(&script);
    assert!(later > first);
    script.push(shown(&script, 0));
    assert_eq!(findings(&script), Vec::<String>::new());
    script.push(shown(&script, 3600));
    let found = findings(&script);
    assert!(found[0].contains("the evidence is good until"), "{found:?}");
}

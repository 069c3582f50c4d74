//! The machine without a server: legality, what comes next, and replay. Invariant: every state and every kind of event is met, and every refusal names both.

#![expect(
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "says what was covered; one arm for each effect"
)]

use std::collections::{BTreeMap, BTreeSet};

use drygate::audit::CHECK_TABLE_WITH_CHANGE;
use drygate::run::{
    ApprovalGate, ApprovalRefused, ChangeFile, ChangeFileNow, ChangeMoved, ChangeRead,
    ChangeRehearsed, CopyListed, Decision, Effect, Event, EvidenceShown, Gate, History, HookEnd,
    HookOutcome, HookPoint, HookRan, HookStarted, Invocation, ProgramFile, ProgramReplaced,
    Purpose, RepositoryLook, RepositoryMoved, RunChange, RunCreated, RunResult, RunState, State,
    StatementsRecorded, StopCode, SurveyPurpose, TestsDeclared, ToolIdentity, TornTailSetAside,
    TransactionUnseen, due_hook, legal, next,
};
use drygate::simulate::SimulatedStep;
use drygate::survey::Digest;
use drygate::testing::values::{self, person};
use drygate::testing::{ScriptedRecord, ScriptedRun, at};
use proptest::prelude::*;

fn resumed() -> Event {
    Event::RunResumed(Box::new(Invocation {
        by: person("op_a"),
        boot_id: "boot".to_owned(),
        tool: ToolIdentity {
            version: "0.1.0".to_owned(),
            binary_sha256: None,
        },
    }))
}

/// Events that the scripts do not tell.
fn others() -> Vec<Event> {
    vec![
        resumed(),
        Event::ProgramReplaced(ProgramReplaced {
            found: ProgramFile::Gone,
        }),
        Event::TornTailSetAside(TornTailSetAside {
            file: "torn/7".to_owned(),
            bytes: 3,
        }),
        Event::TransactionUnseen(TransactionUnseen {
            id: 1,
            reason: "its process ended".to_owned(),
        }),
        Event::StatementsRecorded(StatementsRecorded {
            blob: Digest::of("statements"),
            statements: 20,
        }),
        Event::ProgramReplaced(ProgramReplaced {
            found: ProgramFile::Gone,
        }),
        Event::RepositoryMoved(RepositoryMoved {
            found: RepositoryLook::Unread("no git".to_owned()),
        }),
        Event::ApprovalRefused(ApprovalRefused {
            gate: ApprovalGate::SG1,
            decision: Decision::Approve,
            evidence: None,
            reason: "The run waits at SG2, not at SG1.".to_owned(),
            by: person("op_a"),
        }),
        Event::TestsDeclared(TestsDeclared {
            passed: 7,
            failed: 0,
            file: "full.json".to_owned(),
            sha256: Digest::of("full"),
            age_s: 60,
        }),
    ]
}

fn scripts() -> Vec<ScriptedRun> {
    let mut sealed = ScriptedRun::at_sg2(false);
    sealed.closes().seals(RunResult::Pass, None);
    let mut rejected = ScriptedRun::at_sg1(false);
    rejected.decides(Decision::Reject, "op_a", Some("no"));
    rejected.becomes(State::Rejected);
    let mut failed = ScriptedRun::new(true);
    failed.up_to_feasibility().becomes(State::Failed);
    let mut watched = ScriptedRun::at_sg1(true);
    watched.live_read(false, &[("icx_draft", "59")], None);
    let waiting = watched
        .run
        .evidence
        .as_ref()
        .expect("evidence")
        .digest
        .clone();
    watched.push(Event::EvidenceShown(EvidenceShown {
        gate: ApprovalGate::SG1,
        evidence: waiting,
        by: person("op_a"),
        expires_at: at("20:00:00"),
        size: None,
        boot_id: "boot".to_owned(),
        uptime_ms: None,
    }));
    for event in hooked(&watched.run) {
        watched.push(event);
    }
    let renewed = ScriptedRun::renewed();
    vec![sealed, rejected, failed, watched, renewed, rehearsed()]
}

/// A run with a change that was rehearsed for SG1, and whose file was replaced then.
fn rehearsed() -> ScriptedRun {
    let path = "/srv/0042.sql".to_owned();
    let change = RunChange {
        command: None,
        role: "kb_migrator".to_owned(),
        files: vec![path.clone()],
        expect: None,
        of_sg1: None,
        show: Vec::new(),
        bytes_per_second: None,
        valid_seconds: None,
        locks: None,
    };
    let created = RunCreated {
        check_table: CHECK_TABLE_WITH_CHANGE,
        change: Some(change),
        ..values::created()
    };
    let mut script = ScriptedRun::started(created, false, at("09:14:02"), 0);
    script.push(Event::ChangeRead(ChangeRead {
        files: vec![ChangeFile {
            path: path.clone(),
            sha256: Digest::of("change"),
        }],
    }));
    script.gate(Gate::G0).becomes(State::Prechecked);
    script
        .gate_started(Gate::G1)
        .survey_taken(SurveyPurpose::Pin);
    script.checked(Gate::G1).gate_finished(Gate::G1);
    script.becomes(State::Surveyed).gate_started(Gate::G2);
    script.push(Event::CopyListed(CopyListed {
        tables: Vec::new(),
        checks: Vec::new(),
    }));
    script.context_pinned().effect_predicted().checked(Gate::G2);
    script.gate_finished(Gate::G2).becomes(State::Seeded);
    script.gate_started(Gate::G3).waits(ApprovalGate::SG1);
    script.decides(Decision::Approve, "op_a", None);
    script.survey_taken(SurveyPurpose::ApproveSg1);
    script.push(Event::ChangeRehearsed(Box::new(ChangeRehearsed {
        gate: ApprovalGate::SG1,
        first_phase: false,
        checks: Vec::new(),
        outcome: None,
        ledger: None,
        blob: None,
        moved: Vec::new(),
    })));
    script.push(Event::ChangeMoved(ChangeMoved {
        files: vec![ChangeFileNow {
            path,
            found: ProgramFile::Gone,
        }],
    }));
    script
}

/// A hook for the last stop of a run, from start to end.
fn hooked(run: &RunState) -> [Event; 2] {
    let (hook, stop) = due_hook(run).expect("a hook is due");
    let started = run.last.expect("a record").0 + 1;
    let program = "notify".to_owned();
    let outcome = Box::new(HookOutcome::bare(HookEnd::Exited { code: 1 }));
    [
        Event::HookStarted(HookStarted {
            hook,
            stop,
            program,
        }),
        Event::HookRan(HookRan {
            hook,
            started,
            outcome,
        }),
    ]
}

#[test]
fn a_hook_is_due_once_for_a_stop_and_moves_nothing() {
    let mut met = BTreeSet::new();
    for script in scripts() {
        for mut history in prefixes(&script.records) {
            let Some((hook, _)) = due_hook(history.run()) else {
                continue;
            };
            met.insert(hook);
            let before = history.run().clone();
            for event in hooked(&before) {
                let seq = history.last().expect("a record").0 + 1;
                let taken = history.take(seq, at("23:00:00"), &event, &Digest::zero());
                assert_eq!(taken, Ok(()));
                assert_eq!(due_hook(history.run()), None);
                assert_eq!(next(history.run()), next(&before));
            }
            for twice in hooked(&before) {
                assert!(
                    legal(history.run(), at("23:00:00"), &twice).is_err(),
                    "twice"
                );
            }
            let mut run = history.into_run();
            run.hooks.clear();
            (run.rows, run.last) = (before.rows.clone(), before.last);
            assert_eq!(run, before, "a hook moved something else");
        }
    }
    assert_eq!(met, BTreeSet::from([HookPoint::OnWait, HookPoint::OnStop]));
}

/// The run after each record of a script, and before the first.
fn prefixes(records: &[ScriptedRecord]) -> Vec<History> {
    let mut history = History::default();
    let mut all = vec![history.clone()];
    for record in records {
        take(&mut history, record);
        all.push(history.clone());
    }
    all
}

fn take(history: &mut History, record: &ScriptedRecord) {
    let taken = history.take(record.seq, record.at, &record.event, &Digest::zero());
    taken.expect("it was legal when it was told");
}

#[test]
fn every_state_meets_every_kind_of_event_and_every_refusal_names_both() {
    let scripts = scripts();
    let mut pool: Vec<Event> = others();
    for script in &scripts {
        pool.extend(script.records.iter().map(|record| (*record.event).clone()));
    }
    let kinds: BTreeSet<&str> = pool.iter().map(Event::name).collect();
    assert_eq!(
        kinds,
        Event::NAMES.into_iter().collect(),
        "a kind of event is not met"
    );
    let mut met: BTreeMap<(State, &str), (u64, u64)> = BTreeMap::new();
    for history in scripts.iter().flat_map(|script| prefixes(&script.records)) {
        let run = history.run();
        // An approval that comes hours later has expired.
        let now = history.last().map_or(at("09:14:02"), |(_, at)| at);
        drop(format!("{:?}", next(run)));
        for event in &pool {
            let count = met.entry((run.state, event.name())).or_default();
            let mut after = history.clone();
            match after.take(9_999, now, event, &Digest::zero()) {
                Ok(()) => {
                    count.0 += 1;
                    assert!(run.sealed.is_none(), "{} after the seal", event.name());
                    drop(format!("{:?}", next(after.run())));
                }
                Err(illegal) => {
                    count.1 += 1;
                    assert!(after == history, "{} changed something", event.name());
                    assert_eq!((illegal.event, illegal.state), (event.name(), run.state));
                    assert!(!illegal.why.is_empty() && illegal.to_string().contains(event.name()));
                }
            }
        }
    }
    assert_eq!(
        met.len(),
        State::ALL.len() * Event::NAMES.len(),
        "a pair was not met"
    );
    must_be_legal_in(
        &met,
        "approval_recorded",
        &[
            State::AwaitingCutAuthorization,
            State::AwaitingLifecycleAuthorization,
        ],
    );
    must_be_legal_in(&met, "non_mutation_judged", &[State::PostSurveyed]);
    must_be_legal_in(&met, "run_sealed", &[State::CloseoutReported]);
    must_be_legal_in(&met, "run_created", &[State::Created]);
    println!(
        "{} pairs of state and kind, {} rulings",
        met.len(),
        met.values().map(|c| c.0 + c.1).sum::<u64>()
    );
}

fn must_be_legal_in(met: &BTreeMap<(State, &str), (u64, u64)>, kind: &str, states: &[State]) {
    for state in State::ALL {
        let legal = met[&(state, kind)].0 > 0;
        assert_eq!(legal, states.contains(&state), "{kind} in {state}");
    }
}

#[test]
fn a_fold_of_the_rest_on_the_fold_of_a_prefix_is_the_fold_of_the_whole() {
    for script in scripts() {
        for cut in 0..=script.records.len() {
            let (first, rest) = script.records.split_at(cut);
            let mut history = prefixes(first).pop().expect("one");
            for record in rest {
                take(&mut history, record);
            }
            assert_eq!(*history.run(), script.run);
        }
    }
}

/// Events of an undisturbed run, to be told again at another place.
fn told(of: &str, nth: usize) -> Event {
    let mut sealed = ScriptedRun::at_sg2(false);
    sealed.closes().seals(RunResult::Pass, None);
    let mut found = sealed
        .records
        .iter()
        .filter(|record| record.event.name() == of);
    (*found.nth(nth).expect("it is told").event).clone()
}

/// What an honest runner records for an effect.
fn perform(script: &mut ScriptedRun, effect: Effect) {
    match effect {
        Effect::Precheck => {
            script.gate_started(Gate::G0).checks(Gate::G0, 2);
            script.gate_finished(Gate::G0).becomes(State::Prechecked);
        }
        Effect::TakePin => {
            script
                .gate_started(Gate::G1)
                .survey_taken(SurveyPurpose::Pin);
            script.checks(Gate::G1, 2).gate_finished(Gate::G1);
            script.becomes(State::Surveyed);
        }
        Effect::Seed => {
            script
                .gate_started(Gate::G2)
                .push(told("context_pinned", 0));
            script.push(told("effect_predicted", 0)).checks(Gate::G2, 2);
            script.gate_finished(Gate::G2).becomes(State::Seeded);
        }
        Effect::TakeEvidence(gate) => {
            if script.run.state == State::Seeded {
                script.gate_started(Gate::G3);
            }
            if script.run.evidence.as_ref().is_none_or(|e| e.gate != gate)
                || script.run.owed_stop.is_none()
            {
                script.evidence(gate);
            }
            if script.run.state != gate.waiting_state() {
                script.becomes(gate.waiting_state());
            }
            script.stop(
                StopCode::StopApprovalRequired,
                Some(gate),
                "It waits.",
                "Decide.",
            );
        }
        Effect::RenewEvidence(gate) => {
            script.survey_taken(SurveyPurpose::Again).evidence(gate);
            script.stop(
                StopCode::StopApprovalRequired,
                Some(gate),
                "It waits.",
                "Decide.",
            );
        }
        Effect::ApplyApproval(ApprovalGate::SG1) => {
            script.survey_taken(SurveyPurpose::ApproveSg1);
            script
                .step(SimulatedStep::Cut, State::CutSimulated)
                .step(SimulatedStep::Verify, State::Verified);
        }
        Effect::FinishSteps(_) => {
            script.survey_taken(SurveyPurpose::ApproveSg1);
            script.step(SimulatedStep::Verify, State::Verified);
        }
        Effect::ApplyApproval(ApprovalGate::SG2) => {
            script.survey_taken(SurveyPurpose::ApproveSg2);
            script.step(SimulatedStep::Enact, State::EnactSimulated);
        }
        Effect::Reject(_) => {
            script.becomes(State::Rejected);
        }
        Effect::RaiseStop(code) => {
            script.stop(code, None, "It stopped.", "Look.");
        }
        Effect::Return => {
            script.returns(None);
        }
        Effect::TakePostSurvey => {
            script
                .survey_taken(SurveyPurpose::Post)
                .becomes(State::PostSurveyed);
        }
        Effect::JudgeNonMutation => {
            script
                .push(told("non_mutation_judged", 0))
                .becomes(State::CloseoutReported);
        }
        Effect::FinishOrchestration => {
            script.checks(Gate::G3, 2).gate_finished(Gate::G3);
        }
        Effect::ProveResume => {
            if !script.run.gates.contains_key(&Gate::G4) {
                script.gate_started(Gate::G4);
            }
            if script.run.owes_return {
                script.returns(None);
            }
            script.checks(Gate::G4, 2).gate_finished(Gate::G4);
        }
        Effect::RunProbes => {
            script
                .gate_started(Gate::G5)
                .checks(Gate::G5, 2)
                .gate_finished(Gate::G5);
        }
        Effect::ReportAndSeal => {
            script
                .gate_started(Gate::G6)
                .checks(Gate::G6, 2)
                .gate_finished(Gate::G6);
            script.sealed(RunResult::Pass, None);
        }
        Effect::AwaitPerson(_) | Effect::WriteFiles => {}
    }
}

/// What a person does when asked: mostly approves; may reject, look, let evidence expire.
fn decide(script: &mut ScriptedRun, choice: u8) {
    match choice % 8 {
        0 => script.decides(Decision::Reject, "op_a", Some("no")),
        1 => script.live_read(true, &[], None),
        2 => script.push(others().remove(4)),
        3 => script.transaction(Purpose::LiveRead),
        _ => script.decides(Decision::Approve, "op_a", None),
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// An honest runner that is killed anywhere and taken up again always comes to a sealed, final state, and its journal replays.
    #[test]
    fn a_walk_with_crashes_ends_in_a_final_state_and_replays(
        crashes in prop::collection::vec((0_usize..12, any::<bool>()), 0..24),
        choices in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let mut script = ScriptedRun::new(false);
        let (mut crashes, mut choices) = (crashes.into_iter(), choices.into_iter());
        let mut seen = 0;
        while script.run.sealed.is_none() {
            seen += 1;
            prop_assert!(seen < 300, "it does not end: {:?} in {}", next(&script.run), script.run.state);
            let effect = next(&script.run);
            if let Effect::AwaitPerson(_) = effect {
                decide(&mut script, choices.next().unwrap_or(7));
                continue;
            }
            let Some((after, crash)) = crashes.next() else {
                perform(&mut script, effect);
                continue;
            };
            let mut whole = script.clone();
            perform(&mut whole, effect);
            let made = whole.records.len() - script.records.len();
            if !crash || after >= made {
                script = whole;
                continue;
            }
            for record in &whole.records[script.records.len()..][..after] {
                script.push((*record.event).clone());
            }
            script.push(resumed());
        }
        prop_assert!(script.run.state.is_final());
        prop_assert_eq!(next(&script.run), Effect::WriteFiles);
        let replayed = prefixes(&script.records).pop().expect("one");
        prop_assert_eq!(replayed.run(), &script.run);
    }
}

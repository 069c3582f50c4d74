//! Scripted runs whose checks are those of the program. Invariant: every event is legal when it is pushed.

use serde_json::json;

use super::fixture::{again, created, probes, profile, refold, repository, rulings};
use super::{
    DrySeams, Feasibility, Forbidden, FreshFold, FreshResume, ResumeResult, SecretScan, forbidden,
    g0, g1, g2, g3, g3_so_far, g4, g5, main_and_tags_unchanged, obstacles, protected_tables,
    report_file, reports_render, result, scope,
};
use crate::run::{Check, Decision, Gate, ProgramFile, RunCreated, State, StopCode, Verdict};
use crate::survey::{Digest, Survey};
use crate::testing::{ScriptedRun, values};

/// A run that was started.
pub fn begun() -> ScriptedRun {
    let start = "2026-11-22T09:24:02Z".parse().expect("a time");
    begun_as(ScriptedRun::started(created(), false, start, 1))
}

/// The same, started so.
pub fn begun_as(mut script: ScriptedRun) -> ScriptedRun {
    script.checks_of = checks;
    script.context_of = values::context;
    script.obstacles_of = |run| obstacles(run, &profile());
    script.others_finish = 0;
    script
}

/// A run that waits at SG1.
pub fn at_sg1() -> ScriptedRun {
    let mut script = begun();
    script.until_sg1();
    script
}

/// A run that waits at SG2.
pub fn at_sg2() -> ScriptedRun {
    let mut script = at_sg1();
    script.until_sg2();
    script
}

/// A run after its post survey, which `damage` may change.
pub fn post(damage: impl FnOnce(&mut Survey)) -> ScriptedRun {
    let mut script = at_sg2();
    script.closes().post_surveyed(damage);
    script
}

/// A run that was sealed after its post survey, which `damage` may change.
pub fn closed(damage: impl FnOnce(&mut Survey)) -> ScriptedRun {
    let mut script = post(damage);
    script.judged(None);
    seal(script)
}

/// A run that was sealed with PASS.
pub fn passed() -> ScriptedRun {
    closed(|_| {})
}

/// A run that was rejected at SG1, and sealed.
pub fn rejected() -> ScriptedRun {
    let mut script = at_sg1();
    script.decides(Decision::Reject, "op_a", Some("because"));
    script.becomes(State::Rejected);
    script.returns(Some(StopCode::StopApprovalRejected));
    script.checked(Gate::G3).gate_finished(Gate::G3);
    seal(script)
}

/// G5, G6 and the last record, with what the run came to.
fn seal(mut script: ScriptedRun) -> ScriptedRun {
    script.gate(Gate::G5).gate(Gate::G6);
    let outcome = result(&script.run);
    script.sealed(outcome, outcome.stop_code());
    script
}

/// The checks of the program, over sound values.
fn checks(script: &ScriptedRun, gate: Gate) -> Vec<Check> {
    let checks = checks_of_any_table(script, gate);
    scope(&script.run, &profile(), checks)
}

fn checks_of_any_table(script: &ScriptedRun, gate: Gate) -> Vec<Check> {
    let (profile, run) = (profile(), &script.run);
    match gate {
        Gate::G0 => {
            let ssot = [("icx-const lifecycle".to_owned(), Ok(Digest::of("ssot")))];
            g0(&profile, &Digest::of("profile"), &ssot, &Ok(repository()))
        }
        Gate::G1 => g1(&Feasibility {
            profile: &profile,
            survey: script.pin(),
            proof: Some(&values::proof(&script.pin().snapshot)),
            rulings: &rulings(),
            statements: &["SELECT 1".to_owned()],
            secrets: Some(&scanned()),
            recomputed: None,
        }),
        Gate::G2 => {
            let context = run.context.as_deref().expect("pinned");
            let bytes = serde_json::to_vec(context).expect("plain data");
            let predicted = run.predicted.as_ref();
            g2(&DrySeams {
                profile: &profile,
                pin: script.pin(),
                simulation: Some(&values::simulation(false)),
                context,
                context_bytes: &bytes,
                context_blob: &Digest::of(&bytes),
                predicted: predicted.map(|(effect, counts)| (effect, counts)),
                data_directory: "/data",
                written: &["/data/runs/x/context.json".to_owned()],
            })
        }
        Gate::G3 if [State::Verified, State::EnactSimulated].contains(&run.state) => {
            g3_so_far(run, &profile)
        }
        Gate::G3 => g3(run, &profile),
        Gate::G4 => {
            let resumed = ResumeResult {
                state: State::CloseoutReported,
                stop_code: None,
                transitions_added: 0,
            };
            let folded = refold(&script.records);
            let fold = FreshFold::of(&folded, Vec::new(), resumed);
            g4(run, &FreshResume::Answered(Box::new(fold)))
        }
        Gate::G5 => g5(&probes()),
        Gate::G6 => handover(script),
    }
}

/// Texts without a secret.
fn scanned() -> SecretScan {
    let mut scan = SecretScan::default();
    scan.profile("clean");
    scan.text("journal.jsonl", "clean");
    scan
}

/// The checks of G6.
fn handover(script: &ScriptedRun) -> Vec<Check> {
    let repository = repository();
    let run_id = script.run.run_id().expect("created").clone();
    let reports = super::reports_of(&script.run);
    let rendered: Vec<_> = reports
        .iter()
        .map(|[name, _]| (report_file(name, &run_id), Ok(Digest::of(name))))
        .collect();
    let recomputed = again(&script.records);
    let scan = scanned();
    let mut checks = vec![
        main_and_tags_unchanged(Some(&repository), Some(&repository)),
        reports_render(&reports, &run_id, &rendered, &[]),
    ];
    checks.extend(forbidden(&Forbidden {
        run: &script.run,
        profile: &profile(),
        repository_before: Some(&repository),
        repository_now: Some(&repository),
        statements: Some(&["SELECT 1".to_owned()]),
        program_now: Some(&ProgramFile::Sha256(Digest::of("binary"))),
        execution_enabled: Some(false),
        secrets: Some(&scan),
        recomputed: Some(&recomputed),
    }));
    checks
}

#[test]
fn the_fixture_passes_and_its_recomputation_finds_nothing() {
    let journal = passed();
    let failing: Vec<_> = journal
        .run
        .checks()
        .filter(|(_, check)| !matches!(check.verdict, Verdict::Pass | Verdict::NotAsked))
        .map(|(gate, check)| json!([gate, check]))
        .collect();
    assert!(failing.is_empty(), "{failing:#?}");
    let sealed = journal.run.sealed.clone().expect("sealed");
    assert_eq!(sealed.0, "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(again(&journal.records).findings, Vec::new());
    let count = |gate| journal.run.gates[&gate].checks.len();
    assert_eq!(
        [
            count(Gate::G0),
            count(Gate::G1),
            count(Gate::G2),
            count(Gate::G3)
        ],
        [4, 13, 2, 8]
    );
    assert_eq!(protected_tables(&profile()).len(), 5);
}

/// A run that was begun with the first table of checks is gone on with, and judged, by it.
#[test]
fn a_run_of_the_first_table_passes_and_its_recomputation_finds_nothing() {
    let start = "2026-11-22T09:24:02Z".parse().expect("a time");
    let created = RunCreated {
        check_table: 1,
        ..created()
    };
    let mut script = begun_as(ScriptedRun::started(created, false, start, 1));
    script.until_sg1().until_sg2().closes();
    script.post_surveyed(|_| {}).judged(None);
    let journal = seal(script);
    let sealed = journal.run.sealed.clone().expect("sealed");
    assert_eq!(sealed.0, "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(again(&journal.records).findings, Vec::new());
    let checks = journal.run.checks();
    assert_eq!(
        checks.filter(|(_, c)| c.verdict == Verdict::Pass).count(),
        60
    );
}

#[test]
fn a_drift_voids_both_approvals_and_its_recomputation_finds_nothing() {
    let mut journal = at_sg2();
    journal.drifts(&["icx_draft"]).renews();
    assert_eq!(again(&journal.records).findings, Vec::new());
    assert_eq!(journal.run.round(), 2);
    let so_far = g3_so_far(&journal.run, &profile());
    assert!(so_far.is_empty(), "{so_far:#?}");
    journal.until_sg2();
    assert_eq!(again(&journal.records).findings, Vec::new());
    assert_eq!(g3_so_far(&journal.run, &profile()).len(), 5);
}

#[test]
fn a_rejected_run_is_sealed_as_such_and_its_recomputation_finds_nothing() {
    let journal = rejected();
    let sealed = journal.run.sealed.clone().expect("sealed");
    assert_eq!(
        (sealed.0.as_str(), sealed.2),
        ("O4_LIVE_DRYRUN_ORCHESTRATION_REJECTED", 5)
    );
    assert_eq!(again(&journal.records).findings, Vec::new());
    let failed = journal
        .run
        .checks()
        .find(|(_, c)| c.verdict == Verdict::Fail);
    assert_eq!(failed, None);
}

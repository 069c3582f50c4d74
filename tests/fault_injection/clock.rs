//! Reboot, expiry, clocks that go backwards (F9), and what is left of a decision that did not take effect. Invariant: order is by journal number, time only expires.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use drygate::run::{ApprovalGate, ApprovalStatus, Decision, Event, RunResult, State, StopCode};
use drygate::runner::RunnerEnd;
use drygate::runner::target::{TargetError, Unavailable, UnavailableKind};
use drygate::testing::SimulatedDisk;

use super::recording::Damaged;
use super::world::{World, person};

fn world() -> World {
    World::new(Arc::new(SimulatedDisk::new()))
}

fn at_sg1() -> (World, RunnerEnd) {
    let world = world();
    let outcome = world.begin().expect("it begins");
    assert_eq!(outcome.exit_code, 3);
    (world, outcome)
}

/// An approval that is recorded while the database is away: pending, exit 69.
fn pending(world: &World, outcome: &RunnerEnd) {
    let mut away = world.clone();
    away.spoiled.error = Some(TargetError::Unavailable(Unavailable {
        kind: UnavailableKind::Connection,
        message: "the server is away".to_owned(),
        hint: "Start it.".to_owned(),
    }));
    let lost = away
        .take_up(Some(world.approval(&outcome.run)))
        .expect("it ends in order");
    assert_eq!(lost.exit_code, 69, "{}", lost.message);
    assert_eq!(
        world.run().pending_approval().map(|a| a.gate),
        outcome.run.waits_at()
    );
}

fn names(world: &World) -> Vec<&'static str> {
    world
        .entries()
        .iter()
        .map(|entry| entry.event.name())
        .collect()
}

#[test]
fn a_pending_approval_takes_effect_on_resume_without_asking_again() {
    let (world, outcome) = at_sg1();
    pending(&world, &outcome);
    let second = world
        .take_up(Some(world.approval(&outcome.run)))
        .expect("it ends in order");
    assert_eq!(
        second.exit_code, 6,
        "a second approval meanwhile is refused"
    );
    let resumed = world.take_up(None).expect("it resumes");
    assert_eq!(
        (resumed.exit_code, resumed.run.waits_at()),
        (3, Some(ApprovalGate::SG2))
    );
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    world.must_be_whole("pending");
}

#[test]
fn a_reboot_lets_a_pending_approval_lapse_and_the_sheet_must_be_shown_again() {
    let (world, outcome) = at_sg1();
    pending(&world, &outcome);
    world.clock.reboot();
    let refused = world
        .take_up(Some(world.approval(&outcome.run)))
        .expect("it ends in order");
    assert_eq!(refused.exit_code, 6, "{}", refused.message);
    assert!(refused.message.contains("restarted"), "{}", refused.message);
    let resumed = world.take_up(None).expect("it resumes");
    assert_eq!(
        (resumed.exit_code, resumed.run.waits_at()),
        (3, Some(ApprovalGate::SG1))
    );
    let lapsed = &resumed.run.approvals[0];
    assert_eq!(lapsed.status, ApprovalStatus::Withdrawn);
    assert_eq!(resumed.run.approvals[1].decision, Decision::Withdraw);
    assert!(names(&world).contains(&"evidence_shown"));
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    world.must_be_whole("rebooted");
}

#[test]
fn a_reboot_while_nobody_decided_shows_the_sheet_again() {
    let (world, outcome) = at_sg1();
    world.clock.reboot();
    let refused = world
        .take_up(Some(world.approval(&outcome.run)))
        .expect("it ends in order");
    assert_eq!(refused.exit_code, 6, "{}", refused.message);
    let shown = world.take_up(None).expect("it resumes");
    let evidence = |outcome: &RunnerEnd| outcome.run.evidence.clone().expect("evidence").digest;
    assert_eq!(
        evidence(&shown),
        evidence(&outcome),
        "the same evidence, shown again"
    );
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    world.must_be_whole("rebooted");
}

#[test]
fn expired_evidence_is_renewed_on_resume_and_earlier_approvals_stand() {
    let (world, outcome) = at_sg1();
    let at_sg2 = world
        .take_up(Some(world.approval(&outcome.run)))
        .expect("approved");
    assert_eq!(at_sg2.run.waits_at(), Some(ApprovalGate::SG2));
    world.clock.turn(9 * 3600);
    let refused = world
        .take_up(Some(world.approval(&at_sg2.run)))
        .expect("it ends in order");
    assert_eq!(refused.exit_code, 6, "{}", refused.message);
    let renewed = world.take_up(None).expect("it resumes");
    assert_eq!(
        (renewed.exit_code, renewed.run.waits_at()),
        (3, Some(ApprovalGate::SG2))
    );
    let digest = |outcome: &RunnerEnd| outcome.run.evidence.clone().expect("evidence").digest;
    assert_ne!(digest(&renewed), digest(&at_sg2));
    assert_eq!(renewed.run.approvals[0].status, ApprovalStatus::Consumed);
    let old = world
        .take_up(Some(world.approval(&at_sg2.run)))
        .expect("it ends in order");
    assert_eq!(old.exit_code, 6, "the old digest is superseded");
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    let approvals = world.run().approvals;
    assert_eq!(
        approvals
            .iter()
            .filter(|a| a.status == ApprovalStatus::Consumed)
            .count(),
        2
    );
    world.must_be_whole("expired");
}

#[test]
fn a_pending_approval_that_expired_is_taken_back() {
    let (world, outcome) = at_sg1();
    pending(&world, &outcome);
    world.clock.turn(9 * 3600);
    let renewed = world.take_up(None).expect("it resumes");
    assert_eq!(
        (renewed.exit_code, renewed.run.waits_at()),
        (3, Some(ApprovalGate::SG1))
    );
    assert_eq!(renewed.run.approvals[0].status, ApprovalStatus::Withdrawn);
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    world.must_be_whole("expired while pending");
}

#[test]
fn a_clock_that_goes_backwards_takes_no_time_of_the_run_back() {
    let (world, outcome) = at_sg1();
    let mut world = world;
    world.spoiled.clock_s = -7200;
    world.clock.turn(-7200);
    let at_sg2 = world
        .take_up(Some(world.approval(&outcome.run)))
        .expect("approved");
    assert_eq!(at_sg2.exit_code, 3, "{}", at_sg2.message);
    world.spoiled.clock_s = -14_400;
    world.clock.turn(-7200);
    let ended = world
        .take_up(Some(world.approval(&at_sg2.run)))
        .expect("approved");
    assert_eq!(ended.exit_code, 0, "{}", ended.message);
    let entries = world.entries();
    assert!(
        entries.windows(2).all(|two| two[1].at >= two[0].at),
        "the clock went back, the run did not"
    );
    assert_eq!(world.clock.offset_s.load(Ordering::SeqCst), -14_400);
    world.must_be_whole("clock backwards");
}

#[test]
fn expired_evidence_stays_expired_when_the_clock_is_set_back() {
    let (world, outcome) = at_sg1();
    let lines = world.entries().len();
    world.clock.pass(9 * 3600);
    world.clock.turn(-9 * 3600);
    assert_eq!(
        world.entries().len(),
        lines,
        "no line tells that time passed"
    );
    let refused = world
        .take_up(Some(world.approval(&outcome.run)))
        .expect("it ends in order");
    assert_eq!(refused.exit_code, 6, "{}", refused.message);
    assert!(refused.message.contains("expired"), "{}", refused.message);
    let renewed = world.take_up(None).expect("it resumes");
    let digest = |outcome: &RunnerEnd| outcome.run.evidence.clone().expect("evidence").digest;
    assert_ne!(digest(&renewed), digest(&outcome));
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    world.must_be_whole("expired, clock set back");
}

#[test]
fn a_pending_approval_that_expired_is_taken_back_though_the_clock_was_set_back() {
    let (world, outcome) = at_sg1();
    pending(&world, &outcome);
    world.clock.pass(9 * 3600);
    world.clock.turn(-9 * 3600);
    let renewed = world.take_up(None).expect("it resumes");
    assert_eq!(renewed.run.approvals[0].status, ApprovalStatus::Withdrawn);
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    world.must_be_whole("expired while pending, clock set back");
}

#[test]
fn after_a_reboot_evidence_that_a_line_told_expired_stays_so() {
    let (world, outcome) = at_sg1();
    world.clock.turn(9 * 3600);
    let refused = world
        .take_up(Some(world.approval(&outcome.run)))
        .expect("it ends in order");
    assert_eq!(refused.exit_code, 6, "{}", refused.message);
    world.clock.turn(-9 * 3600);
    world.clock.reboot();
    let renewed = world.take_up(None).expect("it resumes");
    let digest = |outcome: &RunnerEnd| outcome.run.evidence.clone().expect("evidence").digest;
    assert_ne!(
        digest(&renewed),
        digest(&outcome),
        "taken anew, not shown again"
    );
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    world.must_be_whole("expired, rebooted, clock set back");
}

#[test]
fn a_rejection_that_a_crash_interrupted_stands() {
    let (world, outcome) = at_sg1();
    let rejected = world
        .take_up(Some(world.rejection(ApprovalGate::SG1)))
        .expect("rejected");
    assert_eq!(rejected.exit_code, 5);
    let entries = world.entries();
    let decided = entries
        .iter()
        .position(|entry| matches!(entry.event, Event::ApprovalRecorded(_)))
        .expect("it is recorded");
    super::cuts::cut_after(&*world.storage, &world.path(), decided);
    let cut = World {
        acknowledged: Arc::default(),
        ..world.clone()
    };
    let refused = cut
        .take_up(Some(cut.approval(&outcome.run)))
        .expect("it ends in order");
    assert_eq!(refused.exit_code, 6, "a rejection cannot be approved away");
    let resumed = cut.take_up(None).expect("it resumes");
    assert_eq!((resumed.exit_code, resumed.run.state), (5, State::Rejected));
    cut.must_be_whole("rejected");
}

/// Drift that a crash hid: it is told before anything else, and what was recorded of earlier steps stays as recorded.
#[test]
fn drift_after_a_crash_between_cut_and_verify_is_told_and_renewed() {
    let (world, outcome) = at_sg1();
    world
        .take_up(Some(world.approval(&outcome.run)))
        .expect("approved");
    let entries = world.entries();
    let progressed = |event: &Event| matches!(event, Event::UnitsProgressed(_));
    let cut = entries
        .iter()
        .position(|e| progressed(&e.event))
        .expect("CUT was simulated");
    for last in [cut, cut + 1] {
        let disk = SimulatedDisk::new();
        super::disk::copy(&*world.storage, &disk, std::path::Path::new(""));
        super::cuts::cut_after(&disk, &world.path(), last);
        let mut drifting = World {
            acknowledged: Arc::default(),
            ..world.on(Arc::new(disk))
        };
        drifting.spoiled = Damaged {
            fact: Some(("icx_draft", "60")),
            unit_state: Some("enacted"),
            ..Damaged::default()
        };
        let stopped = drifting.take_up(None).expect("it resumes");
        assert_eq!(stopped.exit_code, 4, "{}", stopped.message);
        let raised = stopped.run.stops.last().expect("a stop");
        assert_eq!(raised.stop.stop_code, StopCode::StopFactsDrifted);
        for step in &stopped.run.steps {
            let path = drifting.path().join(&step.ledger.file);
            let ledger = drifting
                .storage
                .read(&path)
                .expect("readable")
                .expect("it is there");
            let found = drygate::survey::Digest::of(ledger);
            assert_eq!(
                found, step.ledger.sha256,
                "{} was replaced",
                step.ledger.file
            );
        }
        assert_eq!(drifting.go_on().expect("a run").exit_code, 0);
        drifting.must_be_whole("drift after CUT");
    }
}

#[test]
fn what_was_streamed_before_a_survey_is_tried_again_counts_no_more() {
    let (world, _) = at_sg1();
    let mut interrupted = World::new(Arc::new(SimulatedDisk::new()));
    interrupted.spoiled.broken_off = true;
    interrupted.begin().expect("it begins");
    let whole = world.go_on().expect("a run");
    let again = interrupted.go_on().expect("a run");
    assert_eq!(again.exit_code, 0, "{}", again.message);
    assert_eq!(again.run.predicted, whole.run.predicted);
    let rows = |outcome: &RunnerEnd| -> Vec<u64> {
        let steps = outcome.run.steps.iter();
        steps.map(|step| step.ledger.rows).collect()
    };
    assert_eq!(rows(&again), rows(&whole));
    interrupted.must_be_whole("a survey that was tried again");
}

/// The probes of G5 are about gate, digest, time and use, whoever may approve.
#[test]
fn a_run_whose_starter_may_not_approve_passes() {
    let mut world = world();
    world.tables = "\n[approvals]\nexclude_starter = true\n";
    let mut outcome = world.begin().expect("it begins");
    while outcome.exit_code == 3 {
        let own = world
            .take_up(Some(world.approval(&outcome.run)))
            .expect("it ends in order");
        assert_eq!(own.exit_code, 6);
        let mut other = world.clone();
        other.person = person("opb", 1001);
        let request = other.approval(&outcome.run);
        outcome = other.take_up(Some(request)).expect("approved");
    }
    let sealed = outcome.run.sealed.expect("sealed");
    assert_eq!(sealed.1, RunResult::Pass);
}

//! G3: approvals consumed, steps equal to their prediction, counters and ledgers agree, verdict PROVEN. A function of the
//! folded run and the profile alone, so that `verify` computes the same.

use serde_json::{Value, json};

use super::predict::{counts_of, same_rows, step_effect};
use super::rehearsal;
use super::required::{required_checks, table_of};
use super::scope::is_of_units;
use crate::planted::{PlantedBug, planted};
use crate::profile::Profile;
use crate::run::{
    ApprovalGate, ApprovalStatus, Cause, Check, CheckName, Decision, Gate, NonMutationVerdict,
    RunState, State, StepDone, Verdict,
};
use crate::simulate::SimulatedStep;

/// How many checks G3 has, those still to come included.
pub fn g3_count(run: &RunState) -> usize {
    let names = required_checks(table_of(run), Gate::G3).unwrap_or_default();
    // What is not simulated is not asked, and in no count.
    let compared = run.change().is_some_and(|change| change.of_sg1.is_some());
    let recorded = run
        .gates
        .get(&Gate::G3)
        .map_or(&[][..], |gate| gate.checks.as_slice());
    let asked = names.iter().filter(|name| {
        let not_asked = |check: &Check| check.name == **name && check.verdict == Verdict::NotAsked;
        let of_units = is_of_units(name) || **name == CheckName::ChangeAsSimulated;
        let is_compared = compared || **name != CheckName::ChangeAsSimulated;
        is_compared && (run.simulates() || !of_units) && !recorded.iter().any(not_asked)
    });
    asked.count()
}

/// The checks of G3, complete: what was not reached is NOT CHECKED.
pub fn g3(run: &RunState, profile: &Profile) -> Vec<Check> {
    let mut checks = vec![
        approved(run, ApprovalGate::SG1),
        step_equals(run, profile, SimulatedStep::Cut),
        step_equals(run, profile, SimulatedStep::Verify),
        approved(run, ApprovalGate::SG2),
        step_equals(run, profile, SimulatedStep::Enact),
        counters_agree(run, profile),
        ledgers_complete(run),
    ];
    if run.change().is_some() {
        checks.extend(rehearsal::rehearsal_checks(run));
    }
    checks.push(non_mutation_proven(run));
    if planted(PlantedBug::DropRequiredCheck) {
        checks.retain(|check| check.name != CheckName::LedgersComplete);
    }
    checks
}

/// The checks of G3 that can be evaluated by now: to be recorded as the run goes on. Recording one again replaces it.
pub fn g3_so_far(run: &RunState, profile: &Profile) -> Vec<Check> {
    // NOT CHECKED means "not reached yet" here: such a check is recorded once it can be evaluated.
    let known = |check: &Check| check.verdict != Verdict::NotChecked;
    g3(run, profile).into_iter().filter(known).collect()
}

fn not_reached(name: CheckName, run: &RunState, what: &str) -> Check {
    let why = if run.state == State::Rejected {
        "the run was rejected"
    } else if run.state == State::Failed {
        "the run failed before"
    } else {
        "not reached yet"
    };
    let says = format!("{what}: {why}");
    Check::not_checked(name, says, "a run that goes on to closeout")
}

fn approved(run: &RunState, gate: ApprovalGate) -> Check {
    let name = match gate {
        ApprovalGate::SG1 => CheckName::Sg1Approved,
        ApprovalGate::SG2 => CheckName::Sg2Approved,
    };
    let consumed = run
        .approvals
        .iter()
        // The latest one counts: after a drift the gate is approved again in a new round.
        .rev()
        .find(|a| a.gate == gate && a.status == ApprovalStatus::Consumed);
    let passed = match gate {
        ApprovalGate::SG1 => run.steps.iter().any(|s| s.step == SimulatedStep::Cut),
        ApprovalGate::SG2 => run.steps.iter().any(|s| s.step == SimulatedStep::Enact),
    };
    let void = run
        .approvals
        .iter()
        .any(|a| a.gate == gate && a.status == ApprovalStatus::Void);
    let Some(approval) = consumed else {
        // A step without a consumed approval; drift voids an approval whose steps were simulated, which is no failure.
        if passed && !void {
            return Check::evaluated(
                name,
                false,
                format!("a step of {gate} was simulated without an approval"),
                json!({"gate": gate, "approvals": run.approvals.len()}),
            );
        }
        let what = if void {
            "the approval is void"
        } else {
            "no approval"
        };
        return not_reached(name, run, &format!("{gate}: {what}"));
    };
    let current = run.evidence.iter().map(|e| (e.gate, &e.digest));
    let earlier = run.earlier_evidence.iter().map(|(g, d)| (*g, d));
    // An approval must name evidence that this run showed at this gate, in this round or an earlier one.
    let known = current
        .chain(earlier)
        .any(|(g, digest)| g == gate && *digest == approval.evidence);
    Check::evaluated(
        name,
        known && approval.decision == Decision::Approve,
        format!("{} at {}", approval.by.name(), approval.at.clock()),
        json!({
            "gate": gate, "by": approval.by, "at": approval.at, "evidence": approval.evidence,
            "evidence_of_this_gate": known, "status": approval.status,
        }),
    )
}

fn done(run: &RunState, step: SimulatedStep) -> Option<&StepDone> {
    run.steps.iter().find(|done| done.step == step)
}

fn step_equals(run: &RunState, profile: &Profile, step: SimulatedStep) -> Check {
    let name = match step {
        SimulatedStep::Cut => CheckName::CutEqualsPrediction,
        SimulatedStep::Verify => CheckName::VerifyEqualsPrediction,
        SimulatedStep::Enact => CheckName::EnactEqualsPrediction,
    };
    let predicted = run.predicted.as_ref().map(|(_, predicted)| predicted);
    let (Some(done), Some(predicted), Some(lifecycle)) =
        (done(run, step), predicted, &profile.lifecycle)
    else {
        return not_reached(
            name,
            run,
            &format!("{} was not simulated", run.words().step(step)),
        );
    };
    let (saw, wanted) = (counts_of(step, &done.counts), counts_of(step, predicted));
    let effect = step_effect(profile, lifecycle, step, predicted);
    // A VERIFY that predicted gaps and found the same gaps equals its prediction, and must fail all the same.
    let sound = step != SimulatedStep::Verify || *done.counts.unverified.get() == 0;
    let holds =
        saw == wanted && same_rows(&done.effect, &effect) && sound && done.round == run.round();
    let called = run.words();
    let words = |counts: [(&'static str, u64); 2]| {
        let named = counts.map(|(name, n)| format!("~{n} {}", called.counter(name)));
        named.join(", ")
    };
    let says = match (holds, sound) {
        (true, _) => words(saw),
        (false, false) => format!("{}: {}", words(saw), unverified(run)),
        (false, true) => format!("{}; predicted {}", words(saw), words(wanted)),
    };
    let numbers =
        |counts: [(&str, u64); 2]| -> Value { counts.iter().map(|(n, c)| json!([n, c])).collect() };
    let raw = json!({
        "round": done.round, "simulated": numbers(saw), "predicted": numbers(wanted),
        "effect": done.effect, "predicted_effect": effect, "provenance": "SIMULATED",
    });
    Check::evaluated(name, holds, says, raw)
}

fn unverified(run: &RunState) -> String {
    let first = run
        .pin_simulation
        .iter()
        .flat_map(|simulation| &simulation.first_unverified);
    let named: Vec<String> = first.map(|(key, what)| format!("{key} {what:?}")).collect();
    if named.is_empty() {
        "units are not verified".to_owned()
    } else {
        named.join(", ")
    }
}

fn counters_agree(run: &RunState, profile: &Profile) -> Check {
    const NAME: CheckName = CheckName::CountersAgree;
    let streams = run
        .pin
        .as_ref()
        .and_then(|pin| Some((pin.candidates.as_ref()?.rows, pin.pieces.as_ref()?.rows)));
    let (Some((units, pieces)), Some(cut), Some(verify)) = (
        streams,
        done(run, SimulatedStep::Cut),
        done(run, SimulatedStep::Verify),
    ) else {
        let [one, two, _] = &run.words().steps;
        return not_reached(NAME, run, &format!("{one} and {two} were not simulated"));
    };
    let would_insert = *cut.counts.would_insert.get();
    let confirmed = *verify.counts.verified.get();
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    must(
        units.checked_add(would_insert) == Some(confirmed),
        format!(
            "candidate_count_confirmed ~{confirmed} is not {units} LIVE units + ~{would_insert} would_insert"
        ),
    );
    must(
        // Every source piece is either inserted by the first step or there already.
        pieces == would_insert + cut.counts.already_present.get(),
        format!("{pieces} pieces are not all inserted or present"),
    );
    let changed = done(run, SimulatedStep::Enact)
        .map(|d| d.counts.would_enact.get() + d.counts.already_enacted.get());
    if let Some(changed) = changed {
        let states = profile
            .lifecycle
            .as_ref()
            .map(|lifecycle| lifecycle.states.len());
        let two_states = states == Some(2);
        must(
            // With more than two states not every confirmed unit has to reach the target.
            changed == confirmed || (!two_states && changed < confirmed),
            format!(
                "lifecycle_enacted_count ~{changed} is not candidate_count_confirmed ~{confirmed}"
            ),
        );
    }
    let says = if wrong.is_empty() {
        format!("candidate_count_confirmed ~{confirmed}, {units} LIVE units, {pieces} pieces")
    } else {
        wrong.join("; ")
    };
    let raw = json!({
        "candidate_count_confirmed": confirmed, "live_units": units, "pieces": pieces,
        "would_insert": would_insert, "lifecycle_enacted_count": changed,
    });
    Check::evaluated(NAME, wrong.is_empty(), says, raw)
}

fn ledgers_complete(run: &RunState) -> Check {
    const NAME: CheckName = CheckName::LedgersComplete;
    let Some((_, predicted)) = run.predicted.as_ref().filter(|_| !run.steps.is_empty()) else {
        return not_reached(NAME, run, "no unit ledger was written");
    };
    let units = predicted.verified.get() + predicted.unverified.get();
    let wrong: Vec<String> = run
        .steps
        .iter()
        // Each step writes one line per unit, whether it changed the unit or not.
        .filter(|step| step.ledger.rows != units || step.round != run.round())
        .map(|step| {
            format!(
                "{} has {} lines, not {units}",
                step.ledger.file, step.ledger.rows
            )
        })
        .collect();
    let says = if wrong.is_empty() {
        format!("{} ledgers of ~{units} lines", run.steps.len())
    } else {
        wrong.join("; ")
    };
    let ledgers: Vec<_> = run.steps.iter().map(|step| &step.ledger).collect();
    Check::evaluated(
        NAME,
        wrong.is_empty(),
        says,
        json!({"units": units, "ledgers": ledgers}),
    )
}

fn non_mutation_proven(run: &RunState) -> Check {
    const NAME: CheckName = CheckName::NonMutationProven;
    let Some(judged) = &run.non_mutation else {
        return not_reached(NAME, run, "the claims were not judged");
    };
    let raw = json!({"verdict": judged.verdict, "changes": judged.changes.len()});
    match judged.verdict {
        // Not a FAIL: a claim that could not be measured is no sign of a mutation.
        NonMutationVerdict::Unproven => Check {
            raw,
            ..Check::not_checked(
                NAME,
                "UNPROVEN: a claim was not measured or does not hold",
                "the claims of the proof pane name what is missing",
            )
        },
        NonMutationVerdict::Proven
        | NonMutationVerdict::ChangedByOthers
        | NonMutationVerdict::MutationSuspected => Check {
            cause: (judged.verdict == NonMutationVerdict::ChangedByOthers)
                .then_some(Cause::ChangedByOthers),
            ..Check::evaluated(
                NAME,
                judged.verdict == NonMutationVerdict::Proven,
                judged.verdict.name(),
                raw,
            )
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixture::profile;
    use super::super::journal_fixture::{at_sg1, at_sg2, post};
    use super::{g3, g3_so_far};
    use crate::run::{ApprovalStatus, Gate, NonMutationVerdict, RunChange, RunState, Verdict};
    use crate::simulate::UnitVerification;
    use crate::survey::{Digest, Simulated};

    fn done() -> RunState {
        let mut run = post(|_| {}).run;
        let judged = super::super::non_mutation(&run);
        run.non_mutation = Some(Arc::new(judged));
        run
    }

    fn not_pass(damage: impl FnOnce(&mut RunState)) -> Vec<(String, Verdict)> {
        let mut run = done();
        damage(&mut run);
        let bad = g3(&run, &profile())
            .into_iter()
            .filter(|c| c.verdict != Verdict::Pass);
        bad.map(|c| (c.name.to_string(), c.verdict)).collect()
    }

    #[test]
    fn each_spoiled_part_fails_its_own_check() {
        type Damage = fn(&mut RunState);
        let cases: [(&str, Damage); 11] = [
            ("sg1_approved", |r| {
                r.approvals[0].status = ApprovalStatus::Withdrawn;
            }),
            ("sg2_approved", |r| r.approvals[1].evidence = Digest::zero()),
            ("cut_equals_prediction", |r| {
                r.steps[0].effect = r.steps[2].effect.clone();
            }),
            ("cut_equals_prediction counters_agree", |r| {
                r.steps[0].counts.would_insert = Simulated::new(1);
            }),
            ("verify_equals_prediction counters_agree", |r| {
                r.steps[1].counts.verified = Simulated::new(59);
            }),
            ("enact_equals_prediction", |r| {
                r.steps[2].effect.tables[0].delete = Simulated::new(1);
            }),
            ("enact_equals_prediction counters_agree", |r| {
                r.steps[2].counts.would_enact = Simulated::new(59);
            }),
            ("counters_agree", |r| {
                Arc::make_mut(r.pin.as_mut().expect("pin"))
                    .candidates
                    .as_mut()
                    .expect("read")
                    .rows = 61;
            }),
            ("counters_agree", |r| {
                Arc::make_mut(r.pin.as_mut().expect("pin"))
                    .pieces
                    .as_mut()
                    .expect("read")
                    .rows = 61;
            }),
            ("ledgers_complete", |r| r.steps[1].ledger.rows = 59),
            ("non_mutation_proven", |r| {
                Arc::make_mut(r.non_mutation.as_mut().expect("judged")).verdict =
                    NonMutationVerdict::MutationSuspected;
            }),
        ];
        assert_eq!(not_pass(|_| {}), Vec::new());
        for (names, damage) in cases {
            let expected: Vec<_> = names
                .split(' ')
                .map(|n| (n.to_owned(), Verdict::Fail))
                .collect();
            assert_eq!(not_pass(damage), expected);
        }
        let unproven = |r: &mut RunState| {
            Arc::make_mut(r.non_mutation.as_mut().expect("judged")).verdict =
                NonMutationVerdict::Unproven;
        };
        assert_eq!(
            not_pass(unproven),
            [("non_mutation_proven".to_owned(), Verdict::NotChecked)]
        );
    }

    #[test]
    fn a_gap_that_was_predicted_still_fails_and_is_named() {
        let mut run = done();
        for counts in [
            &mut run.predicted.as_mut().expect("there").1,
            &mut run.steps[1].counts,
        ] {
            counts.verified = Simulated::new(59);
            counts.unverified = Simulated::new(1);
        }
        let gap = ("ICX-CONST-0017".to_owned(), UnitVerification::Gap);
        Arc::make_mut(run.pin_simulation.as_mut().expect("there"))
            .first_unverified
            .push(gap);
        let checks = g3(&run, &profile());
        assert_eq!(checks[2].verdict, Verdict::Fail);
        assert!(
            checks[2].says.contains("ICX-CONST-0017 Gap"),
            "{}",
            checks[2].says
        );
    }

    #[test]
    fn a_check_that_was_not_asked_is_in_no_count() {
        let mut run = done();
        let all = super::g3_count(&run);
        let mut gate = run.gates[&Gate::G2].clone();
        let mut check = g3(&run, &profile()).swap_remove(0);
        check.verdict = Verdict::NotAsked;
        gate.checks = Arc::new(vec![check]);
        run.gates.insert(Gate::G3, gate);
        assert_eq!(super::g3_count(&run), all - 1);
        let with_change = |of_sg1| {
            let mut run = done();
            let created = Arc::make_mut(run.created.as_mut().expect("created"));
            created.check_table = super::super::required::CHECK_TABLE_WITH_CHANGE;
            created.change = Some(RunChange {
                command: None,
                role: "r".to_owned(),
                files: vec!["/enact.sql".to_owned()],
                expect: None,
                of_sg1,
                show: Vec::new(),
                bytes_per_second: None,
                valid_seconds: None,
                locks: None,
            });
            super::g3_count(&run)
        };
        // Without phases the change is not compared with what was simulated.
        assert_eq!(with_change(None) + 1, with_change(Some(0)));
    }

    #[test]
    fn while_sg2_waits_five_of_eight_are_known() {
        assert_eq!(g3(&done(), &profile()).len(), super::g3_count(&done()));
        let at_sg2 = at_sg2().run;
        let known: Vec<_> = g3_so_far(&at_sg2, &profile())
            .into_iter()
            .map(|c| (c.name.to_string(), c.verdict))
            .collect();
        let names = [
            "sg1_approved",
            "cut_equals_prediction",
            "verify_equals_prediction",
            "counters_agree",
            "ledgers_complete",
        ];
        assert_eq!(known, names.map(|n| (n.to_owned(), Verdict::Pass)));
        assert_eq!(g3_so_far(&at_sg1().run, &profile()), Vec::new());
        assert_eq!(
            g3(&RunState::default(), &profile())
                .iter()
                .filter(|c| c.verdict == Verdict::NotChecked)
                .count(),
            8
        );
    }
}

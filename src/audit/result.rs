//! The result of a run: the first rule that applies (contract, section 4). A function of the folded run alone, so that `verify`
//! computes the same.

use super::claims;
use crate::run::{
    Cause, Check, Claim, ClaimName, ClaimVerdict, Gate, NonMutationVerdict, RunResult, RunState,
    State, Verdict,
};

/// The result that follows from gates, claims and state.
pub fn result(run: &RunState) -> RunResult {
    let claims = run
        .non_mutation
        .as_ref()
        .map_or_else(|| claims(run), |judged| judged.claims.clone());
    let is_false = |name| {
        claims
            .iter()
            .any(|c: &Claim| c.name == name && c.verdict == ClaimVerdict::False)
    };
    if is_false(ClaimName::A) {
        RunResult::MutationSuspected
    } else if run.state == State::Rejected {
        RunResult::Rejected
    } else if run.state == State::Failed || run.checks().any(|(_, check)| fails(check)) {
        RunResult::Fail
    } else if is_false(ClaimName::B) {
        RunResult::ChangedByOthers
    } else if is_complete(run) {
        RunResult::Pass
    } else {
        RunResult::Incomplete
    }
}

/// The result with the profile's prefix: `O4_LIVE_DRYRUN_ORCHESTRATION_PASS`.
pub fn result_name(run: &RunState) -> String {
    let prefix = run
        .created
        .as_ref()
        .map_or("", |created| created.result_prefix.as_str());
    format!("{prefix}{}", result(run).suffix())
}

/// The gate and check that the result FAIL names: the first that fails and not through claim B alone.
pub fn first_failure(run: &RunState) -> Option<(Gate, &Check)> {
    run.checks().find(|(_, check)| fails(check))
}

fn fails(check: &Check) -> bool {
    check.verdict == Verdict::Fail && check.cause != Some(Cause::ChangedByOthers)
}

fn is_complete(run: &RunState) -> bool {
    let gates = Gate::ALL
        .iter()
        .all(|gate| run.finished(*gate) == Some(Verdict::Pass));
    let proven = run
        .non_mutation
        .as_ref()
        .is_some_and(|judged| judged.verdict == NonMutationVerdict::Proven);
    gates && proven && run.state == State::CloseoutReported
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixture::{again, change, live};
    use super::super::journal_fixture::{at_sg1, closed, passed};
    use super::{first_failure, result, result_name};
    use crate::run::{Cause, Decision, Gate, RunResult, RunState, State, Verdict};

    #[test]
    fn a_sound_run_passes() {
        let run = passed().run;
        assert_eq!(result_name(&run), "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
        assert_eq!(first_failure(&run), None);
    }

    #[test]
    fn every_gate_and_check_counts() {
        let run = passed().run;
        for gate in Gate::ALL {
            let mut less = run.clone();
            less.gates.remove(&gate);
            assert_eq!(result(&less), RunResult::Incomplete, "{gate}");
            let mut failed = run.clone();
            Arc::make_mut(&mut failed.gates.get_mut(&gate).expect("run").checks)[0].verdict =
                Verdict::Fail;
            assert_eq!(result(&failed), RunResult::Fail, "{gate}");
            assert_eq!(first_failure(&failed).map(|(gate, _)| gate), Some(gate));
            let mut open = run.clone();
            let done = open.gates.get_mut(&gate).expect("run").finished.as_mut();
            done.expect("finished").0 = Verdict::NotChecked;
            assert_eq!(result(&open), RunResult::Incomplete, "{gate}");
        }
    }

    #[test]
    fn what_others_changed_is_neither_pass_nor_fail() {
        let journal = closed(|s| change(s, "icx_draft", live("59")));
        let sealed = journal.run.sealed.clone().expect("sealed");
        assert_eq!((sealed.1, sealed.2), (RunResult::ChangedByOthers, 4));
        assert_eq!(sealed.0, "O4_LIVE_DRYRUN_ORCHESTRATION_CHANGED_BY_OTHERS");
        let failed: Vec<_> = journal
            .run
            .checks()
            .filter(|(_, c)| c.verdict == Verdict::Fail)
            .collect();
        assert_eq!(failed.len(), 2);
        assert!(
            failed
                .iter()
                .all(|(_, c)| c.cause == Some(Cause::ChangedByOthers))
        );
        assert_eq!(again(&journal.records).findings, Vec::new());
    }

    #[test]
    fn a_restart_leaves_the_run_incomplete() {
        let journal = closed(|s| s.server.postmaster_start = "2026-11-22 09:30:00+00".to_owned());
        assert_eq!(
            journal.run.sealed.as_ref().map(|s| s.1),
            Some(RunResult::Incomplete)
        );
        assert_eq!(again(&journal.records).findings, Vec::new());
    }

    #[test]
    fn the_first_rule_that_applies_wins() {
        let mut journal = at_sg1();
        journal.decides(Decision::Reject, "op_a", Some("because"));
        journal.becomes(State::Rejected);
        assert_eq!(result(&journal.run), RunResult::Rejected);
        let mut failing = journal.run.clone();
        Arc::make_mut(&mut failing.gates.get_mut(&Gate::G0).expect("run").checks)[0].verdict =
            Verdict::Fail;
        assert_eq!(result(&failing), RunResult::Rejected);
        let violation = |run: &mut RunState| {
            for transaction in &mut run.transactions {
                if let crate::run::TransactionEnd::Closed(proof) = &mut transaction.end {
                    std::sync::Arc::make_mut(proof).rows_written = Some(1);
                }
            }
        };
        violation(&mut failing);
        assert_eq!(result(&failing), RunResult::MutationSuspected);
        let failed = RunState {
            state: State::Failed,
            ..RunState::default()
        };
        assert_eq!(result(&failed), RunResult::Fail);
    }
}

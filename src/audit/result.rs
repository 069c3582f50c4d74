//! The result of a run: the first rule that applies (contract, section 4). Invariant: a function of the folded run alone, so `verify` computes the same.

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

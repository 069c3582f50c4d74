//! G4: a fresh fold gives the same run, and resuming at closeout changes nothing.
//! Invariant: the two runs that are compared are of the same journal record (`same_record` in `g4`).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::run::{Check, CheckName, RunState, State, StopCode, next};

/// What resuming at closeout answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumeResult {
    /// State that it returned.
    pub state: State,
    /// Stop code that it returned.
    pub stop_code: Option<StopCode>,
    /// Transitions (`state_changed`) that it added to the journal.
    pub transitions_added: u64,
}

/// The five checks of G4. `live` is the run as the runner held it, `refolded` as a fresh runner folded it from disk up to the
/// same record.
pub fn g4(live: &RunState, refolded: &RunState, resumed: Option<&ResumeResult>) -> Vec<Check> {
    let same_record = live.last == refolded.last;
    let (one, two) = (digests(live), digests(refolded));
    let seq = |run: &RunState| run.last.map(|(seq, _)| seq);
    let mut checks = vec![
        Check::evaluated(
            CheckName::RefoldSameState,
            same_record && live == refolded,
            format!(
                "{} folded afresh from {} records: {}",
                live.state,
                seq(refolded).map_or(0, |seq| seq + 1),
                refolded.state
            ),
            json!({
                "live": {"seq": seq(live), "state": live.state},
                "refolded": {"seq": seq(refolded), "state": refolded.state}, "equal": live == refolded,
            }),
        ),
        Check::evaluated(
            CheckName::RefoldSameDigests,
            same_record && one == two && !one.is_null(),
            "facts, evidence, context and ledgers have the same digests",
            json!({"live": one, "refolded": two}),
        ),
    ];
    checks.extend(resume_checks(live, resumed));
    let (one, two) = (next(live), next(refolded));
    checks.push(Check::evaluated(
        CheckName::ResumeGoesOnWhereItWas,
        one == two,
        "the fresh fold asks for the same next step",
        json!({"live": format!("{one:?}"), "refolded": format!("{two:?}")}),
    ));
    checks
}

fn resume_checks(live: &RunState, resumed: Option<&ResumeResult>) -> [Check; 2] {
    const NAMES: [CheckName; 2] = [
        CheckName::ResumeReturnsTheSame,
        CheckName::ResumeAddsNoTransition,
    ];
    let before = live.returns.last().map(|(state, code, _)| (*state, *code));
    let (Some(seen), Some((state, stop_code))) = (resumed, before) else {
        return NAMES.map(|name| {
            Check::not_checked(
                name,
                "no resume at closeout was tried",
                "drygate resume RUN_ID",
            )
        });
    };
    let code = |code: Option<StopCode>| code.map_or("stop_code=None", StopCode::name);
    let [returns, transitions] = NAMES;
    [
        Check::evaluated(
            returns,
            seen.state == state && seen.stop_code == stop_code,
            format!("{} / {}", seen.state, code(seen.stop_code)),
            json!({
                "before": {"state": state, "stop_code": stop_code},
                "resumed": {"state": seen.state, "stop_code": seen.stop_code},
            }),
        ),
        Check::evaluated(
            transitions,
            seen.transitions_added == 0,
            format!("{} transitions added", seen.transitions_added),
            json!({"transitions_added": seen.transitions_added}),
        ),
    ]
}

fn digests(run: &RunState) -> Value {
    let survey = |survey: &Option<Arc<crate::survey::Survey>>| {
        survey
            .as_ref()
            .map(|s| json!([s.facts_digest, s.input_digest()]))
    };
    let ledgers: Vec<_> = run.steps.iter().map(|s| &s.ledger.sha256).collect();
    json!({
        "pin": survey(&run.pin), "post": survey(&run.post),
        "evidence": run.evidence.as_ref().map(|e| &e.digest), "earlier_evidence": run.earlier_evidence,
        "simulator_input": run.context.as_ref().map(|c| &c.simulator_input_digest), "ledgers": ledgers,
    })
}

#[cfg(test)]
mod tests {
    use super::super::journal_fixture::{passed, post};
    use super::{ResumeResult, g4};
    use crate::run::{RunState, State, StopCode, Verdict};
    use crate::survey::Digest;

    const SAME: ResumeResult = ResumeResult {
        state: State::CloseoutReported,
        stop_code: None,
        transitions_added: 0,
    };

    fn verdicts(refolded: &RunState, resumed: Option<&ResumeResult>) -> Vec<Verdict> {
        let checks = g4(&passed().run, refolded, resumed);
        checks.into_iter().map(|c| c.verdict).collect()
    }

    #[test]
    fn the_same_run_passes_and_every_difference_fails() {
        use Verdict::{Fail, NotChecked, Pass};
        let run = passed().run;
        assert_eq!(verdicts(&run, Some(&SAME)), [Pass; 5]);
        let mut other = run.clone();
        other.resumes = 7;
        assert_eq!(
            verdicts(&other, Some(&SAME)),
            [Fail, Pass, Pass, Pass, Pass]
        );
        let mut digest = run.clone();
        digest.steps[0].ledger.sha256 = Digest::zero();
        assert_eq!(
            verdicts(&digest, Some(&SAME)),
            [Fail, Fail, Pass, Pass, Pass]
        );
        assert_eq!(verdicts(&post(|_| {}).run, Some(&SAME))[..2], [Fail, Fail]);
        let stopped = ResumeResult {
            stop_code: Some(StopCode::StopFactsDrifted),
            ..SAME
        };
        assert_eq!(
            verdicts(&run, Some(&stopped)),
            [Pass, Pass, Fail, Pass, Pass]
        );
        let moved = ResumeResult {
            transitions_added: 1,
            ..SAME
        };
        assert_eq!(verdicts(&run, Some(&moved)), [Pass, Pass, Pass, Fail, Pass]);
        assert_eq!(
            verdicts(&run, None),
            [Pass, Pass, NotChecked, NotChecked, Pass]
        );
    }
}

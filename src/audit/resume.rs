//! G4: a fresh process resumes a copy of the run at closeout and comes back where this one is.
//! Invariant: what is compared was folded by two processes from the same records (`same_record` in `g4`).

use std::fmt::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::run::{Check, CheckName, RunState, State, StopCode, next};
use crate::survey::{Digest, Hasher};

/// What resuming at closeout answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeResult {
    /// State that it returned.
    pub state: State,
    /// Stop code that it returned.
    pub stop_code: Option<StopCode>,
    /// Transitions (`state_changed`) that it added to the journal.
    pub transitions_added: u64,
}

/// What a fresh process folded from a copy of a run, and how its resume there came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FreshFold {
    /// Number of the last record that it folded before it resumed.
    pub seq: Option<u64>,
    /// State of the run there.
    pub state: State,
    /// SHA-256 over the whole folded run.
    pub run_sha256: Digest,
    /// Digests that the journal names: facts, evidence, context, ledgers.
    pub digests: Value,
    /// Blobs and ledgers that are missing or not what the journal names, as they were read from the disk.
    pub damaged: Vec<String>,
    /// How the resume came back.
    pub resumed: ResumeResult,
    /// The step that it goes on with.
    pub next: String,
}

impl FreshFold {
    /// What was folded, and how a resume of it came back.
    pub fn of(run: &RunState, damaged: Vec<String>, resumed: ResumeResult) -> Self {
        Self {
            seq: run.last.map(|(seq, _)| seq),
            state: run.state,
            run_sha256: fingerprint(run),
            digests: digests(run),
            damaged,
            resumed,
            next: format!("{:?}", next(run)),
        }
    }
}

/// How the resume of a fresh process ended.
#[derive(Debug, Clone, PartialEq)]
pub enum FreshResume {
    /// It folded the copy and came back.
    Answered(Box<FreshFold>),
    /// It could not fold or resume the copy: its words.
    Failed(String),
    /// No fresh process could be started: why.
    NotRun(String),
}

/// The five checks of G4. `live` is the run as this process held it when the copy was made.
pub fn g4(live: &RunState, fresh: &FreshResume) -> Vec<Check> {
    const NAMES: [CheckName; 5] = [
        CheckName::RefoldSameState,
        CheckName::RefoldSameDigests,
        CheckName::ResumeReturnsTheSame,
        CheckName::ResumeAddsNoTransition,
        CheckName::ResumeGoesOnWhereItWas,
    ];
    match fresh {
        FreshResume::Answered(fold) => answered(live, fold),
        FreshResume::Failed(why) => NAMES
            .map(|name| {
                let raw = json!({
                    "equal": false, "live": "resumed", "refolded": {"error": why}, "before": "resumed",
                    "resumed": {"error": why}, "transitions_added": null,
                });
                let says = format!("a fresh process could not resume a copy of the run: {why}");
                Check::evaluated(name, false, says, raw)
            })
            .into(),
        FreshResume::NotRun(why) => NAMES
            .map(|name| Check::not_checked(name, why.clone(), "drygate resume RUN_ID tries again"))
            .into(),
    }
}

fn answered(live: &RunState, fresh: &FreshFold) -> Vec<Check> {
    let seq = live.last.map(|(seq, _)| seq);
    // Equal digests of different records would prove nothing: the process that folds reads a copy.
    let same_record = seq == fresh.seq;
    let equal = same_record && fingerprint(live) == fresh.run_sha256;
    let one = json!({"digests": digests(live), "damaged": []});
    let two = json!({"digests": fresh.digests, "damaged": fresh.damaged});
    let says = match fresh.damaged.first() {
        Some(first) => first.clone(),
        None => "facts, evidence, context, blobs and ledgers have the same digests".to_owned(),
    };
    let mut checks = vec![
        Check::evaluated(
            CheckName::RefoldSameState,
            equal,
            format!(
                "{} folded by a fresh process from {} records: {}",
                live.state,
                fresh.seq.map_or(0, |seq| seq + 1),
                fresh.state
            ),
            json!({
                "live": {"seq": seq, "state": live.state},
                "refolded": {"seq": fresh.seq, "state": fresh.state}, "equal": equal,
            }),
        ),
        Check::evaluated(
            CheckName::RefoldSameDigests,
            same_record && one == two,
            says,
            json!({"live": one, "refolded": two}),
        ),
    ];
    checks.extend(resume_checks(live, fresh.resumed));
    let next = format!("{:?}", next(live));
    checks.push(Check::evaluated(
        CheckName::ResumeGoesOnWhereItWas,
        next == fresh.next,
        format!("the fresh process goes on with {}", fresh.next),
        json!({"live": next, "refolded": fresh.next}),
    ));
    checks
}

fn resume_checks(live: &RunState, seen: ResumeResult) -> [Check; 2] {
    // At closeout a run has returned at least once, as r3.
    let returned = live.returns.last();
    let (state, stop_code) =
        returned.map_or((live.state, None), |(state, code, _)| (*state, *code));
    let code = |code: Option<StopCode>| code.map_or("stop_code=None", StopCode::name);
    [
        Check::evaluated(
            CheckName::ResumeReturnsTheSame,
            seen.state == state && seen.stop_code == stop_code,
            format!("{} / {}", seen.state, code(seen.stop_code)),
            json!({
                "before": {"state": state, "stop_code": stop_code},
                "resumed": {"state": seen.state, "stop_code": seen.stop_code},
            }),
        ),
        Check::evaluated(
            CheckName::ResumeAddsNoTransition,
            seen.transitions_added == 0,
            format!("{} transitions added", seen.transitions_added),
            json!({"transitions_added": seen.transitions_added}),
        ),
    ]
}

/// SHA-256 over everything that is folded of a run. Two processes of the same binary write the same text for the same run.
fn fingerprint(run: &RunState) -> Digest {
    let mut text = HashedText(Hasher::new());
    // Hashing text never fails.
    let _ = write!(text, "{run:?}");
    text.0.finish()
}

/// Text that is hashed as it is written, since that of a long run is large.
struct HashedText(Hasher);

impl Write for HashedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
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
    use super::{FreshFold, FreshResume, ResumeResult, g4};
    use crate::run::{RunState, State, StopCode, Verdict};
    use crate::survey::Digest;

    const SAME: ResumeResult = ResumeResult {
        state: State::CloseoutReported,
        stop_code: None,
        transitions_added: 0,
    };

    fn verdicts(refolded: &RunState, resumed: ResumeResult) -> Vec<Verdict> {
        let fresh = FreshFold::of(refolded, Vec::new(), resumed);
        of(&FreshResume::Answered(Box::new(fresh)))
    }

    fn of(fresh: &FreshResume) -> Vec<Verdict> {
        let checks = g4(&passed().run, fresh);
        checks.into_iter().map(|c| c.verdict).collect()
    }

    #[test]
    fn the_same_run_passes_and_every_difference_fails() {
        use Verdict::{Fail, NotChecked, Pass};
        let run = passed().run;
        assert_eq!(verdicts(&run, SAME), [Pass; 5]);
        let mut other = run.clone();
        other.resumes = 7;
        assert_eq!(verdicts(&other, SAME), [Fail, Pass, Pass, Pass, Pass]);
        let mut digest = run.clone();
        digest.steps[0].ledger.sha256 = Digest::zero();
        assert_eq!(verdicts(&digest, SAME), [Fail, Fail, Pass, Pass, Pass]);
        let mut damaged = FreshFold::of(&run, Vec::new(), SAME);
        damaged
            .damaged
            .push("units/1-cut.jsonl is missing".to_owned());
        assert_eq!(
            of(&FreshResume::Answered(Box::new(damaged))),
            [Pass, Fail, Pass, Pass, Pass]
        );
        assert_eq!(verdicts(&post(|_| {}).run, SAME)[..2], [Fail, Fail]);
        let stopped = ResumeResult {
            stop_code: Some(StopCode::StopFactsDrifted),
            ..SAME
        };
        assert_eq!(verdicts(&run, stopped), [Pass, Pass, Fail, Pass, Pass]);
        let moved = ResumeResult {
            transitions_added: 1,
            ..SAME
        };
        assert_eq!(verdicts(&run, moved), [Pass, Pass, Pass, Fail, Pass]);
        let mut elsewhere = FreshFold::of(&run, Vec::new(), SAME);
        elsewhere.next = "Precheck".to_owned();
        assert_eq!(
            of(&FreshResume::Answered(Box::new(elsewhere))),
            [Pass, Pass, Pass, Pass, Fail]
        );
        let failed = FreshResume::Failed("HEAD does not fit".to_owned());
        assert_eq!(of(&failed), [Fail; 5]);
        let not_run = FreshResume::NotRun("no process".to_owned());
        assert_eq!(of(&not_run), [NotChecked; 5]);
    }
}

//! The legality function: asked before an event is journalled and again when a journal is loaded.
//! Invariant: an illegal event is refused with event, state and reason (test
//! `every_state_meets_every_kind_of_event_and_every_refusal_names_both` of tests/machine.rs).

use thiserror::Error;

use super::machine::lets_pass;
use super::{
    ApprovalRecorded, ApprovalRequest, ApprovalStatus, ChangeMoved, ChangeRead, CheckRecorded,
    Decision, Event, EvidenceShown, EvidenceTaken, Gate, GateFinished, GateStarted, HookRan,
    HookStarted, InvocationReturned, RunState, State, StateChanged, TransactionClosed,
    TransactionEnd, TransactionOpened, TransactionUnseen, UnitsProgressed, Verdict, judge, time_in,
};
use crate::survey::UtcTime;

/// An event that may not happen now.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{event} is illegal in state {state}: {why}")]
pub struct Illegal {
    /// Name of the event.
    pub event: &'static str,
    /// State of the run.
    pub state: State,
    /// Why it is not legal here.
    pub why: String,
}

/// Whether `event`, recorded at `at`, may happen to `run` now.
pub fn legal(run: &RunState, at: UtcTime, event: &Event) -> Result<(), Illegal> {
    let against = runs_back(run, at).or_else(|| reason_against(run, at, event));
    against.map_or(Ok(()), |why| {
        Err(Illegal {
            event: event.name(),
            state: run.state,
            why,
        })
    })
}

fn unless(holds: bool, why: &str) -> Option<String> {
    (!holds).then(|| why.to_owned())
}

/// Time never runs back in a run, whatever the clock did; before that was so, the time since boot was not recorded.
fn runs_back(run: &RunState, at: UtcTime) -> Option<String> {
    let keeps_time = run.created.as_ref().is_some_and(|c| c.uptime_ms.is_some());
    let (last, before) = run.last?;
    (keeps_time && at < before)
        .then(|| format!("its time {at} is before {before}, the time of record {last}"))
}

#[expect(clippy::too_many_lines, reason = "one arm an event")]
fn reason_against(run: &RunState, at: UtcTime, event: &Event) -> Option<String> {
    if run.sealed.is_some() {
        return Some("the run is sealed".to_owned());
    }
    if run.created.is_none() && !matches!(event, Event::RunCreated(_)) {
        return Some("the run is not created".to_owned());
    }
    match event {
        Event::RunCreated(_) => unless(run.created.is_none(), "the run exists"),
        Event::RunResumed(_)
        | Event::TornTailSetAside(_)
        | Event::StatementsRecorded(_)
        | Event::ContextPinned(_)
        | Event::EffectPredicted(_)
        | Event::SurveyTaken(_)
        | Event::TestsDeclared(_)
        | Event::ProgramReplaced(_)
        | Event::RepositoryMoved(_)
        | Event::ApprovalRefused(_) => None,
        Event::ChangeRead(ChangeRead { files }) => {
            let named = run.change().map(|change| change.files.iter());
            let same = named.is_some_and(|named| named.eq(files.iter().map(|file| &file.path)));
            unless(same, "the run has no change of these files")
        }
        Event::ChangeMoved(ChangeMoved { files }) => {
            let read = run.change_files.as_ref().map(|read| read.len());
            let same = match run.change() {
                // Files can have come to a directory.
                Some(change) if change.command.is_some() => {
                    read.is_some_and(|read| read <= files.len())
                }
                _ => read == Some(files.len()),
            };
            unless(same, "its files were not read")
        }
        Event::CopyListed(_) => unless(
            run.change_files.is_some() && run.state == State::Surveyed,
            "the run has no change, or is past its preparation",
        ),
        Event::ChangeRehearsed(rehearsed) => {
            let of_sg1 = run.change().and_then(|change| change.of_sg1);
            let phased = of_sg1.is_some_and(|files| files > 0);
            // Before SG1 only what the profile lets be copied before it.
            let prepares = run.state == State::Surveyed && rehearsed.first_phase;
            let waits = run.waits_at() == Some(rehearsed.gate);
            unless(
                run.copy.is_some() && (waits || prepares) && (phased || !rehearsed.first_phase),
                "nothing may be copied yet, or the run waits at another gate",
            )
        }
        Event::GateStarted(GateStarted { gate }) => gate_may_start(run, *gate),
        Event::CheckRecorded(CheckRecorded { gate, .. }) => {
            unless(is_open(run, *gate), "its gate is not open")
        }
        Event::GateFinished(GateFinished { gate, verdict }) => {
            gate_may_finish(run, *gate, *verdict)
        }
        Event::TransactionOpened(TransactionOpened { id, .. }) => unless(
            *id == run.transactions.last().map_or(0, |t| t.id) + 1,
            "its number does not follow",
        ),
        Event::TransactionClosed(TransactionClosed { id, .. })
        | Event::TransactionUnseen(TransactionUnseen { id, .. }) => {
            unless(is_open_transaction(run, *id), "no such transaction is open")
        }
        Event::UnitsProgressed(UnitsProgressed { round, .. }) => {
            unless(*round == run.round(), "another round")
        }
        Event::StateChanged(StateChanged { from, to }) => state_may_change(run, *from, *to),
        Event::EvidenceTaken(EvidenceTaken { gate, .. }) => {
            let before = match gate {
                super::ApprovalGate::SG1 => State::Seeded,
                super::ApprovalGate::SG2 => State::Verified,
            };
            // Renewed after expiry the evidence is taken in the waiting state itself.
            let here = run.state == before || run.state == gate.waiting_state();
            unless(
                here && run.drift.is_none(),
                "its gate is not reached, or facts drifted",
            )
        }
        Event::EvidenceShown(EvidenceShown { gate, evidence, .. }) => unless(
            run.evidence
                .as_ref()
                .is_some_and(|e| e.gate == *gate && e.digest == *evidence),
            "no such evidence",
        ),
        Event::ApprovalRecorded(recorded) => approval_may_be_recorded(run, at, recorded),
        Event::LiveRead(_) => unless(
            run.waits_at().is_some() || run.state == State::CutSimulated,
            "nobody waits",
        ),
        Event::ChangesAttributed(attribution) => unless(
            run.latest
                .as_ref()
                .is_some_and(|(_, latest)| latest.snapshot.nonce == attribution.nonce),
            "it is not of the last survey",
        ),
        Event::DriftFound(_) => unless(run.drift.is_none(), "a drift stands already"),
        Event::EvidenceRenewed(_) => unless(run.renewal.is_none(), "asked for already"),
        Event::StopRaised(stop) => unless(stop.state == run.state, "it names another state"),
        Event::InvocationReturned(InvocationReturned { r, state, .. }) => unless(
            run.owes_return && *state == run.state && *r as usize == run.returns.len() + 1,
            "no return is owed, or another state or number",
        ),
        Event::HookStarted(HookStarted { stop, .. }) => unless(
            run.stops.iter().any(|raised| raised.seq == *stop)
                && !run.hooks.iter().any(|hook| hook.stop == *stop),
            "no such stop was raised, or its hook was started already",
        ),
        Event::HookRan(HookRan { hook, started, .. }) => unless(
            run.open_hooks()
                .any(|open| open.started == *started && open.hook == *hook),
            "no such hook was started, or it is over already",
        ),
        Event::NonMutationJudged(_) => unless(run.state == State::PostSurveyed, "no post survey"),
        Event::RunSealed(_) => unless(
            run.state.is_final() && run.finished(Gate::G6).is_some() && !run.owes_return,
            "the closing order is not done",
        ),
    }
}

fn is_open_transaction(run: &RunState, id: u64) -> bool {
    let nth = run.transaction(id);
    nth.is_some_and(|nth| run.transactions[nth].end == TransactionEnd::Open)
}

fn is_open(run: &RunState, gate: Gate) -> bool {
    run.gates.get(&gate).is_some_and(|g| g.finished.is_none())
}

fn gate_may_start(run: &RunState, gate: Gate) -> Option<String> {
    let over = run.state.is_final();
    let waits = run.waits_at().is_some() || run.state == State::CutSimulated;
    let holds = match gate {
        Gate::G0 => run.state == State::Created || (waits && run.renewal.is_some()),
        Gate::G1 => run.state == State::Prechecked || (waits && run.renewal.is_some()),
        Gate::G2 => run.state == State::Surveyed,
        Gate::G3 => run.state == State::Seeded,
        Gate::G4 => run.state == State::CloseoutReported && run.finished(Gate::G3).is_some(),
        Gate::G5 | Gate::G6 => over,
    };
    unless(holds, &format!("{gate} does not begin here"))
}

fn gate_may_finish(run: &RunState, gate: Gate, verdict: Verdict) -> Option<String> {
    let Some(open) = run.gates.get(&gate).filter(|g| g.finished.is_none()) else {
        return Some(format!("{gate} is not open"));
    };
    // The verdict is not believed but computed from the recorded checks.
    let computed = Verdict::of_gate(open.checks.iter().map(|check| check.verdict));
    unless(
        computed == verdict,
        &format!("{gate} is {computed} by its checks, not {verdict}"),
    )
}

fn state_may_change(run: &RunState, from: State, to: State) -> Option<String> {
    if from != run.state || !from.may_become(to) {
        return Some(format!("{from} does not become {to} here"));
    }
    let passed = |gate| run.finished(gate).is_some_and(lets_pass);
    let approved = |gate| {
        run.approvals.iter().any(|a| {
            a.gate == gate && a.decision == Decision::Approve && a.status == ApprovalStatus::Pending
        })
    };
    let evidence = |gate| run.evidence.as_ref().is_some_and(|e| e.gate == gate);
    let no_drift = run.drift.is_none();
    let rehearsed = |gate| run.change().is_none() || run.rehearsal_of(gate).is_some();
    let holds = match to {
        State::Prechecked => passed(Gate::G0),
        State::Surveyed => passed(Gate::G1),
        State::Seeded => passed(Gate::G2),
        State::AwaitingCutAuthorization => evidence(super::ApprovalGate::SG1),
        State::AwaitingLifecycleAuthorization => evidence(super::ApprovalGate::SG2),
        State::CutSimulated => {
            let gate = super::ApprovalGate::SG1;
            approved(gate) && no_drift && rehearsed(gate)
        }
        State::EnactSimulated => {
            let gate = super::ApprovalGate::SG2;
            approved(gate) && no_drift && rehearsed(gate)
        }
        State::PostSurveyed => run.post.is_some(),
        State::CloseoutReported => run.non_mutation.is_some(),
        State::Rejected => run.is_rejected(),
        State::Verified | State::Created | State::Failed => true,
    };
    unless(holds, &format!("what {to} needs is not recorded"))
}

/// A decision is recorded only where it is not refused, at the time of its record.
fn approval_may_be_recorded(
    run: &RunState,
    at: UtcTime,
    recorded: &ApprovalRecorded,
) -> Option<String> {
    let request = ApprovalRequest {
        gate: recorded.gate,
        decision: recorded.decision,
        evidence: Some(recorded.evidence.clone()),
        reason: recorded.reason.clone(),
    };
    let now = time_in(run, at, &recorded.boot_id, recorded.uptime_ms);
    match judge(run, &request, &recorded.by, now, &recorded.boot_id) {
        Err(refusal) => Some(format!("this decision had to be refused: {refusal}")),
        Ok(ruling) => unless(
            ruling.decision == recorded.decision,
            "an approval is pending",
        ),
    }
}

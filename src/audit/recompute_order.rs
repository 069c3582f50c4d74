//! What must have been recorded before what.
//! Invariant: a gate, a check or a survey that is missing, doubled or out of place is named (tests
//! `every_check_that_is_cut_out_doubled_or_invented_is_named`,
//! `a_gate_that_is_missing_before_the_state_that_needs_it_is_named`).

use std::collections::BTreeSet;

use super::g3_so_far;
use super::required::{table_findings, unknown_check};
use crate::profile::Profile;
use crate::run::{
    ApprovalGate, ApprovalStatus, CheckName, CheckRecorded, Event, Gate, GateFinished, GateStarted,
    RunState, State, StateChanged, SurveyPurpose, SurveyTaken, TransactionEnd, Verdict,
};
use crate::simulate::SimulatedStep;

/// What was recorded of the gates so far, as far as order and completeness need it.
#[derive(Debug, Default)]
pub(super) struct RecordedOrder {
    /// The checks of the gates' current attempts; of G3 those since the state changed: at the end all of them are recorded
    /// again.
    recorded: BTreeSet<(Gate, CheckName)>,
    /// The gates that were finished since the state changed.
    finished: BTreeSet<Gate>,
    /// Steps were simulated by the last record: the checks of G3 that follow from them come next.
    simulated: bool,
    /// The checks of G3 that are still to come.
    due: Vec<CheckName>,
}

impl RecordedOrder {
    /// What is out of order about `event`, which is about to be applied to `run`.
    pub(super) fn findings(
        &mut self,
        run: &RunState,
        profile: Option<&Profile>,
        event: &Event,
    ) -> Vec<String> {
        let mut found = self.not_recorded(run, profile, event);
        let version = run.created.as_ref().map_or(0, |c| c.check_table);
        match event {
            Event::GateStarted(GateStarted { gate }) => {
                self.recorded.retain(|(known, _)| known != gate);
                self.finished.remove(gate);
            }
            Event::CheckRecorded(CheckRecorded { gate, check }) => {
                found.extend(unknown_check(version, *gate, &check.name));
                if !self.recorded.insert((*gate, check.name.clone())) {
                    found.push(format!("{gate} {} is recorded twice", check.name));
                }
            }
            Event::GateFinished(GateFinished { gate, .. }) => {
                let of_gate = self.recorded.iter().filter(|(known, _)| known == gate);
                let names: Vec<&CheckName> = of_gate.map(|(_, name)| name).collect();
                found.extend(table_findings(version, *gate, &names));
                self.finished.insert(*gate);
            }
            // The two gates that a process which takes the run up goes on with, instead of beginning them anew.
            Event::RunResumed(_) => self
                .recorded
                .retain(|(gate, _)| !matches!(gate, Gate::G3 | Gate::G4)),
            Event::StateChanged(StateChanged { to, .. }) => {
                found.extend(self.gate_missing(run, *to));
                self.finished.clear();
                self.recorded.retain(|(gate, _)| *gate != Gate::G3);
                self.simulated = matches!(to, State::Verified | State::EnactSimulated);
            }
            Event::RunSealed(_) => found.extend(self.gate_missing_at_the_end(run)),
            Event::SurveyTaken(taken) => found.extend(survey_out_of_place(run, taken)),
            Event::ContextPinned(_) if !is_open(run, Gate::G2) => {
                found.push("context pins outside G2".to_owned());
            }
            Event::EffectPredicted(_) if !is_open(run, Gate::G2) => {
                found.push("a prediction outside G2".to_owned());
            }
            Event::RunCreated(_)
            | Event::TornTailSetAside(_)
            | Event::TransactionOpened(_)
            | Event::TransactionClosed(_)
            | Event::TransactionUnseen(_)
            | Event::StatementsRecorded(_)
            | Event::ContextPinned(_)
            | Event::EffectPredicted(_)
            | Event::UnitsProgressed(_)
            | Event::EvidenceTaken(_)
            | Event::StopRaised(_)
            | Event::EvidenceShown(_)
            | Event::ApprovalRecorded(_)
            | Event::ApprovalRefused(_)
            | Event::LiveRead(_)
            | Event::ChangesAttributed(_)
            | Event::DriftFound(_)
            | Event::EvidenceRenewed(_)
            | Event::InvocationReturned(_)
            | Event::NonMutationJudged(_)
            | Event::TestsDeclared(_)
            | Event::ProgramReplaced(_)
            | Event::RepositoryMoved(_)
            | Event::ChangeRead(_)
            | Event::ChangeMoved(_)
            | Event::CopyListed(_)
            | Event::ChangeRehearsed(_)
            | Event::HookStarted(_)
            | Event::HookRan(_) => {}
        }
        found
    }

    /// The checks of G3 that had to be recorded after the steps, and were not. A process that was killed in between leaves them
    /// out.
    fn not_recorded(
        &mut self,
        run: &RunState,
        profile: Option<&Profile>,
        event: &Event,
    ) -> Vec<String> {
        if std::mem::take(&mut self.simulated) {
            let checks = profile.map(|profile| g3_so_far(run, profile));
            self.due = checks.into_iter().flatten().map(|c| c.name).collect();
        }
        if let Event::CheckRecorded(CheckRecorded { gate, check }) = event
            && *gate == Gate::G3
        {
            self.due.retain(|name| *name != check.name);
            return Vec::new();
        }
        if matches!(event, Event::RunResumed(_) | Event::TornTailSetAside(_)) {
            self.due.clear();
            return Vec::new();
        }
        // Whatever else comes, comes before checks that are due.
        let lost = self.due.drain(..);
        lost.map(|name| format!("G3 {name} is not recorded, although its steps were simulated"))
            .collect()
    }

    fn gate_missing(&self, run: &RunState, to: State) -> Option<String> {
        let needed = match to {
            State::Prechecked => Gate::G0,
            State::Surveyed => Gate::G1,
            State::Seeded => Gate::G2,
            State::AwaitingCutAuthorization => {
                let begun = run.gates.contains_key(&Gate::G3);
                return (!begun).then(|| format!("{to}: G3 was not begun before it"));
            }
            State::Failed => return self.nothing_failed(run),
            State::Created
            | State::CutSimulated
            | State::Verified
            | State::AwaitingLifecycleAuthorization
            | State::EnactSimulated
            | State::PostSurveyed
            | State::CloseoutReported
            | State::Rejected => return None,
        };
        (!self.finished.contains(&needed))
            .then(|| format!("{to}: {needed} was not finished before it"))
    }

    /// A run fails by G0, G1 or G2, or because its last transaction is not proven clean.
    fn nothing_failed(&self, run: &RunState) -> Option<String> {
        let failed = [Gate::G0, Gate::G1, Gate::G2]
            .iter()
            .any(|gate| self.finished.contains(gate) && run.finished(*gate) == Some(Verdict::Fail));
        let stained = run.transactions.last().is_some_and(
            |last| matches!(&last.end, TransactionEnd::Closed(proof) if !proof.violations().is_empty()),
        );
        (!failed && !stained).then(|| "failed: neither G0, G1 nor G2 is FAIL before it".to_owned())
    }

    fn gate_missing_at_the_end(&self, run: &RunState) -> Vec<String> {
        let closed = run.state == State::CloseoutReported;
        let orchestrated = run.state != State::Failed || run.gates.contains_key(&Gate::G3);
        [
            (Gate::G3, orchestrated),
            (Gate::G4, closed),
            (Gate::G5, true),
            (Gate::G6, true),
        ]
        .into_iter()
        .filter(|(gate, needed)| *needed && !self.finished.contains(gate))
        .map(|(gate, _)| format!("sealed as {}: {gate} was not finished before it", run.state))
        .collect()
    }
}

fn is_open(run: &RunState, gate: Gate) -> bool {
    run.gates.get(&gate).is_some_and(|g| g.finished.is_none())
}

fn survey_out_of_place(run: &RunState, taken: &SurveyTaken) -> Option<String> {
    let at = |states: &[State]| states.contains(&run.state);
    let (holds, what) = match taken.purpose {
        SurveyPurpose::Pin => (is_open(run, Gate::G1), "a pin outside G1"),
        SurveyPurpose::ApproveSg1 => (
            at(&[State::AwaitingCutAuthorization, State::CutSimulated]),
            "a survey for SG1 where nothing waits for it",
        ),
        SurveyPurpose::ApproveSg2 => (
            at(&[State::AwaitingLifecycleAuthorization]),
            "a survey for SG2 where nothing waits for it",
        ),
        SurveyPurpose::Post => (
            at(&[State::EnactSimulated]),
            "a post survey before the last step",
        ),
        SurveyPurpose::Again => (true, ""),
    };
    (!holds).then(|| what.to_owned())
}

/// The gate that opens a step, and the state that the step is simulated in.
pub(super) fn opened_by(step: SimulatedStep) -> (ApprovalGate, State) {
    match step {
        SimulatedStep::Cut => (ApprovalGate::SG1, State::AwaitingCutAuthorization),
        SimulatedStep::Verify => (ApprovalGate::SG1, State::CutSimulated),
        SimulatedStep::Enact => (ApprovalGate::SG2, State::AwaitingLifecycleAuthorization),
    }
}

/// Why what is simulated, or judged at the end, does not rest on the pin that was approved at `gate`.
pub(super) fn not_the_approved_pin(run: &RunState, gate: ApprovalGate) -> Option<String> {
    let evidence = run.evidence.as_ref().filter(|e| e.gate == gate);
    let approved = evidence.filter(|evidence| {
        run.approvals.iter().any(|approval| {
            let stands = matches!(
                approval.status,
                ApprovalStatus::Pending | ApprovalStatus::Consumed
            );
            stands && approval.gate == gate && approval.evidence == evidence.digest
        })
    });
    let same = approved.zip(run.pin.as_ref()).is_some_and(|(e, pin)| {
        e.sheet.pin_nonce == pin.snapshot.nonce && e.sheet.facts_digest == pin.facts_digest
    });
    (!same).then(|| format!("the pin is not that of the sheet that was approved at {gate}"))
}

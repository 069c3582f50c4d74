//! Which line may come next: each does what the run needed then (`run::next`), or what a person, a hook or a new process did.

use crate::audit::{self, table_of};
use crate::profile::Profile;
use crate::run::{
    ApprovalGate, CheckName, CheckRecorded, DriftFound, Effect, Event, EvidenceRenewed,
    EvidenceTaken, Gate, GateFinished, GateStarted, HookPoint, HookStarted, InvocationReturned,
    Purpose, RenewalReason, RunState, State, StateChanged, StopCode, SurveyPurpose, SurveyTaken,
    Transaction, TransactionEnd, Verdict, due_hook, next,
};
use crate::survey::differences;

/// What the line before asks of the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum AfterLine {
    /// Nothing by itself.
    #[default]
    Anything,
    /// A survey differs from the pin: who changed it comes next.
    Attribution,
    /// The tail of a process that died was set aside: who takes the run up comes next.
    Resume,
    /// A transaction ended: what was sent in it may come next, if it is new to the run.
    Statements,
}

/// What the lines before make due.
#[derive(Debug, Default)]
pub(super) struct LineOrder {
    after: AfterLine,
    /// What G2 has made since it began: context pins, then the prediction.
    seeded: u32,
    /// G3 began since the run was seeded.
    orchestrated: bool,
    /// The transaction that was open when the last decision was recorded.
    open_at_decision: Option<u64>,
    /// Pins that were taken since G1 began.
    pins: u32,
    /// The place among the checks of its gate of the check that the line before recorded.
    last_check: Option<(Gate, bool, usize)>,
    /// The last line about the change that nothing was founded on yet.
    of_change: &'static str,
}

impl LineOrder {
    /// Why the next line does not belong there.
    pub(super) fn findings(
        &mut self,
        run: &RunState,
        profile: Option<&Profile>,
        event: &Event,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let by_new_process = matches!(event, Event::RunResumed(_) | Event::TornTailSetAside(_));
        let after = std::mem::take(&mut self.after);
        if after == AfterLine::Resume && !by_new_process {
            found.push("a tail was set aside, and nobody took the run up".to_owned());
        }
        let attributes = matches!(event, Event::ChangesAttributed(_));
        // A process that died in between attributes nothing.
        if (after == AfterLine::Attribution) != attributes && !by_new_process {
            found.push(
                "who changed the facts is asked after a survey that differs, and only then"
                    .to_owned(),
            );
        }
        if matches!(event, Event::StatementsRecorded(_)) && after != AfterLine::Statements {
            found.push("statements are recorded behind the end of no transaction".to_owned());
        }
        match event {
            Event::TornTailSetAside(_) => self.after = AfterLine::Resume,
            Event::TransactionClosed(_) | Event::TransactionUnseen(_) => {
                self.after = AfterLine::Statements;
            }
            Event::SurveyTaken(taken) => {
                self.pins += u32::from(taken.purpose == SurveyPurpose::Pin);
                if differs(run, taken) {
                    self.after = AfterLine::Attribution;
                }
                found.extend(self.begun_before_its_decision(run, taken));
            }
            Event::ApprovalRecorded(_) => {
                let open = run.transactions.last().filter(|last| is_open(last));
                self.open_at_decision = open.map(|open| open.id);
            }
            Event::StateChanged(StateChanged {
                to: State::Seeded, ..
            }) => self.orchestrated = false,
            Event::GateStarted(GateStarted { gate: Gate::G3 }) => self.orchestrated = true,
            Event::EvidenceTaken(_) if run.state == State::Seeded && !self.orchestrated => {
                found.push("the evidence of SG1 is taken before G3 began".to_owned());
            }
            Event::GateStarted(GateStarted { gate: Gate::G1 }) => self.pins = 0,
            Event::GateStarted(GateStarted { gate: Gate::G2 }) => self.seeded = 0,
            Event::ContextPinned(_) | Event::EffectPredicted(_) => {
                let nth = u32::from(matches!(event, Event::EffectPredicted(_)));
                if self.seeded != nth {
                    found.push("G2 pins the context first, then predicts, each once".to_owned());
                }
                self.seeded += 1;
            }
            Event::CheckRecorded(CheckRecorded { gate, .. })
                if *gate == Gate::G2 && self.seeded != 1 + u32::from(run.simulates()) =>
            {
                found.push("G2 is judged before it has pinned and predicted".to_owned());
            }
            _ => {}
        }
        let before = self.last_check.take();
        if let Event::CheckRecorded(CheckRecorded { gate, check }) = event {
            let of_gate = audit::required_checks(table_of(run), *gate).unwrap_or_default();
            let place = of_gate.iter().position(|name| *name == check.name);
            // Probes that could not be made are named behind the others.
            let not_made = *gate == Gate::G5 && check.verdict == Verdict::NotChecked;
            self.last_check = place.map(|place| (*gate, not_made, place));
            let behind = |(before, now): ((Gate, bool, usize), (Gate, bool, usize))| {
                before.0 == now.0 && before >= now
            };
            if before.zip(self.last_check).is_some_and(behind) {
                let name = &check.name;
                found.push(format!(
                    "{gate} {name}: it is not recorded in the order of its gate"
                ));
            }
            if *gate == Gate::G1 && self.pins == 0 && check.name != CheckName::DatabaseCanBeSurveyed
            {
                found.push("G1 is judged before its survey is recorded".to_owned());
            }
        }
        if run.created.is_some() && !belongs(run, event) {
            let (name, state) = (event.name(), run.state);
            found.push(format!(
                "{name} does not belong there: the run is in {state} and needs something else first"
            ));
        }
        found.extend(self.before_its_change(run, event));
        found.extend(details(run, profile, event));
        found
    }

    /// What is founded on a line about the change, and comes before it.
    fn before_its_change(&mut self, run: &RunState, event: &Event) -> Option<String> {
        let first_phase = run.change().and_then(|change| change.of_sg1);
        let needs = match event {
            // That of G2: those for an approval come after its survey.
            Event::ChangeRehearsed(rehearsed)
                if rehearsed.first_phase && run.state == State::Surveyed =>
            {
                let listed = std::mem::replace(&mut self.of_change, event.name());
                return (listed != "copy_listed")
                    .then(|| "change_rehearsed comes before its copy_listed".to_owned());
            }
            Event::ChangeRead(_) | Event::CopyListed(_) | Event::ChangeRehearsed(_) => {
                self.of_change = event.name();
                return None;
            }
            Event::SurveyTaken(_) => {
                self.of_change = "";
                return None;
            }
            Event::GateStarted(GateStarted { gate: Gate::G0 }) => "change_read",
            Event::ContextPinned(_) if first_phase.is_some_and(|files| files > 0) => {
                "change_rehearsed"
            }
            Event::ContextPinned(_) => "copy_listed",
            Event::UnitsProgressed(_) if run.waits_at().is_some() => "change_rehearsed",
            _ => return None,
        };
        let holds = run.change().is_none() || std::mem::take(&mut self.of_change) == needs;
        (!holds).then(|| format!("{} comes before its {needs}", event.name()))
    }

    /// A survey for an approval that was begun before anybody approved.
    fn begun_before_its_decision(&self, run: &RunState, taken: &SurveyTaken) -> Option<String> {
        let open = self.open_at_decision?;
        let nonce = &taken.survey.snapshot.nonce;
        let mut of_survey = run.transactions.iter().filter(|one| one.is_of(nonce));
        let for_approval = matches!(
            taken.purpose,
            SurveyPurpose::ApproveSg1 | SurveyPurpose::ApproveSg2
        );
        (for_approval && of_survey.any(|one| one.id == open)).then(|| {
            "the survey for an approval was begun before the approval was recorded".to_owned()
        })
    }
}

/// Whether a survey differs from the pin, beside the change or in what voids.
fn differs(run: &RunState, taken: &SurveyTaken) -> bool {
    let pin = run
        .pin
        .as_ref()
        .filter(|_| taken.purpose != SurveyPurpose::Pin);
    pin.is_some_and(|pin| !differences(pin, &taken.survey).most_important().is_empty())
}

/// Whether a line does what the run needs now.
fn belongs(run: &RunState, event: &Event) -> bool {
    use Effect as E;
    let needs = next(run);
    let waits = run.waits_at().is_some() || run.state == State::CutSimulated;
    let at_gate = |gate: ApprovalGate| matches!(needs, E::ApplyApproval(now) | E::FinishSteps(now) if now == gate);
    let steps = at_gate(ApprovalGate::SG1) || at_gate(ApprovalGate::SG2);
    // New evidence begins with a new look at the code.
    let renews = |gate: Gate| gate == Gate::G0 && run.renewal.is_some();
    let is_begun = |gate| {
        let gate = run.gates.get(&gate);
        gate.is_some_and(|gate| gate.finished.is_none())
    };
    // G3 alone is open while other gates are judged.
    let another_is_begun = |gate: Gate| {
        let mut others = Gate::ALL
            .into_iter()
            .filter(|one| *one != Gate::G3 && *one != gate);
        others.any(is_begun)
    };
    match event {
        Event::GateStarted(GateStarted { gate }) => {
            let due = gate_of(needs) == Some(*gate) || renews(*gate);
            due && !another_is_begun(*gate)
        }
        Event::GateFinished(GateFinished { gate, .. }) => {
            finishes(needs) == Some(*gate) || renews(*gate)
        }
        Event::CheckRecorded(CheckRecorded { gate, .. }) if *gate == Gate::G3 => {
            let steps_done = [State::Verified, State::EnactSimulated].contains(&run.state);
            steps_done || finishes(needs) == Some(Gate::G3)
        }
        // The proof of the resume is a return of the run itself, before it is judged.
        Event::CheckRecorded(CheckRecorded { gate, .. }) => {
            let fits = finishes(needs) == Some(*gate) && !(*gate == Gate::G4 && run.owes_return);
            fits || renews(*gate)
        }
        // The end of the one before is recorded first, seen or not.
        Event::TransactionOpened(_) if run.transactions.last().is_some_and(is_open) => false,
        Event::TransactionOpened(opened)
            if needs == E::TakePin && opened.purpose == Purpose::Survey =>
        {
            is_begun(Gate::G1)
        }
        Event::TransactionOpened(_) => {
            let prepares = needs == E::Seed && run.change().is_some() && is_begun(Gate::G2);
            let surveys = matches!(needs, E::TakePin | E::RenewEvidence(_) | E::TakePostSurvey);
            waits || steps || prepares || surveys
        }
        Event::SurveyTaken(taken) => match taken.purpose {
            SurveyPurpose::Pin => needs == E::TakePin,
            SurveyPurpose::ApproveSg1 => at_gate(ApprovalGate::SG1),
            SurveyPurpose::ApproveSg2 => at_gate(ApprovalGate::SG2),
            SurveyPurpose::Post => needs == E::TakePostSurvey,
            SurveyPurpose::Again => waits,
        },
        Event::CopyListed(_) | Event::ContextPinned(_) | Event::EffectPredicted(_) => {
            needs == E::Seed
        }
        Event::ChangeRead(_) => needs == E::Precheck || run.renewal.is_some(),
        Event::ChangeRehearsed(rehearsed) => {
            let prepares = rehearsed.first_phase && needs == E::Seed;
            prepares || needs == E::ApplyApproval(rehearsed.gate)
        }
        Event::UnitsProgressed(_) => steps,
        Event::StateChanged(StateChanged { to, .. }) => becomes(run, needs, *to),
        Event::EvidenceTaken(EvidenceTaken { gate, .. }) => {
            [E::TakeEvidence(*gate), E::RenewEvidence(*gate)].contains(&needs)
        }
        Event::StopRaised(stop) => match stop.stop_code {
            StopCode::StopApprovalRequired => matches!(needs, E::TakeEvidence(_)),
            StopCode::StopDatabaseUnavailable => true,
            code => needs == E::RaiseStop(code),
        },
        Event::EvidenceShown(_) => matches!(needs, E::Return | E::AwaitPerson(_)),
        Event::DriftFound(DriftFound { gate: None, .. }) => {
            needs == E::RaiseStop(StopCode::StopFactsDrifted)
        }
        Event::DriftFound(DriftFound { gate: Some(_), .. })
        | Event::EvidenceRenewed(_)
        | Event::LiveRead(_) => waits,
        Event::InvocationReturned(_) => matches!(needs, E::Return | E::ProveResume),
        Event::NonMutationJudged(_) => needs == E::JudgeNonMutation,
        Event::TestsDeclared(_) => needs == E::RunProbes && run.gates.contains_key(&Gate::G5),
        Event::RunSealed(_) => needs == E::ReportAndSeal,
        // A stop is complete in the journal before its hook runs, but for the loss of the database.
        Event::HookStarted(_) => {
            let last = run.stops.last().map(|raised| raised.stop.stop_code);
            last == Some(StopCode::StopDatabaseUnavailable)
                || !matches!(needs, E::Return | E::RaiseStop(_))
        }
        Event::RunCreated(_)
        | Event::RunResumed(_)
        | Event::ProgramReplaced(_)
        | Event::RepositoryMoved(_)
        | Event::ChangeMoved(_)
        | Event::TornTailSetAside(_)
        | Event::TransactionClosed(_)
        | Event::TransactionUnseen(_)
        | Event::ApprovalRecorded(_)
        | Event::ApprovalRefused(_)
        | Event::StatementsRecorded(_)
        | Event::ChangesAttributed(_)
        | Event::HookRan(_) => true,
    }
}

fn is_open(transaction: &Transaction) -> bool {
    transaction.end == TransactionEnd::Open
}

/// The gate that is begun for an effect.
fn gate_of(needs: Effect) -> Option<Gate> {
    match needs {
        Effect::TakeEvidence(ApprovalGate::SG1) => Some(Gate::G3),
        Effect::FinishOrchestration => None,
        other => finishes(other),
    }
}

/// The gate whose checks are recorded for an effect.
fn finishes(needs: Effect) -> Option<Gate> {
    match needs {
        Effect::Precheck => Some(Gate::G0),
        Effect::TakePin => Some(Gate::G1),
        Effect::Seed => Some(Gate::G2),
        Effect::FinishOrchestration => Some(Gate::G3),
        Effect::ProveResume => Some(Gate::G4),
        Effect::RunProbes => Some(Gate::G5),
        Effect::ReportAndSeal => Some(Gate::G6),
        _ => None,
    }
}

fn becomes(run: &RunState, needs: Effect, to: State) -> bool {
    use Effect as E;
    match to {
        State::Created => false,
        State::Prechecked => needs == E::Precheck,
        State::Surveyed => needs == E::TakePin,
        State::Seeded => needs == E::Seed,
        State::AwaitingCutAuthorization => needs == E::TakeEvidence(ApprovalGate::SG1),
        State::AwaitingLifecycleAuthorization => needs == E::TakeEvidence(ApprovalGate::SG2),
        State::CutSimulated => needs == E::ApplyApproval(ApprovalGate::SG1),
        State::Verified => {
            let is_verify = |done: &&crate::run::StepDone| done.step.name() == "verify";
            let verified = run.steps.iter().find(is_verify);
            let done = verified.is_some() || !run.simulates();
            needs == E::FinishSteps(ApprovalGate::SG1) && done
        }
        State::EnactSimulated => needs == E::ApplyApproval(ApprovalGate::SG2),
        State::PostSurveyed => needs == E::TakePostSurvey,
        State::CloseoutReported => needs == E::JudgeNonMutation,
        State::Rejected => matches!(needs, E::Reject(_)),
        State::Failed => matches!(
            needs,
            E::Precheck
                | E::TakePin
                | E::Seed
                | E::ApplyApproval(_)
                | E::FinishSteps(_)
                | E::TakePostSurvey
        ),
    }
}

/// What a line says beside its kind of what the run needs.
fn details(run: &RunState, profile: Option<&Profile>, event: &Event) -> Option<String> {
    let (holds, what) = match event {
        Event::InvocationReturned(InvocationReturned { stop_code, .. }) => (
            *stop_code == run.stop_code(),
            "the run does not stand at the stop that it came back with",
        ),
        Event::DriftFound(DriftFound { gate, nonce, .. }) => {
            let latest = run
                .latest
                .as_ref()
                .map(|(_, latest)| &latest.snapshot.nonce);
            let at = run
                .waits_at()
                .or(Some(ApprovalGate::SG1))
                .filter(|_| gate.is_some());
            (
                latest == Some(nonce) && *gate == at,
                "the drift is not of the last survey, or of another gate",
            )
        }
        Event::EvidenceRenewed(EvidenceRenewed { gate, reason }) => {
            let drifted = run.drift.is_some();
            let of = run.evidence.as_ref().map(|evidence| evidence.gate);
            (
                of == Some(*gate) && drifted == (*reason == RenewalReason::Drift),
                "there is another reason to renew the evidence, or that of another gate",
            )
        }
        Event::HookStarted(HookStarted {
            hook,
            stop,
            program,
        }) => {
            let due = due_hook(run) == Some((*hook, *stop));
            let named = profile.is_none_or(|profile| program_of(profile, *hook) == Some(program));
            (
                due && named,
                "the profile names no such hook for the last stop",
            )
        }
        Event::StatementsRecorded(recorded) => (
            !run.statements.contains(&recorded.blob),
            "these statements are recorded already",
        ),
        _ => return None,
    };
    (!holds).then(|| what.to_owned())
}

fn program_of(profile: &Profile, hook: HookPoint) -> Option<&String> {
    let hooks = &profile.hooks;
    let words = match hook {
        HookPoint::OnWait => &hooks.on_wait,
        HookPoint::OnStop => &hooks.on_stop,
        HookPoint::OnEnd => &hooks.on_end,
    };
    words.as_ref()?.first()
}

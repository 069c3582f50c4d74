//! `LiveDryRunDiscoverer`: seeds the simulator from what `LiveReadOnlyDiscoverer` streams.
//! Invariant: a transaction is journalled before its BEGIN is sent (`Witness::opening`). Units are decided and written to the
//! ledgers batch by batch (`decide`), so memory does not grow with their number.

use std::collections::BTreeSet;

use super::RunnerError;
use super::recorder::RunRecorder;
use super::target::{
    Progress, Purpose, RehearsalAnswer, RehearsalRequest, RemainingBudget, SurveyRequest, Taken,
    Target, TargetError, Unavailable, Witness, WitnessError,
};
use crate::audit;
use crate::journal::UnitLedger;
use crate::run::{
    ApprovalGate, Event, StatementsRecorded, TransactionClosed, TransactionEnd, TransactionOpened,
    TransactionUnseen,
};
use crate::simulate::{
    Joiner, Lifecycle, Piece, SimulatedStep, Simulation, Unit, UnitDecision, Want,
};
use crate::survey::{Digest, ServerIdentity, TransactionProof};

/// Feeds the simulator while a target is read, and records each transaction.
pub struct LiveDryRunDiscoverer<'a> {
    recorder: &'a mut RunRecorder,
    lifecycle: Option<&'a Lifecycle>,
    gate: Option<ApprovalGate>,
    joiner: Joiner,
    simulation: Simulation,
    ledgers: Vec<(SimulatedStep, UnitLedger)>,
    failure: Option<RunnerError>,
}

/// What one read of a target brought, simulated.
pub struct Discovered {
    /// The survey and its documents.
    pub taken: Taken,
    /// What the simulator makes of the streams; none where the profile names no units.
    pub simulation: Option<Simulation>,
    /// The ledgers of the steps that were asked for, not yet under their final names: the ledgers of an earlier attempt stay
    /// until it is certain that there is no drift.
    pub ledgers: Vec<(SimulatedStep, UnitLedger)>,
}

/// Reads a target once; the steps behind `gate` write their ledgers.
pub async fn discover<T: Target>(
    target: &mut T,
    recorder: &mut RunRecorder,
    lifecycle: Option<&Lifecycle>,
    ask: SurveyRequest,
    gate: Option<ApprovalGate>,
) -> Result<Discovered, RunnerError> {
    // Before any connection is made: a run whose budget is spent may not cost the server anything more.
    if let Some(account) = recorder.run().allowance().exhausted() {
        return Err(TargetError::from(Unavailable::over_run(&account)).into());
    }
    target.pin_runs(audit::pinned_runs(recorder.run()));
    let mut discoverer = LiveDryRunDiscoverer {
        recorder,
        lifecycle,
        gate,
        joiner: Joiner::new(),
        simulation: Simulation::default(),
        ledgers: Vec::new(),
        failure: None,
    };
    let taken = target.take(ask, &mut discoverer).await;
    let found = discoverer.finish(taken, ask);
    // Statements reached the server also in a read that failed, so the audit must know them. After an error of the journal
    // nothing more may be written.
    if matches!(
        found,
        Ok(_) | Err(RunnerError::Target(_) | RunnerError::OtherServer(_))
    ) {
        note_statements(recorder, &target.statements())?;
    }
    found
}

/// Rehearses a change once; its transaction is recorded as that of a survey is.
pub(super) async fn rehearse<T: Target>(
    target: &mut T,
    recorder: &mut RunRecorder,
    ask: RehearsalRequest,
) -> Result<RehearsalAnswer, RunnerError> {
    if let Some(account) = recorder.run().allowance().exhausted() {
        return Err(TargetError::from(Unavailable::over_run(&account)).into());
    }
    let mut discoverer = LiveDryRunDiscoverer {
        recorder,
        lifecycle: None,
        gate: None,
        joiner: Joiner::new(),
        simulation: Simulation::default(),
        ledgers: Vec::new(),
        failure: None,
    };
    let answer = target.rehearse(ask, &mut discoverer).await;
    let found = discoverer.ended(answer);
    if matches!(
        found,
        Ok(_) | Err(RunnerError::Target(_) | RunnerError::OtherServer(_))
    ) {
        note_statements(recorder, &target.statements())?;
    }
    found
}

/// Records what this process has sent, once for each text that is new to the run: the audit is about every process of a run.
fn note_statements(recorder: &mut RunRecorder, sent: &[String]) -> Result<(), RunnerError> {
    let bytes = crate::journal::to_ascii_json(&sent)?;
    let blob = Digest::of(&bytes);
    if sent.is_empty() || recorder.run().statements.contains(&blob) {
        return Ok(());
    }
    let blob = recorder.keep(&bytes)?;
    let statements = sent.len() as u64;
    recorder.record(Event::StatementsRecorded(StatementsRecorded {
        blob,
        statements,
    }))?;
    Ok(())
}

impl LiveDryRunDiscoverer<'_> {
    fn finish(
        mut self,
        taken: Result<Taken, TargetError>,
        ask: SurveyRequest,
    ) -> Result<Discovered, RunnerError> {
        let mut taken = self.ended(taken)?;
        taken.shorten_role();
        // A digest of a stream that was not read to its end would be a wrong one; without it the claim is NOT CHECKED.
        if ask.streams && self.lifecycle.is_some() && taken.survey.unread.is_empty() {
            taken.survey.pieces = Some(self.joiner.pieces_digest());
            taken.survey.candidates = Some(self.joiner.units_digest());
        }
        Ok(Discovered {
            taken,
            simulation: self.lifecycle.map(|_| self.simulation),
            ledgers: self.ledgers,
        })
    }

    /// What the target answered, once the end of its transaction is recorded, seen or not.
    fn ended<A>(&mut self, answer: Result<A, TargetError>) -> Result<A, RunnerError> {
        // The target got a `WitnessError` with the text alone; the typed error that caused it is kept here and takes
        // precedence.
        if let Some(failure) = self.failure.take() {
            if matches!(failure, RunnerError::OtherServer(_)) {
                self.note_unseen("another server was reached, and its end was not seen")?;
            }
            return Err(failure);
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.note_unseen(&error.to_string())?;
                return Err(error.into());
            }
        };
        self.note_unseen("the target returned without closing it")?;
        Ok(answer)
    }

    /// Forgets what an earlier try of the same read streamed, and opens new ledgers.
    fn begin_streams(&mut self) -> Result<(), RunnerError> {
        let round = self.recorder.run().round();
        self.joiner = Joiner::new();
        self.simulation = Simulation::default();
        self.ledgers.clear();
        let gate = self.gate.filter(|_| self.lifecycle.is_some());
        for (step, _) in gate.map_or(&[][..], ApprovalGate::steps) {
            let ledger = self.recorder.directory().unit_ledger(round, step.name())?;
            self.ledgers.push((*step, ledger));
        }
        Ok(())
    }

    /// Records a transaction whose end was not seen: without its proof nothing may be claimed about it.
    fn note_unseen(&mut self, reason: &str) -> Result<(), RunnerError> {
        if let Some(id) = open_transaction(self.recorder) {
            self.recorder
                .record(Event::TransactionUnseen(TransactionUnseen {
                    id,
                    reason: reason.to_owned(),
                }))?;
        }
        Ok(())
    }

    fn keep(&mut self, outcome: Result<(), RunnerError>) -> Result<(), WitnessError> {
        outcome.map_err(|error| {
            let message = error.to_string();
            self.failure = Some(error);
            WitnessError { message }
        })
    }

    fn decide(&mut self) -> Result<(), RunnerError> {
        let Some(lifecycle) = self.lifecycle else {
            return Ok(());
        };
        while let Some(pairing) = self.joiner.next_pairing() {
            let decision = UnitDecision::of(&pairing, lifecycle);
            self.simulation.add(&decision);
            for (_, ledger) in &mut self.ledgers {
                ledger.push(&decision)?;
            }
        }
        Ok(())
    }
}

/// The transaction that is open by the journal.
pub(super) fn open_transaction(recorder: &RunRecorder) -> Option<u64> {
    let last = recorder.run().transactions.last()?;
    (last.end == TransactionEnd::Open).then_some(last.id)
}

impl Witness for LiveDryRunDiscoverer<'_> {
    fn opening(&mut self, purpose: Purpose, nonce: &str) -> Result<(), WitnessError> {
        let outcome = self
            .note_unseen("another transaction was opened before its end was seen")
            .and_then(|()| self.begin_streams())
            .and_then(|()| {
                let id = self.recorder.run().transactions.last().map_or(0, |t| t.id) + 1;
                let nonce = nonce.to_owned();
                self.recorder
                    .record(Event::TransactionOpened(TransactionOpened {
                        id,
                        purpose,
                        nonce,
                    }))
            });
        self.keep(outcome.map(|_| ()))
    }

    fn reached(&mut self, server: &ServerIdentity) -> Result<(), WitnessError> {
        let pin = self.recorder.run().pin.as_ref();
        let outcome = match pin.and_then(|pin| pin.server.unlike(server)) {
            Some(unlike) => Err(RunnerError::OtherServer(unlike)),
            None if self.recorder.is_kept_on(server) => Err(RunnerError::StoreIsTarget),
            None => Ok(()),
        };
        self.keep(outcome)
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        let Some(id) = open_transaction(self.recorder) else {
            return Err(WitnessError {
                message: "a transaction was closed that was not opened".to_owned(),
            });
        };
        let proof = proof.clone().into();
        let outcome = self
            .recorder
            .record(Event::TransactionClosed(TransactionClosed { id, proof }));
        self.keep(outcome.map(|_| ()))
    }

    fn kept_documents(&self) -> BTreeSet<Digest> {
        let pin = self.recorder.run().pin.as_ref();
        pin.map(|pin| pin.documents()).unwrap_or_default()
    }

    fn allowance(&self) -> RemainingBudget {
        self.recorder.run().allowance()
    }

    fn wants(&mut self) -> Want {
        self.joiner.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.joiner
            .add_pieces(batch)
            .map_err(|error| WitnessError {
                message: error.to_string(),
            })?;
        let outcome = self.decide();
        self.keep(outcome)
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.joiner.add_units(batch).map_err(|error| WitnessError {
            message: error.to_string(),
        })?;
        let outcome = self.decide();
        self.keep(outcome)
    }

    fn progress(&mut self, progress: Progress) {
        self.recorder.progress(progress);
    }
}

//! Who looks on while a survey is taken outside a run. Invariant: of the streams only digests are kept, and each pairing is shown once.

use super::LaunchError;
use crate::postgres::LiveReadOnlyDiscoverer;
use crate::runner::RunnerError;
use crate::runner::target::{
    Progress, Purpose, SurveyRequest, Taken, Target, Witness, WitnessError,
};
use crate::simulate::{Joiner, Pairing, Piece, StreamError, Unit, Want};
use crate::survey::TransactionProof;

/// Keeps the proof of the one transaction, digests the streams, and shows what is paired in them.
pub(super) struct SurveyWitness<F> {
    joiner: Joiner,
    proof: Option<TransactionProof>,
    shown: F,
}

impl<F: FnMut(&Pairing)> SurveyWitness<F> {
    /// `shown` is told of each pairing of the streams.
    pub(super) fn new(shown: F) -> Self {
        Self {
            joiner: Joiner::new(),
            proof: None,
            shown,
        }
    }

    /// One survey with the digests of its streams, if they are asked for, and the proof of its transaction.
    pub(super) fn look(
        mut self,
        target: &mut LiveReadOnlyDiscoverer,
        ask: SurveyRequest,
    ) -> Result<(Taken, Option<TransactionProof>), LaunchError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RunnerError::from)?;
        let streams = ask.streams;
        let mut taken = runtime
            .block_on(target.take(ask, &mut self))
            .map_err(RunnerError::from)?;
        self.pair();
        if streams && taken.survey.unread.is_empty() {
            taken.survey.pieces = Some(self.joiner.pieces_digest());
            taken.survey.candidates = Some(self.joiner.units_digest());
        }
        Ok((taken, self.proof))
    }

    fn pair(&mut self) {
        while let Some(pairing) = self.joiner.next_pairing() {
            (self.shown)(&pairing);
        }
    }
}

fn witness_error(error: &StreamError) -> WitnessError {
    WitnessError {
        message: error.to_string(),
    }
}

impl<F: FnMut(&Pairing)> Witness for SurveyWitness<F> {
    fn opening(&mut self, _: Purpose, _: &str) -> Result<(), WitnessError> {
        Ok(())
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.proof = Some(proof.clone());
        Ok(())
    }

    fn wants(&mut self) -> Want {
        self.pair();
        self.joiner.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.joiner
            .add_pieces(batch)
            .map_err(|error| witness_error(&error))
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.joiner
            .add_units(batch)
            .map_err(|error| witness_error(&error))
    }

    fn progress(&mut self, _: Progress) {}
}

//! Raises the stop that a run has reached; `RunState::stop_of` has its sentences.

use super::RunnerError;
use super::driver::Driver;
use super::repository::Repository;
use super::target::Target;
use crate::run::{DriftFound, Event, StopCode};

impl<T: Target, R: Repository> Driver<T, R> {
    /// Raises the stop that is owed, with its sentences.
    pub(super) fn raise_stop(&mut self, stop_code: StopCode) -> Result<(), RunnerError> {
        self.record_closing_drift(stop_code)?;
        let recorder = self.recorder()?;
        let stop = recorder
            .run()
            .stop_of(stop_code)
            .ok_or(RunnerError::Missing("words for this stop"))?;
        recorder.record(Event::StopRaised(stop))?;
        self.write_sidecar()
    }

    /// Drift that the closing judgement found is recorded before its stop.
    fn record_closing_drift(&mut self, stop_code: StopCode) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        let run = recorder.run();
        let closing = stop_code == StopCode::StopFactsDrifted && run.state.is_final();
        if !closing || run.drift.is_some() {
            return Ok(());
        }
        let drift = run
            .non_mutation
            .as_ref()
            .map(|judged| judged.changes.clone());
        let nonce = run.post.as_ref().map(|post| post.snapshot.nonce.clone());
        recorder.record(Event::DriftFound(DriftFound {
            gate: None,
            drift: drift.unwrap_or_default(),
            nonce: nonce.unwrap_or_default(),
        }))?;
        Ok(())
    }
}

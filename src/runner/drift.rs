//! Recording full surveys, and drift: which facts differ from the pin when it matters, with the rows behind them.

use std::sync::Arc;

use super::RunnerError;
use super::discoverer::Discovered;
use super::recorder::RunRecorder;
use crate::run::{ApprovalGate, DriftFound, Event, SurveyPurpose, SurveyTaken};
use crate::survey::{Attribution, Digest, FactChange, Survey, SurveyChanges, changes_with_rows};

/// Records a full survey, whatever it was taken for: the documents that the pin does not have, the survey, and what is visible
/// of who made it differ from the pin. Gives what differs and voids an approval.
pub(super) fn record_survey(
    recorder: &mut RunRecorder,
    purpose: SurveyPurpose,
    found: &mut Discovered,
) -> Result<Vec<FactChange>, RunnerError> {
    let pin = recorder.run().pin.clone();
    let pinned = pin.as_ref().map(|pin| pin.documents()).unwrap_or_default();
    // From here on they are read from the blobs, one fact at a time: all of them together are long.
    for document in std::mem::take(&mut found.taken.documents) {
        // Blobs are named by their digest: what the pin kept is there already, and most documents are unchanged.
        if !pinned.contains(&document.reference().sha256) {
            recorder.keep(document.text().as_bytes())?;
        }
    }
    let survey = &found.taken.survey;
    // What was pinned before is another question once this survey is the pin.
    let pin = pin.filter(|_| purpose != SurveyPurpose::Pin);
    let differing = pin
        .as_ref()
        .map_or_else(SurveyChanges::default, |pin| changes(recorder, pin, survey));
    recorder.record(Event::SurveyTaken(SurveyTaken {
        purpose,
        survey: Arc::new(survey.clone()),
        simulation: found.simulation.clone().map(Arc::new),
        beside: differing.beside.clone(),
    }))?;
    let told = differing.most_important();
    if let Some(pin) = pin
        && !told.is_empty()
    {
        let attribution = Attribution::of(&pin, survey, told, &found.taken.origins);
        recorder.record(Event::ChangesAttributed(Box::new(attribution)))?;
    }
    Ok(differing.voids)
}

/// What differs between the pin and `found`, with rows where both documents are kept.
pub(super) fn changes(recorder: &RunRecorder, pin: &Survey, found: &Survey) -> SurveyChanges {
    let kept = |digest: &Digest| recorder.open_document(digest);
    changes_with_rows(pin, found, &kept, &kept)
}

/// Records what differs as drift, if anything does; its stop is raised next. `nonce`: of the recorded survey that shows it.
/// `true`: there is drift.
pub(super) fn record(
    recorder: &mut RunRecorder,
    gate: Option<ApprovalGate>,
    drift: Vec<FactChange>,
    nonce: &str,
) -> Result<bool, RunnerError> {
    // Drift is recorded once until its stop is answered, also where a crash came after the record.
    if drift.is_empty() || recorder.run().drift.is_some() {
        return Ok(!drift.is_empty());
    }
    recorder.record(Event::DriftFound(DriftFound {
        gate,
        drift,
        nonce: nonce.to_owned(),
    }))?;
    Ok(true)
}

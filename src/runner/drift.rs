//! Recording full surveys, and drift: which facts differ from the pin when it matters, with the rows behind them. A sentence
//! names at most three rows of a fact and counts the rest (`name`).

use std::sync::Arc;

use super::RunnerError;
use super::discoverer::Discovered;
use super::recorder::RunRecorder;
use crate::run::{ApprovalGate, DriftFound, Event, RunState, SurveyPurpose, SurveyTaken};
use crate::survey::{
    Attribution, Digest, FactChange, FactDocument, Survey, SurveyChanges, changes_with_rows,
};

/// Records a full survey, whatever it was taken for: the documents that the pin does not have, the survey, and what is visible
/// of who made it differ from the pin. Gives what differs and voids an approval.
pub(super) fn record_survey(
    recorder: &mut RunRecorder,
    purpose: SurveyPurpose,
    found: &Discovered,
) -> Result<Vec<FactChange>, RunnerError> {
    let survey = &found.taken.survey;
    let pin = recorder.run().pin.clone();
    let pinned = |sha256: &Digest| {
        let mut facts = pin.iter().flat_map(|pin| &pin.facts);
        facts.any(|fact| fact.document.as_ref().is_some_and(|d| d.sha256 == *sha256))
    };
    for document in &found.taken.documents {
        // Blobs are named by their digest: what the pin kept is there already, and most documents are unchanged.
        if !pinned(&document.reference().sha256) {
            recorder.keep(document.text.as_bytes())?;
        }
    }
    // What was pinned before is another question once this survey is the pin.
    let pin = pin.filter(|_| purpose != SurveyPurpose::Pin);
    let differing = pin.as_ref().map_or_else(SurveyChanges::default, |pin| {
        changes(recorder, pin, survey, &found.taken.documents)
    });
    recorder.record(Event::SurveyTaken(SurveyTaken {
        purpose,
        survey: Arc::new(survey.clone()),
        simulation: Arc::new(found.simulation.clone()),
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

/// What differs between the pin and `found`, with rows where both documents are at hand.
pub(super) fn changes(
    recorder: &RunRecorder,
    pin: &Survey,
    found: &Survey,
    documents: &[FactDocument],
) -> SurveyChanges {
    let then = |digest: &Digest| recorder.document(digest);
    changes_with_rows(pin, found, &then, documents)
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

/// `2 facts differ from what was approved: icx_draft 60 -> 59; unit_version: ICX-CONST-0017/1.`
pub(super) fn sentence(run: &RunState, drift: &[FactChange]) -> String {
    let named: Vec<String> = drift.iter().map(name).collect();
    let facts = if drift.len() == 1 {
        "fact differs"
    } else {
        "facts differ"
    };
    let more = |words: Option<String>, end: &str| {
        words.map_or_else(String::new, |words| format!(" {words}{end}"))
    };
    format!(
        "{} {facts} from the pin: {}.{}{}",
        drift.len(),
        named.join("; "),
        more(run.beside_words(), "."),
        more(by_whom(run), "")
    )
}

/// `By transaction 812, between 02:15:23 and 02:16:01 UTC.`: as far as it is visible in a survey.
fn by_whom(run: &RunState) -> Option<String> {
    let attribution = run.attribution.as_ref()?;
    let (_, latest) = run.latest.as_ref()?;
    // The attribution is of another survey than the one that shows this drift: it would name the wrong transactions.
    if attribution.nonce != latest.snapshot.nonce {
        return None;
    }
    let named = attribution.transactions();
    let by = match named.as_slice() {
        [] => "By a transaction that is not visible".to_owned(),
        [one] => format!("By transaction {one}"),
        more => format!("By transactions {}", more.join(", ")),
    };
    let (from, to) = (&attribution.after_time, &attribution.before_time);
    Some(format!(
        "{by}, between {} and {} UTC.",
        from.clock(),
        to.clock()
    ))
}

fn name(change: &FactChange) -> String {
    let short = |value: &Option<String>| match value {
        // Long values are digests: the first 8 and the last 4 characters are enough in a sentence.
        Some(value) if value.len() >= 32 => format!(
            "{}..{}",
            &value[..value.floor_char_boundary(8)],
            &value[value.ceil_char_boundary(value.len() - 4)..]
        ),
        Some(value) => value.clone(),
        None => "unknown".to_owned(),
    };
    let found = match &change.reason {
        Some(reason) => format!("unknown ({reason})"),
        None => short(&change.found),
    };
    let values = format!("{} {} -> {found}", change.key, short(&change.approved));
    let rows: Vec<&str> = change
        .rows
        .iter()
        .take(3)
        .map(|row| row.key.as_str())
        .collect();
    match (rows.is_empty(), change.rows.len().saturating_sub(3)) {
        (true, _) => values,
        (false, 0) => format!("{values} ({})", rows.join(", ")),
        (false, more) => format!("{values} ({} and {more} more)", rows.join(", ")),
    }
}

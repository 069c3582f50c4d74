//! What a fresh process does on a copy of a run at closeout (G4): folds it, resumes it, returns.
//! Invariant: only the copy is written (`RunCopy::open`).

use std::sync::Arc;

use super::RunnerError;
use super::clock::Clock;
use super::closeout::record_return;
use super::recorder::{RunRecorder, fold_with};
use crate::audit::{FreshFold, ResumeResult};
use crate::journal::{JournalError, JournalReader, Ledgers, RunCopy, RunDirectory, Storage};
use crate::run::{Effect, Event, History, Invocation, Person, RunId, RunState, ToolIdentity, next};
use crate::survey::Digest;

/// Resumes the copy of a run, as `drygate resume` takes up the run itself, up to its return to a person.
pub fn resume_copy(
    storage: &Arc<dyn Storage>,
    run_id: &RunId,
    by: Person,
    tool: ToolIdentity,
    clock: Arc<dyn Clock>,
) -> Result<FreshFold, RunnerError> {
    let directory = RunCopy::open(storage.clone(), run_id)?;
    let (history, before) = folded_from(&directory.reader())?;
    let folded = history.run().clone();
    let damaged = damaged(&directory, &folded)?;
    let boot_id = clock.boot_id();
    let mut recorder = RunRecorder::new(directory, history, clock, Box::new(|_| ()));
    recorder.record(Event::RunResumed(Box::new(Invocation {
        by,
        boot_id,
        tool,
    })))?;
    // The driver's loop, as far as it needs no database: a return is owed, or the proof of G4 owes it.
    while matches!(next(recorder.run()), Effect::Return | Effect::ProveResume)
        && recorder.run().owes_return
    {
        record_return(&mut recorder)?;
    }
    let (after, transitions) = folded_from(&recorder.reader())?;
    let run = after.run();
    let (state, stop_code) = run
        .returns
        .last()
        .map_or((run.state, None), |(state, code, _)| (*state, *code));
    let resumed = ResumeResult {
        state,
        stop_code,
        transitions_added: transitions.saturating_sub(before),
    };
    Ok(FreshFold {
        next: format!("{:?}", next(run)),
        ..FreshFold::of(&folded, damaged, resumed)
    })
}

/// The fold of the journal on the disk, and how many transitions are in it.
fn folded_from(reader: &JournalReader) -> Result<(History, u64), RunnerError> {
    let mut transitions = 0;
    let history = fold_with(reader, &mut |entry| {
        transitions += u64::from(matches!(entry.event, Event::StateChanged(_)));
    })?;
    Ok((history, transitions))
}

/// The blobs and ledgers of a run that are missing or are not what the journal names, as they are read from the disk.
fn damaged(directory: &RunDirectory, run: &RunState) -> Result<Vec<String>, RunnerError> {
    let blobs = directory.blobs();
    let listed = blobs.list().map_err(JournalError::from)?;
    let mut found: Vec<String> = Vec::new();
    for blob in named_blobs(run).into_iter().chain(listed) {
        if let Err(error) = blobs.check(&blob) {
            found.push(error.to_string());
        }
    }
    let ledgers: Ledgers = directory.ledgers();
    for step in &run.steps {
        if let Err(error) = ledgers.check(&step.ledger.file, &step.ledger.sha256) {
            found.push(error.to_string());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The blobs that the folded run still names.
fn named_blobs(run: &RunState) -> Vec<Digest> {
    let surveys = [&run.pin, &run.post].into_iter().flatten();
    let documents = surveys
        .flat_map(|survey| &survey.facts)
        .filter_map(|fact| fact.document.as_ref())
        .map(|document| document.sha256.clone());
    let evidence = run.evidence.iter().map(|evidence| evidence.digest.clone());
    let earlier = run
        .earlier_evidence
        .iter()
        .map(|(_, digest)| digest.clone());
    let profile = run
        .created
        .iter()
        .map(|created| created.profile_sha256.clone());
    documents
        .chain(evidence)
        .chain(earlier)
        .chain(profile)
        .chain(run.statements.iter().cloned())
        .collect()
}

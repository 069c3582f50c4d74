//! What `verify` looks at in the directory of a run: files, chain, and every verdict computed again.
//! Invariant: nothing of the run is written, and one finding does not hide another (`inspect`).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::{LaunchError, review};
use crate::audit;
use crate::journal::{
    Blobs, HookRecords, JournalEntry, JournalError, JournalReader, Reviews, Storage, verify_files,
};
use crate::profile::{self, Profile};
use crate::report::{self, FullDiscoverLine, ReportInput};
use crate::run::{Event, RunState};
use crate::runner::{context, side_files_of};
use crate::survey::Digest;
use crate::tui::diff_view::NoteShown;

/// What was found and what could not be looked at.
#[derive(Default)]
pub(super) struct VerifyResult {
    /// What does not hold, a sentence each.
    pub findings: Vec<String>,
    /// What could not be looked at, a sentence each.
    pub not_checked: Vec<String>,
    /// The checks that were judged by the values that they recorded themselves.
    pub by_own_values: Vec<String>,
    /// Records of the journal.
    pub records: u64,
    /// Blobs that have their digest.
    pub blobs: u64,
    /// Whether there is a manifest.
    pub sealed: bool,
    /// The run; empty where its journal does not begin.
    pub run_id: String,
    /// Notes of reviewers.
    pub notes: Vec<NoteShown>,
}

/// Looks at everything; what two looks found alike is said once.
pub(super) fn inspect(storage: &Arc<dyn Storage>, run: &Path) -> Result<VerifyResult, LaunchError> {
    let mut found = look(storage, run)?;
    let mut said = BTreeSet::new();
    found
        .findings
        .retain(|finding| said.insert(finding.clone()));
    Ok(found)
}

fn look(storage: &Arc<dyn Storage>, run: &Path) -> Result<VerifyResult, LaunchError> {
    let files = verify_files(storage, run)?;
    let mut found = VerifyResult {
        findings: files.findings.iter().map(ToString::to_string).collect(),
        blobs: files.blobs,
        sealed: files.manifest,
        ..VerifyResult::default()
    };
    match review::notes(&Reviews::new(storage.clone(), run)) {
        Ok(notes) => noted(&mut found, notes),
        Err(JournalError::Corrupt(corrupt)) => found.findings.push(corrupt.to_string()),
        Err(error) => return Err(error.into()),
    }
    match HookRecords::new(storage.clone(), run).read() {
        Ok(_) => {}
        Err(JournalError::Corrupt(corrupt)) => found.findings.push(corrupt.to_string()),
        Err(error) => return Err(error.into()),
    }
    // Without a journal there is nothing that the other files could be compared with.
    if files.journal.is_none() {
        return Ok(found);
    }
    let entries = match JournalReader::new(storage.clone(), run).entries::<Event>() {
        Ok(entries) => entries,
        Err(JournalError::Corrupt(corrupt)) => {
            found.findings.push(corrupt.to_string());
            return Ok(found);
        }
        Err(other) => return Err(other.into()),
    };
    found.records = entries.len() as u64;
    let blobs = Blobs::new(storage.clone(), run);
    recompute(&mut found, storage, run, &entries, &blobs)?;
    Ok(found)
}

/// Notes that chain. One that saw a head which the journal does not have speaks against one of the two.
fn noted(found: &mut VerifyResult, notes: Vec<NoteShown>) {
    for (nth, note) in notes.iter().enumerate() {
        if let Some(since) = note.since.as_ref().filter(|_| note.is_foreign) {
            let line = nth + 1;
            found
                .findings
                .push(format!("reviews.jsonl, line {line}: {since}"));
        }
    }
    found.notes = notes;
}

fn recompute(
    found: &mut VerifyResult,
    storage: &Arc<dyn Storage>,
    run_directory: &Path,
    entries: &[JournalEntry<Event>],
    blobs: &Blobs,
) -> Result<(), LaunchError> {
    let document = |digest: &Digest| String::from_utf8(blobs.get(digest).ok()?).ok();
    let profile = profile_of(entries, &document);
    let events = entries
        .iter()
        .map(|entry| (entry.seq, entry.at, &entry.event, &entry.sha256));
    let recomputed = audit::recompute(profile.as_ref(), events);
    let line = |finding: &audit::RecomputeFinding| {
        format!("journal.jsonl, line {}: {}", finding.seq + 1, finding.what)
    };
    found.findings.extend(recomputed.findings.iter().map(line));
    let events = entries.iter().map(|entry| (entry.seq, &entry.event));
    let of_documents = audit::document_findings(profile.as_ref(), events, &document);
    found.findings.extend(of_documents.iter().map(line));
    if !recomputed.is_legal {
        return Ok(());
    }
    let run = recomputed.history.into_run();
    found.run_id = run.run_id().map_or_else(String::new, ToString::to_string);
    found.by_own_values = audit::judged_by_own_values(&run);
    statements(found, &run, blobs);
    ledgers(found, storage, run_directory, &run)?;
    match (&profile, &run.sealed) {
        (Some(profile), Some(_)) => {
            reports(found, storage, run_directory, &run, profile, &document)?;
        }
        (None, _) => found.not_checked.push(
            "the profile of the run does not parse: checks of G0 to G3, predictions and reports"
                .to_owned(),
        ),
        (Some(_), None) => {}
    }
    Ok(())
}

fn profile_of(
    entries: &[JournalEntry<Event>],
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Option<Profile> {
    let created = entries.iter().find_map(|entry| match &entry.event {
        Event::RunCreated(created) => Some(created),
        _ => None,
    })?;
    profile::parse_recorded(
        "the profile of the run",
        &document(&created.profile_sha256)?,
    )
    .ok()
}

/// The record of every statement that was sent; other documents are named by what stands in them.
fn statements(found: &mut VerifyResult, run: &RunState, blobs: &Blobs) {
    for digest in &run.statements {
        if let Err(error) = blobs.check(digest) {
            found.findings.push(format!("{error} (the statements)"));
        }
    }
}

/// The unit ledgers as `units_progressed` recorded them.
fn ledgers(
    found: &mut VerifyResult,
    storage: &Arc<dyn Storage>,
    run_directory: &Path,
    run: &RunState,
) -> Result<(), LaunchError> {
    for step in &run.steps {
        let path = run_directory.join(&step.ledger.file);
        let bytes = storage.read(&path).map_err(JournalError::from)?;
        let recorded = bytes.filter(|bytes| {
            bytes.len() as u64 == step.ledger.bytes && Digest::of(bytes) == step.ledger.sha256
        });
        let finding = match recorded.as_deref().map(str::from_utf8) {
            Some(Ok(text)) => audit::ledger_finding(text.lines(), &step.counts),
            _ => Some("is not what units_progressed recorded".to_owned()),
        };
        if let Some(finding) = finding {
            found
                .findings
                .push(format!("{}: {finding}", step.ledger.file));
        }
    }
    Ok(())
}

/// The reports, rendered again byte for byte.
fn reports(
    found: &mut VerifyResult,
    storage: &Arc<dyn Storage>,
    run_directory: &Path,
    run: &RunState,
    profile: &Profile,
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Result<(), LaunchError> {
    if run.template_version != Some(report::TEMPLATE_VERSION) {
        found.not_checked.push(format!(
            "reports: rendered with template version {:?}, this drygate has {}",
            run.template_version,
            report::TEMPLATE_VERSION
        ));
        return Ok(());
    }
    let input = ReportInput {
        run,
        profile,
        blobs: document,
        full_discover: FullDiscoverLine::recorded(run),
    };
    let rendered = match report::render(&input) {
        Ok(rendered) => rendered,
        Err(error) => {
            found.findings.push(format!("kb/: {error}"));
            return Ok(());
        }
    };
    for report in rendered {
        let digest = Digest::of(&report.text);
        let recorded = run.reports.iter().find(|(name, _)| *name == report.name);
        if recorded.is_none_or(|(_, recorded)| *recorded != digest) {
            found.findings.push(format!(
                "kb/{}: run_sealed records another digest than the journal gives",
                report.name
            ));
        }
        let path = run_directory.join("kb").join(&report.name);
        let written = storage.read(&path).map_err(JournalError::from)?;
        // A run that ended and is not sealed yet may lack reports: `resume` writes them.
        let missing = written.is_none() && !found.sealed;
        if !missing && written.as_deref() != Some(report.text.as_bytes()) {
            let place = differs_at(written.as_deref(), report.text.as_bytes());
            found.findings.push(format!(
                "kb/{}: is not what journal and blobs give{place}",
                report.name
            ));
        }
    }
    if found.sealed {
        let mut beside = side_files_of(&input)?;
        if let Some(pins) = &run.context {
            beside.push(("context.json", context(pins)?));
        }
        for (name, bytes) in beside {
            let written = storage.read(&run_directory.join(name));
            let written = written.map_err(JournalError::from)?;
            if written.as_ref() != Some(&bytes) {
                let place = differs_at(written.as_deref(), &bytes);
                found
                    .findings
                    .push(format!("{name}: is not what journal and blobs give{place}"));
            }
        }
    }
    Ok(())
}

/// Where a file first differs from what it should be: its line, from 1, and byte, from 0.
fn differs_at(written: Option<&[u8]>, given: &[u8]) -> String {
    let Some(written) = written else {
        return ", it is missing".to_owned();
    };
    let equal = written.iter().zip(given).take_while(|(a, b)| a == b);
    let byte = equal.count();
    let line = given[..byte].split(|byte| *byte == b'\n').count();
    format!(", from line {line}, byte {byte}")
}

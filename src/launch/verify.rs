//! `drygate verify`: files, chain, and every verdict computed again. No database and no network are needed, and nothing of the
//! run is written.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::{LaunchError, lookup, output, review, run_plan};
use crate::audit::{self, Recomputer};
use crate::cli::{Output, RunPlace, Settings};
use crate::documents::{SchemaVersion, VerifyDocument};
use crate::journal::{
    Blobs, DirectoryStore, DiskStorage, HookRecords, JournalError, JournalReader, Ledgers,
    Permissions, Reviews, RunStore, Storage, verify_files,
};
use crate::profile::{self, Profile};
use crate::report::{self, FullDiscoverLine, ReportInput};
use crate::run::{Event, LedgerRef, RunId, RunState, StopCode};
use crate::runner::{context, side_files_of};
use crate::survey::Digest;
use crate::tui::diff_view::NoteShown;

/// What was found and what could not be looked at.
#[derive(Default)]
struct VerifyResult {
    findings: Vec<String>,
    not_checked: Vec<String>,
    /// The checks that were judged by the values that they recorded themselves.
    by_own_values: Vec<String>,
    records: u64,
    blobs: u64,
    sealed: bool,
    run_id: String,
    notes: Vec<NoteShown>,
}

/// Verifies a run; 0: intact, 7: not.
pub fn verify(settings: &Settings, target: &RunPlace) -> Result<u8, LaunchError> {
    let found = match target {
        RunPlace::Path(file) if file.is_file() => {
            let opened = lookup::archive(file)?;
            let run = DirectoryStore::run_path(opened.run_id());
            inspect(opened.store().storage(), &run)?
        }
        RunPlace::Path(directory) => {
            let storage =
                DiskStorage::open(directory, Permissions::private()).map_err(JournalError::from)?;
            inspect(&(Arc::new(storage) as Arc<dyn Storage>), Path::new(""))?
        }
        RunPlace::Run(meant) => {
            let store = run_plan::store(settings)?;
            let run_id = lookup::resolve(&store, meant)?;
            store.reader(&run_id)?;
            inspect(store.storage(), &DirectoryStore::run_path(&run_id))?
        }
    };
    let intact = found.findings.is_empty();
    let code = if intact {
        0
    } else {
        StopCode::StopEvidenceCorrupt.exit_code()
    };
    if settings.output == Output::Json {
        let stop_code = (!intact).then_some(StopCode::StopEvidenceCorrupt);
        output::document(&VerifyDocument {
            schema: SchemaVersion,
            run_id: found.run_id,
            intact,
            stop_code,
            records: found.records,
            blobs: found.blobs,
            sealed: found.sealed,
            findings: found.findings,
            not_checked: found.not_checked,
            by_recorded_values: found.by_own_values,
            notes: found.notes.iter().map(review::note_document).collect(),
        })?;
    } else {
        output::print(&text(&found))?;
    }
    Ok(code)
}

/// What does not verify of a run in the store.
pub fn findings(store: &DirectoryStore, run_id: &RunId) -> Result<Vec<String>, LaunchError> {
    let found = inspect(store.storage(), &DirectoryStore::run_path(run_id))?;
    Ok(found.findings)
}

/// What `verify` says of a run in the store.
pub fn summary_text(store: &DirectoryStore, run_id: &RunId) -> Result<String, LaunchError> {
    let found = inspect(store.storage(), &DirectoryStore::run_path(run_id))?;
    Ok(text(&found))
}

fn text(found: &VerifyResult) -> String {
    let mut lines = Vec::new();
    for finding in &found.findings {
        lines.push(format!(
            "STOP_EVIDENCE_CORRUPT: {}",
            report::visible(finding)
        ));
    }
    for what in &found.not_checked {
        lines.push(format!("NOT CHECKED: {}", report::visible(what)));
    }
    for note in &found.notes {
        lines.push(format!("note: {}", report::visible(&note.line())));
    }
    if !found.by_own_values.is_empty() {
        let checks = found.by_own_values.join(", ");
        lines.push(format!(
            "by their recorded values alone: {}",
            report::visible(&checks)
        ));
    }
    let seal = if found.sealed {
        "sealed"
    } else {
        "not sealed yet"
    };
    if found.findings.is_empty() {
        lines.push(format!(
            "intact: {}, {} records, {} blobs, {seal}; chain, HEAD, blobs, manifest and every verdict hold",
            found.run_id, found.records, found.blobs
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Looks at everything; what two looks found alike is said once.
fn inspect(storage: &Arc<dyn Storage>, run: &Path) -> Result<VerifyResult, LaunchError> {
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
    let blobs = Blobs::new(storage.clone(), run);
    match recompute(&mut found, storage, run, &blobs) {
        Ok(()) => {}
        Err(LaunchError::Journal(JournalError::Corrupt(corrupt))) => {
            found.findings.push(corrupt.to_string());
        }
        Err(other) => return Err(other),
    }
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
    blobs: &Blobs,
) -> Result<(), LaunchError> {
    let document = |digest: &Digest| String::from_utf8(blobs.get(digest).ok()?).ok();
    let reader = JournalReader::new(storage.clone(), run_directory);
    let profile = profile_of(&reader, &document)?;
    let mut again = Recomputer::new(profile.as_ref());
    let mut of_documents = Vec::new();
    for entry in reader.walk::<Event>()? {
        let entry = entry?;
        again.feed(entry.seq, entry.at, &entry.event, &entry.sha256);
        let event = [(entry.seq, &entry.event)];
        let findings = audit::document_findings(profile.as_ref(), event, &document);
        of_documents.extend(findings);
        found.records += 1;
    }
    let recomputed = again.finish();
    let line = |finding: &audit::RecomputeFinding| {
        format!("journal.jsonl, line {}: {}", finding.seq + 1, finding.what)
    };
    found.findings.extend(recomputed.findings.iter().map(line));
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

/// The profile that the first line names; `None`: it names none that parses.
fn profile_of(
    reader: &JournalReader,
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Result<Option<Profile>, JournalError> {
    let first = reader.walk::<Event>()?.next().transpose()?;
    let Some(Event::RunCreated(created)) = first.map(|entry| entry.event) else {
        return Ok(None);
    };
    let policy = match &created.policy_sha256 {
        Some(policy) => match document(policy) {
            Some(text) => Some(text),
            None => return Ok(None),
        },
        None => None,
    };
    let text = document(&created.profile_sha256);
    let parsed = text
        .map(|text| profile::parse_recorded("the profile of the run", &text, policy.as_deref()));
    Ok(parsed.and_then(Result::ok))
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
    let ledgers = Ledgers::new(storage.clone(), run_directory);
    for step in &run.steps {
        let LedgerRef { file, sha256, .. } = &step.ledger;
        let mut lines = ledgers.lines(file)?;
        let finding = audit::ledger_finding(&mut lines, &step.counts);
        // What is not what was recorded is said before what it would say.
        let finding = if lines.is(step.ledger.bytes, sha256)? {
            finding
        } else {
            Some("is not what units_progressed recorded".to_owned())
        };
        if let Some(finding) = finding {
            found.findings.push(format!("{file}: {finding}"));
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

//! `drygate verify`: what it looks at and what it says. No database and no network are needed, and nothing of the run is written.

use std::path::Path;
use std::sync::Arc;

use super::{LaunchError, archive, lookup, output, review, run_plan};
use crate::cli::{Output, RunPlace, Settings};
use crate::compare::ReviewNote;
use crate::documents::{SchemaVersion, VerifyDocument};
use crate::journal::{
    DirectoryStore, DiskStorage, JournalError, Permissions, Reviews, RunStore, Storage,
};
use crate::report;
use crate::run::{KeptHead, RunId, StopCode};
use crate::verify::{self, Verified};

/// Verifies a run; 0: intact, 7: not. `kept`: a head of its journal that was kept elsewhere.
pub fn verify(
    settings: &Settings,
    target: &RunPlace,
    kept: Option<&KeptHead>,
    by_store: bool,
) -> Result<u8, LaunchError> {
    if by_store && !matches!(target, RunPlace::Run(_)) {
        return Err(LaunchError::Usage(
            "--store is about a run of the run store: name it by its id".to_owned(),
        ));
    }
    let mut store_says = None;
    let (found, notes) = match target {
        RunPlace::Path(file) if !file.is_dir() => {
            let opened = lookup::archive(file)?;
            let run = DirectoryStore::run_path(opened.run_id());
            let (mut found, notes) = looked(opened.store().storage(), &run, kept)?;
            let pages = archive::compare_pages(&opened)?;
            found.findings.extend(pages.findings);
            found.not_checked.extend(pages.not_checked);
            (found, notes)
        }
        RunPlace::Path(directory) => {
            let storage =
                DiskStorage::open(directory, Permissions::private()).map_err(JournalError::from)?;
            let storage: Arc<dyn Storage> = Arc::new(storage);
            looked(&storage, Path::new(""), kept)?
        }
        RunPlace::Run(meant) => {
            let store = run_plan::store(settings)?;
            let run_id = lookup::resolve(&store, meant)?;
            let reader = store.reader(&run_id)?;
            let run = DirectoryStore::run_path(&run_id);
            let (mut found, notes) = looked(store.storage(), &run, kept)?;
            if by_store {
                let stamps = super::store::stamps(settings, &run_id, &reader)?;
                found.findings.extend(stamps.findings);
                store_says = stamps.compared;
            }
            (found, notes)
        }
    };
    let code = if found.findings.is_empty() {
        0
    } else {
        StopCode::StopEvidenceCorrupt.exit_code()
    };
    if settings.output == Output::Json {
        output::document(&document(found, notes, store_says))?;
    } else {
        let says = store_says.map_or_else(String::new, |says| format!("run store: {says}\n"));
        output::print(&format!("{says}{}", text(&found, &notes)))?;
    }
    Ok(code)
}

/// What `verify` finds, and the notes of reviewers as far as they can be read.
fn looked(
    storage: &Arc<dyn Storage>,
    run: &Path,
    kept: Option<&KeptHead>,
) -> Result<(Verified, Vec<ReviewNote>), LaunchError> {
    let found = verify::verify(storage, run, kept)?;
    let notes = review::notes(&Reviews::new(storage.clone(), run));
    // What is wrong with them was named.
    Ok((found, notes.unwrap_or_default()))
}

fn document(found: Verified, notes: Vec<ReviewNote>, store: Option<String>) -> VerifyDocument {
    let intact = found.findings.is_empty();
    VerifyDocument {
        schema: SchemaVersion,
        run_id: found.run_id,
        intact,
        stop_code: (!intact).then_some(StopCode::StopEvidenceCorrupt),
        records: found.records,
        blobs: found.blobs,
        sealed: found.sealed,
        head: found.head,
        kept_head: found.kept_head,
        findings: found.findings,
        beside: found.beside,
        not_checked: found.not_checked,
        by_recorded_values: found.by_own_values,
        store,
        notes,
    }
}

/// What does not verify of a run in the store.
pub fn findings(store: &DirectoryStore, run_id: &RunId) -> Result<Vec<String>, LaunchError> {
    let found = verify::verify(store.storage(), &DirectoryStore::run_path(run_id), None)?;
    Ok(found.findings)
}

/// What `verify` says of a run in the store.
pub fn summary_text(store: &DirectoryStore, run_id: &RunId) -> Result<String, LaunchError> {
    let (found, notes) = looked(store.storage(), &DirectoryStore::run_path(run_id), None)?;
    Ok(text(&found, &notes))
}

fn text(found: &Verified, notes: &[ReviewNote]) -> String {
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
    for what in &found.beside {
        lines.push(format!("beside the evidence: {}", report::visible(what)));
    }
    for note in notes {
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
    if let Some(head) = &found.head {
        lines.push(format!("head={head}"));
    }
    if let Some(kept) = &found.kept_head {
        lines.push(format!(
            "the head that was kept is line {}: nothing up to it has changed since",
            kept.seq + 1
        ));
    }
    if found.findings.is_empty() {
        lines.push(format!(
            "intact: {}, {} records, {} blobs, {seal}; chain, HEAD, blobs, manifest and every verdict hold",
            found.run_id, found.records, found.blobs
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

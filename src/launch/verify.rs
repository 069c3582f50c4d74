//! `drygate verify`: what it looks at and what it says. No database and no network are needed, and nothing of the run is written.

use std::path::Path;
use std::sync::Arc;

use super::verify_run::{VerifyResult, inspect};
use super::{LaunchError, lookup, output, review, run_plan};
use crate::cli::{Output, RunPlace, Settings};
use crate::documents::{SchemaVersion, VerifyDocument};
use crate::journal::{DirectoryStore, DiskStorage, JournalError, Permissions, RunStore, Storage};
use crate::report;
use crate::run::{RunId, StopCode};

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

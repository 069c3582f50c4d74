//! `drygate import`: the run of an archive among one's own.
//! Invariant: nothing appears among the runs before it was verified, and an imported run is read only here (`publish` marks it
//! before the rename).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use super::{LaunchError, export, lookup, output, run_plan, verify};
use crate::archive::{Limits, OpenedArchive, open_archive};
use crate::cli::{Output, Settings};
use crate::documents::{ImportDocument, SchemaVersion};
use crate::journal::{
    CACHE_DIR, DirectoryStore, ImportedFrom, JournalError, RUNS_DIR, RunFiles, RunStore,
    mark_imported,
};
use crate::report;
use crate::run::{RunId, exit};
use crate::runner::clock::{Clock, SystemClock};
use crate::runner::person;
use crate::survey::Digest;

/// Imports an archive after verifying it.
pub fn import(settings: &Settings, file: &Path) -> Result<u8, LaunchError> {
    lookup::refuse_no_archive(file)?;
    let store = run_plan::store(settings)?;
    let root = store.storage().root().to_owned();
    for directory in [CACHE_DIR, RUNS_DIR] {
        let made = store.storage().create_dir(Path::new(directory));
        made.map_err(JournalError::from)?;
    }
    let permissions = run_plan::permissions(settings)?;
    // Below the data directory, so that the last step is a rename; what a crash leaves in the cache may be deleted.
    let cache = root.join(CACHE_DIR);
    let opened = open_archive(file, Some(&cache), permissions, Limits::default())?;
    let run_id = opened.run_id().clone();
    let mut findings = verify::findings(opened.store(), &run_id)?;
    findings.extend(export::compare_pages(&opened)?.findings);
    if let Some(first) = findings.first() {
        return Err(LaunchError::Corrupt(format!(
            "the archive {} does not verify, nothing was imported: {first}",
            visible(file)
        )));
    }
    let sealed = opened.store().is_sealed(&run_id)?;
    let there = store.runs()?.contains(&run_id);
    if there {
        compare(&store, &opened)?;
    } else {
        publish(&store, &opened)?;
    }
    tell(settings, &run_id, there, sealed)
}

/// Marks the run and gives it its name among the runs, in one step.
fn publish(store: &DirectoryStore, opened: &OpenedArchive) -> Result<(), LaunchError> {
    let run = DirectoryStore::run_path(opened.run_id());
    let by = person::own();
    let from = ImportedFrom {
        archive_sha256: opened.sha256().clone(),
        at: SystemClock.now(),
        by: format!("{}@{}", by.user, by.host),
    };
    mark_imported(&**opened.store().storage(), &run, &from)?;
    let failed = LaunchError::output("cannot put the run beside the others");
    let root = store.storage().root();
    fs::rename(opened.run_directory(), root.join(&run)).map_err(failed)?;
    File::open(root.join(RUNS_DIR))
        // The rename itself is durable only once the directory is synced.
        .and_then(|runs| runs.sync_all())
        .map_err(failed)
}

/// A run of that name is there: the same bytes, or it is refused with the file that differs.
fn compare(store: &DirectoryStore, opened: &OpenedArchive) -> Result<(), LaunchError> {
    let run_id = opened.run_id();
    let (here, there) = (digests(store, run_id)?, digests(opened.store(), run_id)?);
    let differs = |name: &&String| here.get(*name) != there.get(*name);
    let Some(first) = here.keys().chain(there.keys()).find(differs) else {
        return Ok(());
    };
    let how = match (here.get(first), there.get(first)) {
        (Some(_), None) => "is not in the archive",
        (None, _) => "is only in the archive",
        _ => "has other bytes",
    };
    Err(LaunchError::Corrupt(format!(
        "{run_id} is there already and is not the run of the archive: {first} {how}; nothing was imported"
    )))
}

fn digests(
    store: &DirectoryStore,
    run_id: &RunId,
) -> Result<BTreeMap<String, Digest>, LaunchError> {
    let contents = RunFiles::of(store.storage(), &DirectoryStore::run_path(run_id))?;
    let mut digests = BTreeMap::new();
    for file in contents.files() {
        digests.insert(file.name.clone(), contents.digest(file)?);
    }
    Ok(digests)
}

fn tell(settings: &Settings, run_id: &RunId, there: bool, sealed: bool) -> Result<u8, LaunchError> {
    if settings.output == Output::Json {
        output::document(&ImportDocument {
            schema: SchemaVersion,
            run_id: run_id.clone(),
            imported: !there,
            already_there: there,
            sealed,
        })?;
        return Ok(exit::OK);
    }
    output::line(run_id.as_str())?;
    let report = settings.call.to(format!("report {}", run_id.tail()));
    output::say(&if there {
        "It is there already, with the same bytes.".to_owned()
    } else if sealed {
        format!("Imported: it verifies, and is read only here. Read it: {report}")
    } else {
        "Imported: it verifies as far as it went. It is not sealed, and is read only here: it can be resumed and decided on where it was made.".to_owned()
    });
    Ok(exit::OK)
}

fn visible(file: &Path) -> String {
    report::visible(&file.display().to_string())
}

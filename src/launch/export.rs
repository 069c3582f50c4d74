//! `drygate export`: a run as one file. Invariant: reads the run and writes that file alone; a file that is there already is never replaced.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use serde_json::json;

use super::new_file::{self, WrittenFile};
use super::{LaunchError, html_page, lookup, output, run_plan, verify};
use crate::archive::{ArchiveError, pack};
use crate::cli::{Output, RunRef, Settings};
use crate::journal::{DirectoryStore, RunFiles};
use crate::run::{RunId, RunState, exit};

/// What the header of a compressed archive says about the system: unknown, everywhere.
const NO_SYSTEM: u8 = 255;

/// Exports a run.
pub fn export(settings: &Settings, meant: &RunRef, file: &Path) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let run_id = lookup::resolve(&store, meant)?;
    let Exported {
        written,
        is_sealed,
        standing,
    } = exported(&store, &run_id, file)?;
    if settings.output == Output::Json {
        output::document(&json!({
            "schema": 1, "run_id": run_id, "file": file.display().to_string(), "sealed": is_sealed,
            "files": written.made, "bytes": written.bytes, "sha256": written.sha256,
        }))?;
    } else {
        output::line(&format!("{}  {}", written.sha256, new_file::visible(file)))?;
        output::say(&format!(
            "{run_id}: {} files, {} bytes. {standing}",
            written.made, written.bytes
        ));
    }
    Ok(exit::OK)
}

/// An archive that was written.
pub(super) struct Exported {
    /// The archive, and how many files are in it.
    pub written: WrittenFile<u64>,
    /// Whether the run has its seal.
    pub is_sealed: bool,
    /// One line on where the run stands.
    pub standing: String,
}

/// Writes a run that verifies into an archive.
pub(super) fn exported(
    store: &DirectoryStore,
    run_id: &RunId,
    file: &Path,
) -> Result<Exported, LaunchError> {
    let (run, _) = lookup::folded(store, run_id)?;
    let contents = RunFiles::of(store.storage(), &DirectoryStore::run_path(run_id))?;
    if let Some(first) = verify::findings(store, run_id)?.first() {
        return Err(LaunchError::Corrupt(format!(
            "{run_id} does not verify, nothing was exported: {first}"
        )));
    }
    let standing = standing(&run, contents.is_sealed());
    let page = html_page::page_of(store, run_id, &contents)?;
    let packing = |output: &mut dyn Write| pack(run_id, &contents, &page, &standing, output);
    let written = new_file::write(file, &mut |output| packed(file, output, &packing))?;
    Ok(Exported {
        written,
        is_sealed: contents.is_sealed(),
        standing,
    })
}

/// One line on where the run stands.
fn standing(run: &RunState, sealed: bool) -> String {
    match &run.sealed {
        Some((result, _, _)) if sealed => format!("Sealed: {result}."),
        Some((result, _, _)) => {
            format!("Ended with {result}, not sealed yet: reports and manifest may be missing.")
        }
        None => match run.waits_at() {
            Some(gate) => format!(
                "Not sealed: it waited at {gate} ({}) when it was exported.",
                run.state
            ),
            None => format!("Not sealed: it was at {} when it was exported.", run.state),
        },
    }
}

type Packing<'a> = &'a dyn Fn(&mut dyn Write) -> Result<u64, ArchiveError>;

/// Packs, compressed where the name asks for it; gives how many files were packed.
fn packed(file: &Path, output: &mut dyn Write, packing: Packing<'_>) -> Result<u64, LaunchError> {
    let compressed = file
        .extension()
        .is_some_and(|extension| extension == "gz" || extension == "tgz");
    if !compressed {
        return Ok(packing(output)?);
    }
    let mut gzip = GzBuilder::new()
        .operating_system(NO_SYSTEM)
        .write(output, Compression::default());
    let files = packing(&mut gzip)?;
    let finished = gzip.finish();
    finished.map_err(|source| new_file::failed(file, source))?;
    Ok(files)
}

//! `drygate export`: a run as one file. Invariant: reads the run and writes that file alone; a file that is there already is never replaced.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};
use serde_json::json;
use tempfile::NamedTempFile;

use super::{LaunchError, lookup, output, paging, planning, verifying};
use crate::archive::{ArchiveError, Packed, pack};
use crate::cli::{Output, RunRef, Settings};
use crate::journal::{Contents, DirectoryStore};
use crate::report;
use crate::run::{RunId, RunState, exit};

/// What the header of a compressed archive says about the system: unknown, everywhere.
const NO_SYSTEM: u8 = 255;

/// Exports a run.
pub fn export(settings: &Settings, meant: &RunRef, file: &Path) -> Result<u8, LaunchError> {
    let store = planning::store(settings)?;
    let run_id = lookup::resolve(&store, meant)?;
    let Exported {
        packed,
        is_sealed,
        standing,
    } = exported(&store, &run_id, file)?;
    if settings.output == Output::Json {
        output::document(&json!({
            "schema": 1, "run_id": run_id, "file": file.display().to_string(), "sealed": is_sealed,
            "files": packed.files, "bytes": packed.bytes, "sha256": packed.sha256,
        }))?;
    } else {
        output::line(&format!("{}  {}", packed.sha256, visible(file)))?;
        output::say(&format!(
            "{run_id}: {} files, {} bytes. {standing}",
            packed.files, packed.bytes
        ));
    }
    Ok(exit::OK)
}

/// An archive that was written.
pub(super) struct Exported {
    /// What is in it.
    pub packed: Packed,
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
    let contents = Contents::of(store.storage(), &DirectoryStore::run_path(run_id))?;
    if let Some(first) = verifying::findings(store, run_id)?.first() {
        return Err(LaunchError::Corrupt(format!(
            "{run_id} does not verify, nothing was exported: {first}"
        )));
    }
    let standing = standing(&run, contents.is_sealed());
    let page = paging::page_of(store, run_id, &contents)?;
    let packed = written(file, &mut |output| {
        pack(run_id, &contents, page.clone(), &standing, output)
    })?;
    Ok(Exported {
        packed,
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

fn visible(file: &Path) -> String {
    report::visible(&file.display().to_string())
}

type Packing<'a> = &'a mut dyn FnMut(&mut dyn Write) -> Result<Packed, ArchiveError>;

/// Writes a file that is not there yet, in one step. One that is there with these very bytes is left as it is.
fn written(file: &Path, packing: Packing<'_>) -> Result<Packed, LaunchError> {
    let failed = |source| ArchiveError::File {
        doing: "write",
        path: file.to_owned(),
        source,
    };
    let directory = file.parent().filter(|it| !it.as_os_str().is_empty());
    let place = NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(failed)?;
    let mut output = BufWriter::new(place);
    let compressed = file
        .extension()
        .is_some_and(|extension| extension == "gz" || extension == "tgz");
    let mut packed = if compressed {
        let mut gzip = GzBuilder::new()
            .operating_system(NO_SYSTEM)
            .write(&mut output, Compression::default());
        let packed = packing(&mut gzip)?;
        gzip.finish().map_err(failed)?;
        packed
    } else {
        packing(&mut output)?
    };
    let place = output
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    place.as_file().sync_all().map_err(failed)?;
    if compressed {
        let bytes = std::fs::read(place.path()).map_err(failed)?;
        packed.bytes = bytes.len() as u64;
        packed.sha256 = crate::survey::Digest::of(&bytes);
    }
    match place.persist_noclobber(file) {
        Ok(_) => Ok(packed),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            if same(error.file.path(), file).map_err(failed)? {
                return Ok(packed);
            }
            Err(LaunchError::Usage(format!(
                "{} is there already, with other bytes; nothing is overwritten: choose another name",
                visible(file)
            )))
        }
        Err(error) => Err(failed(error.error).into()),
    }
}

fn same(one: &Path, two: &Path) -> io::Result<bool> {
    Ok(
        std::fs::metadata(one)?.len() == std::fs::metadata(two)?.len()
            && std::fs::read(one)? == std::fs::read(two)?,
    )
}

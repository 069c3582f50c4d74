//! Checking every file of a run without understanding it. Invariant: reads everything, writes nothing, and one damage does not hide another.

use std::path::Path;
use std::sync::Arc;

use super::storage::{Kind, Storage};
use super::{Blobs, Corrupt, JournalError, JournalReader, JournalSummary, layout, manifest};

/// What the files of a run say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVerification {
    /// Everything that is not as it was written. Empty: chain, HEAD, blobs and manifest verify.
    pub findings: Vec<Corrupt>,
    /// The journal, if it verifies.
    pub journal: Option<JournalSummary>,
    /// How many blobs were read.
    pub blobs: u64,
    /// Whether there is a manifest. Without one only chain, HEAD and the names of blobs vouch for anything.
    pub manifest: bool,
}

/// Checks chain, HEAD, blobs and manifest of the run in this directory of the storage; an empty path is the root itself.
///
/// A directory rolled back as a whole to an older state of its own verifies: only a HEAD kept elsewhere tells.
pub fn verify_files(
    storage: &Arc<dyn Storage>,
    run: &Path,
) -> Result<FileVerification, JournalError> {
    let mut findings = Vec::new();
    let mut journal = None;
    match JournalReader::new(storage.clone(), run).verify() {
        Ok(summary) if summary.lines == 0 => {
            findings.push(Corrupt::file(layout::JOURNAL, "has no line"));
        }
        Ok(summary) => journal = Some(summary),
        Err(JournalError::Corrupt(corrupt)) => findings.push(corrupt),
        Err(other) => return Err(other),
    }
    let blobs = check_blobs(storage, run, &mut findings)?;
    let manifest = manifest::is_sealed(&**storage, run)?;
    if manifest && journal.as_ref().is_some_and(|journal| !journal.sealed) {
        let what = "is there, though the journal does not end with run_sealed";
        findings.push(Corrupt::file(manifest::MANIFEST, what));
    }
    for finding in manifest::check(&**storage, run)? {
        // Whoever named the damage first knew more: the chain a line, a blob its name.
        let knew = |known: &Corrupt| {
            known.file == finding.file && (known.byte.is_some() || finding.byte.is_none())
        };
        if !findings.iter().any(knew) {
            findings.push(finding);
        }
    }
    Ok(FileVerification {
        findings,
        journal,
        blobs,
        manifest,
    })
}

fn check_blobs(
    storage: &Arc<dyn Storage>,
    run: &Path,
    findings: &mut Vec<Corrupt>,
) -> Result<u64, JournalError> {
    let blobs = Blobs::new(storage.clone(), run);
    let mut count = 0;
    for listed in storage.list(&run.join(layout::BLOBS_DIR))? {
        if layout::is_temporary(Path::new(&listed.name)) {
            continue;
        }
        let file = format!("{}/{}", layout::BLOBS_DIR, listed.name);
        match (listed.kind, listed.name.parse()) {
            (Kind::File, Ok(sha256)) => match blobs.check(&sha256) {
                Ok(()) => count += 1,
                Err(JournalError::Corrupt(corrupt)) => findings.push(corrupt),
                Err(other) => return Err(other),
            },
            _ => findings.push(Corrupt::file(file, "is not a blob")),
        }
    }
    Ok(count)
}

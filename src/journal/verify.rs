//! Checks every file of a run without interpreting the events: chain, HEAD, blobs, manifest.
//! Invariant: nothing is written, and one damage does not hide another. Held by `verify_files`, which collects findings, and
//! the test `f4_no_flipped_bit_of_any_file_is_accepted_and_each_is_named` of tests/journal.rs.

use std::path::Path;
use std::sync::Arc;

use super::storage::{Kind, Storage};
use super::{Blobs, Corrupt, JournalError, JournalReader, JournalSummary, layout, manifest};

/// The result of checking the files of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVerification {
    /// Every file that is not as it was written. Empty: chain, HEAD, blobs and manifest verify.
    pub findings: Vec<Corrupt>,
    /// The journal; `None`: it does not verify.
    pub journal: Option<JournalSummary>,
    /// How many blobs were read and have their digest.
    pub blobs: u64,
    /// Whether there is a manifest. Without one only chain, HEAD and the names of blobs are checked.
    pub manifest: bool,
}

/// Checks chain, HEAD, blobs and manifest of the run in this directory of the storage. An empty path is the root itself.
///
/// A directory that was rolled back as a whole to an older state of its own verifies; only a HEAD that
/// was kept elsewhere shows it.
pub fn verify_files(
    storage: &Arc<dyn Storage>,
    run: &Path,
) -> Result<FileVerification, JournalError> {
    let mut findings = Vec::new();
    let mut journal = None;
    match JournalReader::new(storage.clone(), run).verify() {
        Ok(summary) if summary.lines == 0 => {
            let what =
                "has no line: the run was never begun, its process died before the first record";
            findings.push(Corrupt::file(layout::JOURNAL, what));
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
        // The first finding about a file says more: the chain names a line and a byte, a blob its name. The
        // manifest only knows another digest.
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
        // What a crash left of a blob is no evidence.
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

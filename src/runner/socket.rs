//! Where the holder of a run listens. Invariant: outside the run, in a directory of the run's owner that nobody else can put things into.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::journal::DirectoryStore;
use crate::run::RunId;
use crate::survey::Digest;

/// The socket of the process that holds a run of the store at `store_root`; its directory is made if it is not there.
pub fn socket(store_root: &Path, run_id: &RunId) -> Option<PathBuf> {
    let run = store_root.join(DirectoryStore::run_path(run_id));
    let owner = std::fs::metadata(&run).ok()?.uid();
    let directory = std::env::temp_dir().join(format!("drygate-{owner}"));
    // Made by whoever comes first; the check below is what counts.
    let _ = std::fs::DirBuilder::new().mode(0o711).create(&directory);
    let made = std::fs::symlink_metadata(&directory).ok()?;
    if !made.is_dir() || made.uid() != owner || made.mode() & 0o022 != 0 {
        return None;
    }
    let name = Digest::of(run.as_os_str().as_encoded_bytes());
    Some(directory.join(format!("{}.sock", &name.as_str()[..16])))
}

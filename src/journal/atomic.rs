//! Atomic replacement of a file by rename.
//! Invariant: a reader sees the old content or the new one, and the new one is durable when `replace` returns. Held by
//! `replace` and the test `f1_f7_no_failure_at_any_operation_loses_what_was_acknowledged` of tests/journal.rs.

use std::path::{Path, PathBuf};

use super::StorageError;
use super::layout::{TEMPORARY, is_temporary};
use super::storage::{Kind, Storage};

/// The name of a file while its new content is not durable. In the same directory, because a rename is atomic
/// only within one file system.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{TEMPORARY}{name}"))
}

/// Replaces the content of a file: write a temporary file, fsync it, rename it, fsync the directory.
pub(super) fn replace(
    storage: &dyn Storage,
    path: &Path,
    content: &[u8],
) -> Result<(), StorageError> {
    let temporary = temporary(path);
    let mut file = storage.create(&temporary)?;
    file.write(content)?;
    // Before the rename: a file system may make the new name durable before the content, which would leave an
    // empty file after a crash.
    file.sync()?;
    publish(storage, &temporary, path)
}

/// Gives a file whose content is durable its final name, and makes that name durable.
pub(super) fn publish(storage: &dyn Storage, from: &Path, to: &Path) -> Result<(), StorageError> {
    // A rename is only in memory until the directory is synced.
    storage.rename(from, to)?;
    storage.sync_dir(to.parent().unwrap_or(Path::new("")))
}

/// Makes a directory, if it is not there, and makes its name durable.
pub(super) fn directory(storage: &dyn Storage, path: &Path) -> Result<(), StorageError> {
    storage.create_dir(path)?;
    storage.sync_dir(path.parent().unwrap_or(Path::new("")))
}

/// Removes the temporary files that crashes left below a directory of a run.
pub(super) fn clean(storage: &dyn Storage, directory: &Path) -> Result<(), StorageError> {
    for listed in storage.list(directory)? {
        let path = directory.join(&listed.name);
        match listed.kind {
            Kind::Directory => clean(storage, &path)?,
            Kind::File if is_temporary(&path) => storage.remove(&path)?,
            Kind::File | Kind::Other => {}
        }
    }
    Ok(())
}

//! Replacing a file in one step. Invariant: a reader sees the old content or the new one, and the new one is durable on return.

use std::path::{Path, PathBuf};

use super::StorageError;
use super::layout::{TEMPORARY, is_temporary};
use super::storage::{Kind, Storage};

/// The name a file has while its new content is not durable.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{TEMPORARY}{name}"))
}

/// Replaces the content of a file: temporary file, sync, rename, sync of the directory.
pub(super) fn replace(
    storage: &dyn Storage,
    path: &Path,
    content: &[u8],
) -> Result<(), StorageError> {
    let temporary = temporary(path);
    let mut file = storage.create(&temporary)?;
    file.write(content)?;
    file.sync()?;
    publish(storage, &temporary, path)
}

/// Gives a file whose content is durable its final name.
pub(super) fn publish(storage: &dyn Storage, from: &Path, to: &Path) -> Result<(), StorageError> {
    storage.rename(from, to)?;
    storage.sync_dir(to.parent().unwrap_or(Path::new("")))
}

/// Makes a directory and its name durable, unless it is there already.
pub(super) fn directory(storage: &dyn Storage, path: &Path) -> Result<(), StorageError> {
    storage.create_dir(path)?;
    storage.sync_dir(path.parent().unwrap_or(Path::new("")))
}

/// Removes what crashes left of replacements, below a directory of a run.
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

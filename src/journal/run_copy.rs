//! A copy of a run that another process may write in: journal and HEAD byte for byte, blobs and ledgers under second names.
//! Invariant: what is written in the copy changes nothing of the run. Held by `RunCopy::make`, which links only files that are
//! never opened for writing again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recovery::copy;
use super::storage::{Kind, Storage};
use super::{JournalError, RunDirectory, StorageError, layout};
use crate::run::RunId;

/// The copy of one run. It is removed by `remove`; what a crash left of one is removed before the next is made.
#[derive(Debug)]
pub struct RunCopy {
    storage: Arc<dyn Storage>,
    path: PathBuf,
}

impl RunCopy {
    /// Copies the run in the directory `run` of a storage, whose owner does not write meanwhile.
    pub(super) fn make(
        storage: Arc<dyn Storage>,
        run: &Path,
        name: &str,
    ) -> Result<Self, StorageError> {
        let copied = Self {
            path: path(name),
            storage,
        };
        let (storage, path) = (&*copied.storage, &copied.path);
        storage.create_dir(Path::new(layout::CACHE_DIR))?;
        remove_all(storage, path)?;
        storage.create_dir(path)?;
        for directory in [layout::BLOBS_DIR, layout::UNITS_DIR] {
            storage.create_dir(&path.join(directory))?;
            for listed in storage.list(&run.join(directory))? {
                let file = Path::new(directory).join(&listed.name);
                // A temporary file is none of the run, and is still open where a crash left it.
                if listed.kind == Kind::File && !layout::is_temporary(&file) {
                    storage.link(&run.join(&file), &path.join(&file))?;
                }
            }
        }
        for file in [layout::JOURNAL, layout::HEAD] {
            let mut to = storage.create(&path.join(file))?;
            copy(storage, &run.join(file), 0, &mut |piece| to.write(piece))?;
        }
        Ok(copied)
    }

    /// Opens the copy of a run, which was made in the same storage.
    pub fn open(storage: Arc<dyn Storage>, run_id: &RunId) -> Result<RunDirectory, JournalError> {
        let path = path(run_id.as_str());
        if storage.list(&path)?.is_empty() {
            let query = path.display().to_string();
            return Err(JournalError::NotFound { query });
        }
        Ok(RunDirectory::open(storage, &path)?.0)
    }

    /// Removes it.
    pub fn remove(self) -> Result<(), StorageError> {
        remove_all(&*self.storage, &self.path)
    }
}

fn path(run: &str) -> PathBuf {
    Path::new(layout::CACHE_DIR).join(format!("resumed-{run}"))
}

fn remove_all(storage: &dyn Storage, directory: &Path) -> Result<(), StorageError> {
    let within = storage.list(directory)?;
    let parent = directory.parent().unwrap_or(Path::new(""));
    let name = directory.file_name().map(|name| name.to_string_lossy());
    let is_there = storage.list(parent)?.into_iter();
    if !is_there
        .into_iter()
        .any(|listed| Some(listed.name.as_str()) == name.as_deref())
    {
        return Ok(());
    }
    for listed in within {
        let path = directory.join(&listed.name);
        match listed.kind {
            Kind::Directory => remove_all(storage, &path)?,
            Kind::File | Kind::Other => storage.remove(&path)?,
        }
    }
    storage.remove_dir(directory)
}

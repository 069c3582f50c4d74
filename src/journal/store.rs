//! Where runs are kept. Invariant: a run is found by its id or by a part of it that fits one run only.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::storage::{Kind, Storage};
use super::{
    Blobs, DiskStorage, JournalError, JournalReader, Permissions, Recovery, RunDirectory, atomic,
    layout, manifest,
};
use crate::run::RunId;
use crate::survey::UtcTime;

/// A place with runs in it: today a directory, later perhaps a shared database.
pub trait RunStore {
    /// Every run id, sorted by the time in it.
    fn runs(&self) -> Result<Vec<RunId>, JournalError>;
    /// Makes a new run, owned by this process.
    fn create(&self, run_id: &RunId) -> Result<RunDirectory, JournalError>;
    /// Takes over a run that is not sealed, and recovers it.
    fn open(&self, run_id: &RunId) -> Result<(RunDirectory, Recovery), JournalError>;
    /// Reads the journal of a run.
    fn reader(&self, run_id: &RunId) -> Result<JournalReader, JournalError>;
    /// The documents of a run.
    fn blobs(&self, run_id: &RunId) -> Result<Blobs, JournalError>;
    /// Whether a run has its seal.
    fn is_sealed(&self, run_id: &RunId) -> Result<bool, JournalError>;
}

/// Runs in `runs/<run_id>/` of a data directory.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    storage: Arc<dyn Storage>,
}

impl DirectoryStore {
    /// The store in a data directory of the real disk, made if it is not there.
    pub fn new(home: &Path, permissions: Permissions) -> Result<Self, JournalError> {
        let storage = DiskStorage::create(home, permissions)?;
        Ok(Self::on(Arc::new(storage)))
    }

    /// The store on any storage.
    pub fn on(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// The storage below, with its record of written paths.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The directory of a run relative to the root of the storage.
    pub fn run_path(run_id: &RunId) -> PathBuf {
        Path::new(layout::RUNS_DIR).join(run_id.as_str())
    }

    /// HEAD of a run relative to the root of the storage.
    pub fn head_path(run_id: &RunId) -> PathBuf {
        Self::run_path(run_id).join(layout::HEAD)
    }

    fn existing(&self, run_id: &RunId) -> Result<PathBuf, JournalError> {
        let listed = self.storage.list(Path::new(layout::RUNS_DIR))?;
        let is = |listed: &super::Listed| {
            listed.name == run_id.as_str() && listed.kind == Kind::Directory
        };
        if listed.iter().any(is) {
            return Ok(Self::run_path(run_id));
        }
        let query = run_id.to_string();
        Err(JournalError::NotFound { query })
    }

    /// When the first line of a run was written: orders runs of the same second.
    fn began(&self, run_id: &RunId) -> Option<UtcTime> {
        #[derive(Deserialize)]
        struct First {
            at: UtcTime,
        }
        let path = Self::run_path(run_id).join(layout::JOURNAL);
        let input = self.storage.open_read(&path, 0).ok()?;
        let mut lines = serde_json::Deserializer::from_reader(input).into_iter::<First>();
        Some(lines.next()?.ok()?.at)
    }
}

impl RunStore for DirectoryStore {
    fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        let listed = self.storage.list(Path::new(layout::RUNS_DIR))?;
        let directories = listed
            .into_iter()
            .filter(|listed| listed.kind == Kind::Directory);
        let mut runs: Vec<RunId> = directories
            .filter_map(|listed| listed.name.parse().ok())
            .collect();
        runs.sort_by(|a, b| stamp(a).cmp(stamp(b)).then_with(|| a.cmp(b)));
        for same in runs.chunk_by_mut(|a, b| stamp(a) == stamp(b)) {
            if same.len() > 1 {
                same.sort_by_cached_key(|run| (self.began(run), run.clone()));
            }
        }
        Ok(runs)
    }

    fn create(&self, run_id: &RunId) -> Result<RunDirectory, JournalError> {
        let path = Self::run_path(run_id);
        atomic::directory(&*self.storage, Path::new(layout::RUNS_DIR))?;
        RunDirectory::create(self.storage.clone(), &path)
    }

    fn open(&self, run_id: &RunId) -> Result<(RunDirectory, Recovery), JournalError> {
        let path = self.existing(run_id)?;
        RunDirectory::open(self.storage.clone(), &path)
    }

    fn reader(&self, run_id: &RunId) -> Result<JournalReader, JournalError> {
        let path = self.existing(run_id)?;
        Ok(JournalReader::new(self.storage.clone(), &path))
    }

    fn blobs(&self, run_id: &RunId) -> Result<Blobs, JournalError> {
        let path = self.existing(run_id)?;
        Ok(Blobs::new(self.storage.clone(), &path))
    }

    fn is_sealed(&self, run_id: &RunId) -> Result<bool, JournalError> {
        let path = self.existing(run_id)?;
        Ok(manifest::is_sealed(&*self.storage, &path)?)
    }
}

/// The time in a run id; run ids of different prefixes are ordered by it.
fn stamp(run_id: &RunId) -> &str {
    run_id.as_str().rsplit('-').nth(1).unwrap_or_default()
}

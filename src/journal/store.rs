//! A place where runs are kept and found by their id or a part of it.

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

/// A place with runs in it. Today it is a directory; the trait leaves room for others.
pub trait RunStore {
    /// Every run id, sorted by the time in it.
    fn runs(&self) -> Result<Vec<RunId>, JournalError>;
    /// Makes a new run, which this process owns.
    fn create(&self, run_id: &RunId) -> Result<RunDirectory, JournalError>;
    /// Takes over a run that is not sealed, and recovers its journal.
    fn open(&self, run_id: &RunId) -> Result<(RunDirectory, Recovery), JournalError>;
    /// A reader of the journal of a run.
    fn reader(&self, run_id: &RunId) -> Result<JournalReader, JournalError>;
    /// The blobs of a run.
    fn blobs(&self, run_id: &RunId) -> Result<Blobs, JournalError>;
    /// Whether a run is sealed.
    fn is_sealed(&self, run_id: &RunId) -> Result<bool, JournalError>;
}

/// Runs in the directories `runs/<run_id>/` of a data directory.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    storage: Arc<dyn Storage>,
    shared: Option<StoreIdentity>,
}

/// A run store behind a data directory: who this process is to it, and which server that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreIdentity {
    /// The role that logged in, as the store itself names it.
    pub role: String,
    /// The number of its cluster; `None`: it has none, or does not say.
    pub system_identifier: Option<String>,
}

impl DirectoryStore {
    /// The store in a data directory of the real disk. The directory is made if it does not exist.
    pub fn new(home: &Path, permissions: Permissions) -> Result<Self, JournalError> {
        let storage = DiskStorage::create(home, permissions)?;
        Ok(Self::on(Arc::new(storage)))
    }

    /// The store on any storage, such as a simulated one.
    pub fn on(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            shared: None,
        }
    }

    /// The same, with a run store behind it.
    #[must_use]
    pub fn shared_as(mut self, identity: StoreIdentity) -> Self {
        self.shared = Some(identity);
        self
    }

    /// The run store behind it; `None`: runs are kept on this machine alone.
    pub fn shared(&self) -> Option<&StoreIdentity> {
        self.shared.as_ref()
    }

    /// The storage, which has the record of written paths.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The directory of a run, relative to the root of the storage.
    pub fn run_path(run_id: &RunId) -> PathBuf {
        Path::new(layout::RUNS_DIR).join(run_id.as_str())
    }

    /// The socket that the LOCK of a run names; who connects to it judges it first.
    pub fn named_socket(&self, run_id: &RunId) -> Option<PathBuf> {
        super::lock::named_socket(&*self.storage, &Self::run_path(run_id))
    }

    /// HEAD of a run, relative to the root of the storage.
    pub fn head_path(run_id: &RunId) -> PathBuf {
        Self::run_path(run_id).join(layout::HEAD)
    }

    /// The directory of a run that exists.
    fn existing(&self, run_id: &RunId) -> Result<PathBuf, JournalError> {
        self.storage.refresh(&Self::run_path(run_id))?;
        // Looked up in the listing, so that a link in the place of a run is not opened.
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

    /// When the first line of a run was written; `None`: it cannot be read. It orders runs whose ids have the same second.
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
        self.storage.refresh(Path::new(layout::RUNS_DIR))?;
        let listed = self.storage.list(Path::new(layout::RUNS_DIR))?;
        let directories = listed
            .into_iter()
            .filter(|listed| listed.kind == Kind::Directory);
        let mut runs: Vec<RunId> = directories
            .filter_map(|listed| listed.name.parse().ok())
            .collect();
        // By the time in the id, not by the id itself: the prefix depends on the profile and says nothing about age.
        runs.sort_by(|a, b| stamp(a).cmp(stamp(b)).then_with(|| a.cmp(b)));
        // Run ids have whole seconds. Only runs of the same second need a look into their journals.
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

/// The time in a run id.
fn stamp(run_id: &RunId) -> &str {
    run_id.as_str().rsplit('-').nth(1).unwrap_or_default()
}

//! Where runs are kept. Invariant: a run is found by its id or by a part of it that fits one run only.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::storage::{Kind, Storage};
use super::{
    Blobs, DiskStorage, JournalError, Permissions, Reader, Recovery, RunDirectory, StorageError,
    atomic, layout, manifest,
};
use crate::survey::UtcTime;

/// A place with runs in it: today a directory, later perhaps a shared database.
pub trait RunStore {
    /// Every run id, sorted by the time in it.
    fn runs(&self) -> Result<Vec<String>, JournalError>;
    /// Makes a new run, owned by this process.
    fn create(&self, run_id: &str) -> Result<RunDirectory, JournalError>;
    /// Takes over a run that is not sealed, and recovers it.
    fn open(&self, run_id: &str) -> Result<(RunDirectory, Recovery), JournalError>;
    /// Reads the journal of a run.
    fn reader(&self, run_id: &str) -> Result<Reader, JournalError>;
    /// The documents of a run.
    fn blobs(&self, run_id: &str) -> Result<Blobs, JournalError>;
    /// Whether a run has its seal.
    fn is_sealed(&self, run_id: &str) -> Result<bool, JournalError>;

    /// The run that a person means: its id, a prefix or suffix that fits one run only, or `last`.
    fn resolve(&self, query: &str) -> Result<String, JournalError> {
        let runs = self.runs()?;
        let not_found = || JournalError::NotFound {
            query: query.to_owned(),
        };
        if query.is_empty() {
            return Err(not_found());
        }
        if let Some(exact) = runs.iter().find(|run| *run == query) {
            return Ok(exact.clone());
        }
        if query == "last" {
            return runs.last().cloned().ok_or_else(not_found);
        }
        let fits = |run: &String| run.starts_with(query) || run.ends_with(query);
        let mut matches: Vec<String> = runs.into_iter().filter(fits).collect();
        match matches.len() {
            0 => Err(not_found()),
            1 => Ok(matches.remove(0)),
            _ => {
                matches.sort();
                let query = query.to_owned();
                Err(JournalError::Ambiguous { query, matches })
            }
        }
    }
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
    pub fn run_path(run_id: &str) -> PathBuf {
        Path::new(layout::RUNS_DIR).join(run_id)
    }

    fn existing(&self, run_id: &str) -> Result<PathBuf, JournalError> {
        let listed = self.storage.list(Path::new(layout::RUNS_DIR))?;
        let is = |listed: &super::Listed| listed.name == run_id && listed.kind == Kind::Directory;
        if listed.iter().any(is) {
            return Ok(Self::run_path(run_id));
        }
        let query = run_id.to_owned();
        Err(JournalError::NotFound { query })
    }

    /// When the first line of a run was written: orders runs of the same second.
    fn began(&self, run_id: &str) -> Option<UtcTime> {
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
    fn runs(&self) -> Result<Vec<String>, JournalError> {
        let listed = self.storage.list(Path::new(layout::RUNS_DIR))?;
        let runs = listed
            .into_iter()
            .filter(|listed| listed.kind == Kind::Directory && is_run_id(&listed.name));
        let mut runs: Vec<String> = runs.map(|listed| listed.name).collect();
        runs.sort_by(|a, b| stamp(a).cmp(stamp(b)).then_with(|| a.cmp(b)));
        for same in runs.chunk_by_mut(|a, b| stamp(a) == stamp(b)) {
            if same.len() > 1 {
                same.sort_by_cached_key(|run| (self.began(run), run.clone()));
            }
        }
        Ok(runs)
    }

    fn create(&self, run_id: &str) -> Result<RunDirectory, JournalError> {
        let path = Self::run_path(run_id);
        if !is_run_id(run_id) {
            let why = "a run id is <prefix>-<yyyymmddThhmmssZ>-<8 hex>";
            return Err(StorageError::refused("create", &path, why).into());
        }
        atomic::directory(&*self.storage, Path::new(layout::RUNS_DIR))?;
        RunDirectory::create(self.storage.clone(), &path)
    }

    fn open(&self, run_id: &str) -> Result<(RunDirectory, Recovery), JournalError> {
        let path = self.existing(run_id)?;
        RunDirectory::open(self.storage.clone(), &path)
    }

    fn reader(&self, run_id: &str) -> Result<Reader, JournalError> {
        let path = self.existing(run_id)?;
        Ok(Reader::new(self.storage.clone(), &path))
    }

    fn blobs(&self, run_id: &str) -> Result<Blobs, JournalError> {
        let path = self.existing(run_id)?;
        Ok(Blobs::new(self.storage.clone(), &path))
    }

    fn is_sealed(&self, run_id: &str) -> Result<bool, JournalError> {
        let path = self.existing(run_id)?;
        Ok(manifest::is_sealed(&*self.storage, &path)?)
    }
}

/// The time in a run id; run ids of different prefixes are ordered by it.
fn stamp(run_id: &str) -> &str {
    run_id.rsplit('-').nth(1).unwrap_or_default()
}

fn is_run_id(name: &str) -> bool {
    let mut parts = name.rsplitn(3, '-');
    let tail = parts.next().unwrap_or_default();
    let stamp = parts.next().unwrap_or_default();
    let prefix = parts.next().unwrap_or_default();
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let time = |(at, byte): (usize, u8)| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    tail.len() == 8
        && tail.bytes().all(hex)
        && stamp.len() == 16
        && stamp.bytes().enumerate().all(time)
        && prefix.starts_with(|first: char| first.is_ascii_alphanumeric())
        && prefix.bytes().all(word)
}

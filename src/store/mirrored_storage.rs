//! The data directory of this machine with a run store behind it: whoever holds a run commits to the store first.
//! Invariant: HEAD names no line, and no file of a held run has its name, that the store has not (`MirroredStorage::rename`; tests
//! `nothing_is_acknowledged_that_the_store_has_not` and its neighbours of tests/integration/store).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::file_statements::FileOwner;
use super::held_run::HeldRun;
use super::mirrored_file::{MirroredJournal, MirroredSideFile, StoreOrStorage, commit_file};
use super::mirrored_lease::{HeldRuns, Holder, MirroredLease};
use super::{StoreClient, StoreError, pull};
use crate::journal::{
    DiskStorage, Lease, Listed, RUNS_DIR, Stamp, Storage, StorageError, StorageFile, is_replicated,
    parse_head,
};
use crate::run::RunId;

/// How often a lock of this machine is tried, and the pause between: who brings a run here has it for a moment.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(30);

/// What was brought here is not asked for again within this time: one command opens a run many times.
const FRESH: Duration = Duration::from_millis(900);

/// Storage of this machine, mirrored into a run store.
#[derive(Debug)]
pub struct MirroredStorage {
    pub(super) disk: Arc<DiskStorage>,
    pub(super) client: Arc<StoreClient>,
    held: HeldRuns,
    refreshed: Mutex<HashMap<PathBuf, Instant>>,
    /// The version of each file that this machine was seen to have.
    pub(super) versions: Mutex<HashMap<(RunId, String), i64>>,
    /// The files beside a journal that a line may be added to, with the version that it follows.
    beside: Mutex<HashMap<PathBuf, i64>>,
    /// The store answered at the last look.
    is_reached: AtomicBool,
    /// How a person is told what was done here that nobody asked for.
    say: fn(&str),
    /// What was said: who follows a run looks again and again.
    said: Mutex<HashSet<String>>,
}

impl MirroredStorage {
    /// The data directory `disk` with the store behind it; a person is told through `say` what was set aside or left out.
    pub fn new(disk: DiskStorage, client: StoreClient, say: fn(&str)) -> Self {
        Self {
            disk: Arc::new(disk),
            client: Arc::new(client),
            held: Arc::default(),
            refreshed: Mutex::default(),
            versions: Mutex::default(),
            beside: Mutex::default(),
            is_reached: AtomicBool::new(true),
            say,
            said: Mutex::default(),
        }
    }

    /// The store.
    pub fn client(&self) -> &StoreClient {
        &self.client
    }

    /// Tells a person something, once.
    pub(super) fn tell(&self, text: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(text.to_owned()) {
            (self.say)(text);
        }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, Arc<HeldRun>>> {
        // A panic elsewhere leaves the map as it is.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run that a path is in and the name of the file below it, if this process holds the run.
    fn held(&self, path: &Path) -> Option<(Arc<HeldRun>, String)> {
        let (run_id, name) = split(path)?;
        Some((self.runs().get(&run_id)?.clone(), name))
    }

    fn fail(&self, path: &Path, error: impl Into<std::io::Error>) -> StorageError {
        StorageError::new(StorageError::COMMIT, &self.disk.root().join(path), error)
    }

    fn failed(&self, held: &HeldRun, path: &Path, error: StoreError) -> StorageError {
        let lost = held.lost(&error);
        lost.unwrap_or_else(|| self.fail(path, std::io::Error::other(error)))
    }

    /// Commits the lines up to a new HEAD, whose content is in `from`.
    pub(super) fn commit_lines(&self, held: &HeldRun, from: &Path) -> Result<(), StorageError> {
        let content = self.disk.read(from)?.unwrap_or_default();
        let to = parse_head(&content)
            .ok_or_else(|| self.fail(from, std::io::Error::other("HEAD has not its form")))?;
        held.commit(&self.client, to)
            .map_err(|error| self.failed(held, from, error))
    }

    /// Commits a file whose content is in `from` under its name in the run.
    pub(super) fn commit_file(
        &self,
        run_id: &RunId,
        from: &Path,
        name: &str,
        owner: FileOwner,
    ) -> Result<(), StoreOrStorage> {
        commit_file(&self.client, &self.disk, (run_id, name), from, owner)
    }

    /// Whether something was brought here a moment ago; if not, it is now.
    fn is_fresh(&self, directory: &Path) -> bool {
        let mut refreshed = self
            .refreshed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if refreshed
            .get(directory)
            .is_some_and(|at| now.duration_since(*at) < FRESH)
        {
            return true;
        }
        refreshed.insert(directory.to_owned(), now);
        false
    }
}

/// `runs/<run_id>/<name>` as run and name.
fn split(path: &Path) -> Option<(RunId, String)> {
    let below = path.strip_prefix(RUNS_DIR).ok()?;
    let mut parts = below.components();
    let run_id = parts.next()?.as_os_str().to_str()?.parse().ok()?;
    Some((run_id, parts.as_path().to_str()?.to_owned()))
}

/// Whether a file is written beside the journal, by whoever reviews or looks afterwards, and not by the holder alone.
pub(super) fn is_beside(name: &str) -> bool {
    ["reviews.jsonl", "hooks.jsonl", "outcomes.jsonl"].contains(&name)
}

const JOURNAL: &str = "journal.jsonl";
const LOCK: &str = "LOCK";
const HEAD: &str = "HEAD";

impl Storage for MirroredStorage {
    fn root(&self) -> &Path {
        self.disk.root()
    }

    fn create_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.disk.create_dir(path)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn StorageFile>, StorageError> {
        let file = self.disk.create(path)?;
        Ok(self.recorded(path, file))
    }

    fn open_write(&self, path: &Path, offset: u64) -> Result<Box<dyn StorageFile>, StorageError> {
        let file = self.disk.open_write(path, offset)?;
        Ok(self.recorded(path, file))
    }

    fn open_read(&self, path: &Path, offset: u64) -> Result<Box<dyn Read + Send>, StorageError> {
        self.disk.open_read(path, offset)
    }

    fn len(&self, path: &Path) -> Result<Option<u64>, StorageError> {
        self.disk.len(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        if let Some((held, name)) = self.held(to) {
            if name == HEAD {
                self.commit_lines(&held, from)?;
            } else if is_replicated(&name) {
                let owner = FileOwner::Holder { epoch: held.epoch };
                let committed = self.commit_file(&held.run_id, from, &name, owner);
                committed.map_err(|error| match error {
                    StoreOrStorage::Store(error) => self.failed(&held, to, error),
                    StoreOrStorage::Storage(error) => error,
                })?;
            }
        }
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<(), StorageError> {
        self.disk.remove(path)
    }

    fn link(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.disk.link(from, to)
    }

    fn remove_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.disk.remove_dir(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<Listed>, StorageError> {
        self.disk.list(path)
    }

    fn stamps(
        &self,
        directory: &Path,
        names: &[&str],
        files: &[&str],
    ) -> Result<Vec<Vec<Option<Stamp>>>, StorageError> {
        self.disk.stamps(directory, names, files)
    }

    fn sync_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.disk.sync_dir(path)
    }

    fn has_store(&self) -> bool {
        true
    }

    fn is_reached(&self) -> bool {
        self.is_reached.load(Ordering::Relaxed)
    }

    fn refresh(&self, directory: &Path) -> Result<(), StorageError> {
        if self.client.is_down() {
            self.is_reached.store(false, Ordering::Relaxed);
            return Ok(());
        }
        if self.is_fresh(directory) {
            return Ok(());
        }
        let pulled = match split(directory) {
            Some((run_id, _)) if self.runs().contains_key(&run_id) => Ok(()),
            Some((run_id, _)) => pull::run(self, &run_id),
            None => pull::newest(self),
        };
        let is_silent = matches!(
            pulled,
            Err(StoreOrStorage::Store(StoreError::Unreachable(_)))
        );
        self.is_reached.store(!is_silent, Ordering::Relaxed);
        match pulled {
            Err(StoreOrStorage::Store(error @ StoreError::Unreachable(_))) => {
                // What this machine has is read all the same.
                tracing::warn!(reason = ?error.to_string(), "what the run store has is not known here");
                Ok(())
            }
            Err(StoreOrStorage::Store(error)) => Err(StorageError::new(
                StorageError::BRING,
                &self.disk.root().join(directory),
                std::io::Error::other(error),
            )),
            Err(StoreOrStorage::Storage(error)) => Err(error),
            Ok(()) => Ok(()),
        }
    }

    fn rest(&self, at_most: Duration) {
        if self.client.rest(at_most) {
            let mut refreshed = self
                .refreshed
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            refreshed.clear();
        }
    }

    fn lease(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError> {
        let Some((run_id, name)) = split(path) else {
            return self.disk.lease(path);
        };
        let Some(mut lease) = self.locked(path)? else {
            return Ok(None);
        };
        if is_beside(&name) {
            let pulled = pull::beside(self, &run_id, &name);
            let after = pulled.map_err(|error| self.said(path, error))?;
            let mut beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
            match after {
                Some(version) => beside.insert(path.to_owned(), version),
                None => beside.remove(path),
            };
        }
        if name != LOCK {
            return Ok(Some(lease));
        }
        let role = self.client.identity().map(|identity| identity.role);
        let role = role.map_err(|error| self.said(path, error.into()))?;
        let holder = Holder::this_process(role).map_err(|error| self.fail(path, error))?;
        let taken = pull::take_up(self, &run_id, &holder);
        match taken.map_err(|error| self.said(path, error))? {
            pull::Claimed::Ours(held) => {
                self.runs().insert(run_id.clone(), Arc::clone(&held));
                Ok(Some(Box::new(MirroredLease {
                    lease,
                    run: held,
                    runs: Arc::clone(&self.held),
                    client: Arc::clone(&self.client),
                })))
            }
            pull::Claimed::Sealed => Ok(Some(lease)),
            pull::Claimed::Held { holder, held_s } => {
                // LOCK names the holder, where whoever asks looks for it.
                lease.write(&Holder::elsewhere(&holder, held_s))?;
                Ok(None)
            }
        }
    }

    fn written_paths(&self) -> BTreeSet<PathBuf> {
        self.disk.written_paths()
    }
}

impl MirroredStorage {
    /// Takes a lock of this machine.
    fn locked(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError> {
        let mut tries = LOCK_TRIES;
        loop {
            let lease = self.disk.lease(path)?;
            tries -= 1;
            if lease.is_some() || tries == 0 {
                return Ok(lease);
            }
            std::thread::sleep(LOCK_PAUSE);
        }
    }

    fn said(&self, path: &Path, error: StoreOrStorage) -> StorageError {
        match error {
            StoreOrStorage::Store(error) => self.fail(path, std::io::Error::other(error)),
            StoreOrStorage::Storage(error) => error,
        }
    }

    /// A file whose bytes the store will get: the journal of a held run with the next HEAD, a file beside it at each sync.
    fn recorded(&self, path: &Path, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        match (split(path), beside.get(path)) {
            (Some((run_id, name)), Some(after)) => Box::new(MirroredSideFile {
                file,
                run_id,
                name,
                path: path.to_owned(),
                after: *after,
                disk: Arc::clone(&self.disk),
                client: Arc::clone(&self.client),
            }),
            (Some((run_id, name)), None) if name == JOURNAL => match self.runs().get(&run_id) {
                Some(run) => Box::new(MirroredJournal {
                    file,
                    run: Arc::clone(run),
                    client: Arc::clone(&self.client),
                }),
                None => file,
            },
            _ => file,
        }
    }
}

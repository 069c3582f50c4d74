//! Sealed runs that were removed, and what is left of each: a file with head, result, who and when.
//! Invariant: what is left is durable before anything of the run is taken away, and only a sealed run that reads and that nobody
//! holds is taken away (`DirectoryStore::remove`; test `of_a_removed_run_the_head_stays` of tests/journal.rs).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::head::Head;
use super::lock::RunLock;
use super::storage::Kind;
use super::{
    Corrupt, DirectoryStore, JournalError, RunStore, StorageError, atomic, index, layout, manifest,
    misplaced,
};
use crate::run::{Overview, Person, RunId, RunRow, RunStatus};
use crate::survey::{Digest, UtcTime};

/// What is left of a removed run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedRun {
    /// What its journal said.
    pub run: Overview,
    /// Sequence number of its last journal line.
    pub seq: u64,
    /// SHA-256 of its last journal line: a copy kept elsewhere is checked by it.
    pub head: Digest,
    /// SHA-256 of its manifest.
    pub manifest_sha256: Digest,
    /// When it was removed.
    pub removed_at: UtcTime,
    /// Who removed it.
    pub removed_by: Person,
}

impl DirectoryStore {
    /// Takes a sealed run away and leaves what [`RemovedRun`] says.
    pub fn remove(
        &self,
        run_id: &RunId,
        removed_at: UtcTime,
        removed_by: Person,
    ) -> Result<RemovedRun, JournalError> {
        let storage = self.storage();
        let run = Self::run_path(run_id);
        self.clear_removed()?;
        let refused =
            |why: &'static str| StorageError::refused("remove", &storage.root().join(&run), why);
        if !manifest::is_sealed(&**storage, &run)? {
            return Err(refused("it is not sealed").into());
        }
        // Held until it is gone: a hook or a note may still be written beside the seal.
        let _lock = RunLock::acquire(storage.clone(), &run)?;
        let overview = match index::standing(storage, run_id.as_str()) {
            RunStatus::Run(overview) => *overview,
            RunStatus::Damaged { reason }
            | RunStatus::Newer { reason }
            | RunStatus::Foreign { reason }
            | RunStatus::NeverBegun { reason }
            | RunStatus::Unreadable { reason } => {
                return Err(Corrupt::file(run_id.as_str(), reason).into());
            }
        };
        let head = Head::read(&**storage, &run)?;
        let (Some(head), Some(sums)) = (head, storage.read(&run.join(manifest::MANIFEST))?) else {
            return Err(refused("it has no HEAD").into());
        };
        let removed = RemovedRun {
            run: overview,
            seq: head.seq(),
            head: head.sha256(),
            manifest_sha256: Digest::of(&sums),
            removed_at,
            removed_by,
        };
        let mut left =
            serde_json::to_vec(&removed).map_err(|why| JournalError::Encode(why.to_string()))?;
        left.push(b'\n');
        let place = Path::new(layout::REMOVED_DIR);
        atomic::directory(&**storage, place)?;
        atomic::replace(&**storage, &Self::removed_path(run_id), &left)?;
        // In one step, so that no half of a run is ever listed.
        storage.rename(&run, &place.join(format!("{}{run_id}", layout::TEMPORARY)))?;
        storage.sync_dir(Path::new(layout::RUNS_DIR))?;
        self.clear_removed()?;
        Ok(removed)
    }

    /// What is left here of a run that was removed, relative to the root of the storage.
    pub fn removed_path(run_id: &RunId) -> PathBuf {
        Path::new(layout::REMOVED_DIR).join(format!("{run_id}.json"))
    }

    /// Takes away what processes left that died before the first record of their runs, of those that are wanted. What a run that
    /// began has, or anything that drygate did not make, keeps it there.
    pub fn clear_never_begun(
        &self,
        wanted: &dyn Fn(&RunId) -> bool,
    ) -> Result<Vec<RunRow>, JournalError> {
        let mut cleared = Vec::new();
        for run_id in self.runs()?.into_iter().filter(wanted) {
            let standing = index::standing(self.storage(), run_id.as_str());
            if matches!(standing, RunStatus::NeverBegun { .. }) {
                self.clear(&run_id)?;
                let name = run_id.to_string();
                cleared.push(RunRow { name, standing });
            }
        }
        Ok(cleared)
    }

    fn clear(&self, run_id: &RunId) -> Result<(), JournalError> {
        let storage = self.storage();
        let run = Self::run_path(run_id);
        self.clear_removed()?;
        let refused =
            |why: &'static str| StorageError::refused("remove", &storage.root().join(&run), why);
        // Held until it is gone: the process that makes the run may be alive.
        let _lock = RunLock::acquire(storage.clone(), &run)?;
        if !matches!(
            index::standing(storage, run_id.as_str()),
            RunStatus::NeverBegun { .. }
        ) {
            return Err(refused("it was begun").into());
        }
        let made = [
            layout::LOCK,
            layout::IN_STORE,
            layout::JOURNAL,
            layout::BLOBS_DIR,
            layout::UNITS_DIR,
            layout::TORN_DIR,
        ];
        let listed = storage.list(&run)?;
        let strange = listed.iter().any(|listed| {
            let known = made.contains(&listed.name.as_str());
            !known && !layout::is_temporary(Path::new(&listed.name))
        });
        if strange || !misplaced(&**storage, &run)?.is_empty() {
            return Err(refused("there is more in it than the beginning of a run").into());
        }
        let place = Path::new(layout::REMOVED_DIR);
        atomic::directory(&**storage, place)?;
        storage.rename(&run, &place.join(format!("{}{run_id}", layout::TEMPORARY)))?;
        storage.sync_dir(Path::new(layout::RUNS_DIR))?;
        self.clear_removed()
    }

    /// What is left of the runs that were removed, in the order of their names. A file that does not read is an error.
    pub fn removed(&self) -> Result<Vec<RemovedRun>, JournalError> {
        let place = Path::new(layout::REMOVED_DIR);
        let mut removed = Vec::new();
        for listed in self.storage().list(place)? {
            if listed.kind != Kind::File || listed.name.strip_suffix(".json").is_none() {
                continue;
            }
            let file = place.join(&listed.name);
            let text = self.storage().read(&file)?.unwrap_or_default();
            let read = serde_json::from_slice(&text);
            removed.push(read.map_err(|why| {
                Corrupt::file(file.display().to_string(), format!("cannot be read: {why}"))
            })?);
        }
        Ok(removed)
    }

    /// Deletes what was moved out of the runs, now or before a crash.
    fn clear_removed(&self) -> Result<(), JournalError> {
        let place = Path::new(layout::REMOVED_DIR);
        for listed in self.storage().list(place)? {
            let gone: PathBuf = self.storage().root().join(place).join(&listed.name);
            if listed.kind == Kind::Directory && layout::is_temporary(&gone) {
                let deleted = std::fs::remove_dir_all(&gone);
                deleted.map_err(|error| StorageError::new("delete", &gone, error))?;
            }
        }
        Ok(())
    }
}

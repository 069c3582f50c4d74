//! A data directory with runs in it, each told by a script. Invariant: what is written are real journals with chain and HEAD,
//! made by the product's own writer; only that a disk would have them after a power failure is not waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drygate::journal::{
    DirectoryStore, DiskStorage, Lease, Listed, Permissions, RunIndex, RunStore, Storage,
    StorageError, StorageFile,
};
use drygate::run::{Event, RunId, RunRow};
use drygate::survey::UtcTime;

use drygate::testing::ScriptedRun;

/// A data directory of a test or bench.
pub struct Home {
    pub path: PathBuf,
    pub store: DirectoryStore,
}

impl Home {
    /// The store at that path, empty so far.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            store: DirectoryStore::new(path, Permissions::private()).expect("a data directory"),
        }
    }

    /// Writes the run that `script` tells, under another id and moved in time, with `change` made to how it was created.
    pub fn write(
        &self,
        script: &ScriptedRun,
        run_id: &str,
        change: &dyn Fn(&mut drygate::run::RunCreated),
    ) -> PathBuf {
        let run_id: RunId = run_id.parse().expect("a run id");
        let from = script.records.first().expect("an event").at;
        let shift = run_id.started().expect("a time").unix_micros() - from.unix_micros();
        let moved = |at: UtcTime| UtcTime::from_unix_micros(at.unix_micros() + shift);
        let mut by_time: BTreeMap<UtcTime, Vec<Event>> = BTreeMap::new();
        for record in &script.records {
            let mut event = (*record.event).clone();
            if let Event::RunCreated(created) = &mut event {
                created.run_id = run_id.clone();
                change(created);
            }
            by_time.entry(moved(record.at)).or_default().push(event);
        }
        let disk = DiskStorage::open(&self.path, Permissions::private()).expect("a data directory");
        let unsynced = DirectoryStore::on(Arc::new(Unsynced(disk)));
        let mut directory = unsynced.create(&run_id).expect("a new run");
        for (at, events) in by_time {
            directory.append_all(at, &events).expect("it is written");
        }
        let path = self.path.join(DirectoryStore::run_path(&run_id));
        if script.run.sealed.is_some() {
            directory.seal().expect("it is sealed");
        }
        path
    }

    /// The rows of the index, brought up to date and kept, and how many journals were read for it.
    pub fn rows(&self) -> (Vec<RunRow>, usize) {
        let mut index = RunIndex::look(&self.store).expect("it lists");
        let mut read = 0;
        index.read_changed(&mut |_, _| read += 1);
        index.keep();
        (index.rows().cloned().collect(), read)
    }

    /// The file of the index.
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache/runs.jsonl")
    }
}

/// Changes one byte of a file, and leaves its length as it is.
pub fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("it is written");
}

/// The real disk, which is never waited for.
#[derive(Debug)]
struct Unsynced(DiskStorage);

impl Storage for Unsynced {
    fn root(&self) -> &Path {
        self.0.root()
    }
    fn create_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.0.create_dir(path)
    }
    fn create(&self, path: &Path) -> Result<Box<dyn StorageFile>, StorageError> {
        Ok(Box::new(UnsyncedFile(self.0.create(path)?)))
    }
    fn open_write(&self, path: &Path, offset: u64) -> Result<Box<dyn StorageFile>, StorageError> {
        Ok(Box::new(UnsyncedFile(self.0.open_write(path, offset)?)))
    }
    fn open_read(&self, path: &Path, offset: u64) -> Result<Box<dyn Read + Send>, StorageError> {
        self.0.open_read(path, offset)
    }
    fn len(&self, path: &Path) -> Result<Option<u64>, StorageError> {
        self.0.len(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &Path) -> Result<(), StorageError> {
        self.0.remove(path)
    }
    fn link(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.0.link(from, to)
    }
    fn remove_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.0.remove_dir(path)
    }
    fn list(&self, path: &Path) -> Result<Vec<Listed>, StorageError> {
        self.0.list(path)
    }
    fn sync_dir(&self, _path: &Path) -> Result<(), StorageError> {
        Ok(())
    }
    fn lease(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError> {
        self.0.lease(path)
    }
    fn written_paths(&self) -> BTreeSet<PathBuf> {
        self.0.written_paths()
    }
}

#[derive(Debug)]
struct UnsyncedFile(Box<dyn StorageFile>);

impl StorageFile for UnsyncedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.write(bytes)
    }
    fn cut(&mut self) -> Result<(), StorageError> {
        self.0.cut()
    }
    fn sync(&mut self) -> Result<(), StorageError> {
        Ok(())
    }
}

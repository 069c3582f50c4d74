//! The directory of a run, with everything that its owner may write.
//! Invariant: a value exists only while the run is locked and has no manifest. Held by `RunDirectory::open`, and by
//! `RunDirectory::seal`, which consumes the value.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::imported::imported_from;
use super::in_store::refuse_without_store;
use super::lock::{RunLock, name};
use super::storage::Storage;
use super::{
    Appended, Blobs, HookRecords, JournalError, JournalReader, JournalWriter, Ledgers, Recovery,
    RunCopy, StorageError, UnitLedger, atomic, layout, manifest,
};
use crate::survey::{Digest, UtcTime};

/// A run that this process owns until the value is dropped.
#[derive(Debug)]
pub struct RunDirectory {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    writer: JournalWriter,
}

impl RunDirectory {
    /// Makes the directory of a new run, locks it and starts its journal. The parent directory must exist.
    pub fn create(storage: Arc<dyn Storage>, run: &Path) -> Result<Self, JournalError> {
        if !storage.list(run)?.is_empty() {
            let why = "the directory is there already";
            return Err(StorageError::refused("create", &storage.root().join(run), why).into());
        }
        atomic::directory(&*storage, run)?;
        let lock = RunLock::acquire(storage.clone(), run)?;
        // Synced with the name of the journal: `JournalWriter::create` syncs this directory.
        for directory in [layout::BLOBS_DIR, layout::UNITS_DIR] {
            storage.create_dir(&run.join(directory))?;
        }
        let writer = JournalWriter::create(storage.clone(), run, lock)?;
        Ok(Self {
            storage,
            run: run.to_owned(),
            writer,
        })
    }

    /// Takes over a run that is not sealed: locks it and recovers its journal.
    pub fn open(storage: Arc<dyn Storage>, run: &Path) -> Result<(Self, Recovery), JournalError> {
        refuse_sealed(&*storage, run)?;
        if imported_from(&*storage, run)?.is_some() {
            return Err(JournalError::Imported { run: name(run) });
        }
        refuse_without_store(&*storage, run)?;
        let lock = RunLock::acquire(storage.clone(), run)?;
        // Asked again under the lock: the owner may have sealed the run and ended since the first check.
        refuse_sealed(&*storage, run)?;
        for directory in [layout::BLOBS_DIR, layout::UNITS_DIR] {
            storage.create_dir(&run.join(directory))?;
        }
        let (writer, recovery) = JournalWriter::open(storage.clone(), run, lock)?;
        let directory = Self {
            storage,
            run: run.to_owned(),
            writer,
        };
        Ok((directory, recovery))
    }

    /// The name of the directory: the run id.
    pub fn run_id(&self) -> String {
        name(&self.run)
    }

    /// The storage it is on, with its record of written paths.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Names the socket on which this process listens in LOCK, where other processes look for it.
    pub fn name_socket(&mut self, socket: &Path) -> Result<(), JournalError> {
        self.writer.name_socket(socket)
    }

    /// Says whether the run waits for a person: where runs are kept in a store, another machine may take over one that waits.
    pub fn waits(&self, waits: bool) {
        self.writer.waits(waits);
    }

    /// Whether this process still owns the run and no write has failed.
    pub fn permitted(&self) -> Result<(), JournalError> {
        self.writer.permitted()
    }

    /// Appends one event; durable on return.
    pub fn append<E: Serialize>(
        &mut self,
        at: UtcTime,
        event: &E,
    ) -> Result<Appended, JournalError> {
        self.writer.append(at, event)
    }

    /// Appends several events with one sync; durable on return.
    #[cfg(any(test, feature = "testing"))]
    pub fn append_all<E: Serialize>(
        &mut self,
        at: UtcTime,
        events: &[E],
    ) -> Result<Vec<Appended>, JournalError> {
        self.writer.append_all(at, events)
    }

    /// The blobs of the run.
    pub fn blobs(&self) -> Blobs {
        Blobs::new(self.storage.clone(), &self.run)
    }

    /// The complete unit ledgers of the run.
    pub fn ledgers(&self) -> Ledgers {
        Ledgers::new(self.storage.clone(), &self.run)
    }

    /// A copy of the run as it stands, for another process.
    pub fn copy(&self) -> Result<RunCopy, JournalError> {
        self.writer.permitted()?;
        Ok(RunCopy::make(
            self.storage.clone(),
            &self.run,
            &self.run_id(),
        )?)
    }

    /// A new reader of the journal. It reads from the disk, not from what this process knows.
    pub fn reader(&self) -> JournalReader {
        JournalReader::new(self.storage.clone(), &self.run)
    }

    /// The hook records of the run.
    pub fn hook_records(&self) -> HookRecords {
        HookRecords::new(self.storage.clone(), &self.run)
    }

    /// Begins the unit ledger of a step.
    pub fn unit_ledger(&self, round: u32, step: &str) -> Result<UnitLedger, JournalError> {
        self.writer.permitted()?;
        UnitLedger::begin(self.storage.clone(), &self.run, round, step)
    }

    /// Replaces `sidecar.json`, `context.json` or a file of `kb/` atomically; durable on return.
    pub fn write_file(&mut self, file: &str, content: &[u8]) -> Result<(), JournalError> {
        let path = self.run.join(file);
        let report = file.strip_prefix("kb/");
        // One name directly below kb/, not hidden: a name with `/` could lead elsewhere, one with a dot could
        // look like a temporary file.
        let named = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains('/');
        if !matches!(file, "sidecar.json" | "context.json") && !report.is_some_and(named) {
            let why = "only sidecar.json, context.json and kb/ are written this way";
            return Err(StorageError::refused("write", &path, why).into());
        }
        self.writer.permitted()?;
        if report.is_some() {
            atomic::directory(&*self.storage, &self.run.join("kb"))?;
        }
        self.writer.replace_file(Path::new(file), content)
    }

    /// What the key hashes of the run are salted with: random, made when it is first asked for.
    pub fn key_salt(&self) -> Result<String, JournalError> {
        let path = self.run.join(layout::SALT);
        if let Some(salt) = kept_salt(&*self.storage, &self.run)? {
            return Ok(salt);
        }
        self.writer.permitted()?;
        let salt = random_salt().map_err(|error| {
            let place = self.storage.root().join(&path);
            StorageError::new("make a salt for", &place, error)
        })?;
        atomic::replace(&*self.storage, &path, salt.as_bytes())?;
        Ok(salt)
    }

    /// The content of a file of the run; `None`: it is not there.
    pub fn read_file(&self, file: &str) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.storage.read(&self.run.join(file))?)
    }

    /// Writes the manifest and ends the ownership: no file that it lists is opened for writing again. Gives
    /// the SHA-256 of the manifest.
    pub fn seal(self) -> Result<Digest, JournalError> {
        self.writer.permitted()?;
        if !self.writer.sealed() {
            let run = self.run_id();
            return Err(JournalError::NotEnded { run });
        }
        // Names of files in the run's directory are made durable before the manifest lists them.
        self.storage.sync_dir(&self.run)?;
        manifest::write(&*self.storage, &self.run)
    }
}

/// What the key hashes of a run are salted with; `None`: it was not asked for yet, or the run was imported without it.
pub fn kept_salt(storage: &dyn Storage, run: &Path) -> Result<Option<String>, JournalError> {
    let salt = storage.read(&run.join(layout::SALT))?;
    Ok(salt.map(|salt| String::from_utf8_lossy(&salt).into_owned()))
}

/// 128 random bits, in hex.
pub fn random_salt() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn refuse_sealed(storage: &dyn Storage, run: &Path) -> Result<(), JournalError> {
    if manifest::is_sealed(storage, run)? {
        return Err(JournalError::Sealed { run: name(run) });
    }
    Ok(())
}

//! The unit ledger: what one step decided for each unit, streamed. Invariant: a ledger under its name is complete; a step done again replaces it whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::storage::{Storage, StorageFile};
use super::{Corrupt, JournalError, StorageError, atomic, layout, to_ascii_json};
use crate::survey::{Digest, Hasher};

const BUFFER_BYTES: usize = 1 << 18;

/// A ledger being written. Memory does not grow with its rows.
#[derive(Debug)]
pub struct UnitLedger {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    name: String,
    file: Box<dyn StorageFile>,
    buffer: Vec<u8>,
    hasher: Hasher,
    rows: u64,
    bytes: u64,
}

/// A ledger that is complete and durable, as the last `units_progressed` records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitLedgerFile {
    /// Its path relative to the directory of the run.
    pub file: String,
    /// Its lines.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// The complete ledgers of one run, to be read.
#[derive(Debug, Clone)]
pub struct Ledgers {
    storage: Arc<dyn Storage>,
    run: PathBuf,
}

impl Ledgers {
    /// The ledgers of the run in this directory of the storage.
    pub fn new(storage: Arc<dyn Storage>, run: &Path) -> Self {
        Self {
            storage,
            run: run.to_owned(),
        }
    }

    /// The text of a ledger, by its name and digest as the journal records them.
    pub fn text(&self, file: &str, sha256: &Digest) -> Result<String, JournalError> {
        let bytes = self.storage.read(&self.run.join(file))?;
        let bytes = bytes.ok_or_else(|| Corrupt::file(file, "is missing"))?;
        let changed = || Corrupt::file(file, "is not what units_progressed recorded");
        if Digest::of(&bytes) != *sha256 {
            return Err(changed().into());
        }
        Ok(String::from_utf8(bytes).map_err(|_| changed())?)
    }
}

impl UnitLedger {
    /// Begins the ledger of a step; `step` is lowercase letters, as in `cut`.
    pub fn begin(
        storage: Arc<dyn Storage>,
        run: &Path,
        round: u32,
        step: &str,
    ) -> Result<Self, JournalError> {
        let name = format!("{}/{round}-{step}.jsonl", layout::UNITS_DIR);
        let path = run.join(&name);
        if step.is_empty() || !step.bytes().all(|byte| byte.is_ascii_lowercase()) {
            let why = "the step of a unit ledger is lowercase letters";
            return Err(StorageError::refused("create", &path, why).into());
        }
        Ok(Self {
            file: storage.create(&atomic::temporary(&path))?,
            storage,
            path,
            name,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            hasher: Hasher::new(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Adds a row.
    pub fn push<T: Serialize>(&mut self, row: &T) -> Result<(), JournalError> {
        let row = to_ascii_json(row).map_err(|why| JournalError::Encode(why.to_string()))?;
        self.buffer.extend_from_slice(&row);
        self.buffer.push(b'\n');
        self.rows += 1;
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Makes the ledger durable under its name.
    pub fn finish(mut self) -> Result<UnitLedgerFile, JournalError> {
        self.flush()?;
        self.file.sync()?;
        atomic::publish(&*self.storage, &atomic::temporary(&self.path), &self.path)?;
        Ok(UnitLedgerFile {
            file: self.name,
            rows: self.rows,
            bytes: self.bytes,
            sha256: self.hasher.finish(),
        })
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.hasher.update(&self.buffer);
        self.bytes += self.buffer.len() as u64;
        self.file.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

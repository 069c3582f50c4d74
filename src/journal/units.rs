//! Unit ledgers, `units/<round>-<step>.jsonl`: what one step decided for each unit, written as a stream.
//! Invariant: a ledger under its final name is complete, and a step done again replaces it as a whole. Held by
//! `UnitLedger::finish` and the test `a_step_done_again_replaces_its_ledger_whole` of tests/journal.rs.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::recovery::copy;
use super::storage::{Storage, StorageFile};
use super::{Corrupt, JournalError, LINE_BYTES_MAX, StorageError, atomic, layout, to_ascii_json};
use crate::run::LedgerRef;
use crate::survey::{Digest, Hasher};

/// Bytes that are collected before they are written, 256 KiB.
const BUFFER_BYTES: usize = 1 << 18;

/// A ledger that is being written under a temporary name. Memory does not grow with its rows.
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

/// The complete ledgers of one run, for reading.
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

    /// The lines of a ledger, one after the other.
    pub fn lines(&self, file: &str) -> Result<LedgerLines, JournalError> {
        let path = self.run.join(file);
        let input = match self.storage.len(&path)? {
            Some(_) => Some(self.storage.open_read(&path, 0)?),
            None => None,
        };
        Ok(LedgerLines {
            input: input.map(|input| BufReader::with_capacity(BUFFER_BYTES, input)),
            path: self.storage.root().join(path),
            hasher: Hasher::new(),
            bytes: 0,
            failed: None,
        })
    }

    /// Checks the bytes of a ledger without holding them in memory.
    pub fn check(&self, file: &str, sha256: &Digest) -> Result<(), JournalError> {
        let path = self.run.join(file);
        if self.storage.len(&path)?.is_none() {
            return Err(Corrupt::file(file, "is missing").into());
        }
        let (_, found) = copy(&*self.storage, &path, 0, &mut |_| Ok(()))?;
        if found == *sha256 {
            return Ok(());
        }
        Err(Corrupt::file(file, "is not what units_progressed recorded").into())
    }

    /// The text of a ledger, by name and digest as the journal has them. Missing or changed bytes are an error.
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

/// The lines of a ledger, which has tens of millions of them, without their newlines. They end where one cannot be read.
pub struct LedgerLines {
    /// `None`: there is no such file.
    input: Option<BufReader<Box<dyn Read + Send>>>,
    path: PathBuf,
    hasher: Hasher,
    bytes: u64,
    failed: Option<StorageError>,
}

impl Iterator for LedgerLines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let input = self.input.as_mut()?;
        // No line of ours is longer than one of the journal: a file without newlines must not fill the memory.
        let read = input
            .take(LINE_BYTES_MAX as u64)
            .read_until(b'\n', &mut line);
        if let Err(source) = read {
            self.failed = Some(StorageError::new("read", &self.path, source));
            return None;
        }
        if line.is_empty() {
            return None;
        }
        self.hasher.update(&line);
        self.bytes += line.len() as u64;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        String::from_utf8(line).ok()
    }
}

impl LedgerLines {
    /// Reads the rest, and says whether the whole file has this length and digest.
    pub fn is(mut self, bytes: u64, sha256: &Digest) -> Result<bool, JournalError> {
        let mut piece = vec![0; 1 << 16];
        while let Some(input) = &mut self.input {
            let read = input.read(&mut piece);
            let read = read.map_err(|source| StorageError::new("read", &self.path, source))?;
            if read == 0 {
                break;
            }
            self.hasher.update(&piece[..read]);
            self.bytes += read as u64;
        }
        if let Some(failed) = self.failed {
            return Err(failed.into());
        }
        Ok(self.input.is_some() && self.bytes == bytes && self.hasher.finish() == *sha256)
    }
}

impl UnitLedger {
    /// Begins the ledger of a step. `step` is lowercase letters, as in `cut`: it becomes a part of a file name.
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
            // The final name comes only in `finish`, so that an interrupted step leaves an older ledger in place.
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

    /// Adds the row of one unit.
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

    /// Syncs the ledger and renames it to its final name. What it gives is what the journal records.
    pub fn finish(mut self) -> Result<LedgerRef, JournalError> {
        self.flush()?;
        self.file.sync()?;
        atomic::publish(&*self.storage, &atomic::temporary(&self.path), &self.path)?;
        Ok(LedgerRef {
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

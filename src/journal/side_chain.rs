//! A file beside the journal with a hash chain of its own: `reviews.jsonl`, `hooks.jsonl`.
//! Invariant: there is one writer at a time, and no file of the run's evidence is changed. Held by `SideChain::append`. What a
//! crash left of a line is set aside by the next append and never taken for damage (test
//! `half_a_line_of_a_side_file_is_set_aside_and_said` of tests/journal.rs).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::chain::{ChainPosition, digest};
use super::format::{JournalEntry, VERSION, encode_line};
use super::head::Head;
use super::header::HeaderFault;
use super::in_store::refuse_without_store;
use super::journal_walk::{CheckedLine, scan};
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};
use crate::survey::{Digest, UtcTime};

/// One side file of one run.
#[derive(Debug, Clone)]
pub(super) struct SideChain {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    file: &'static str,
}

/// A side file as it was read.
struct SideLines<E> {
    entries: Vec<JournalEntry<E>>,
    /// The position behind the last whole line.
    end: ChainPosition,
    /// What a crash left behind it.
    torn: Vec<u8>,
}

impl SideChain {
    /// The side file of this name, of the run in this directory of the storage.
    pub fn new(storage: Arc<dyn Storage>, run: &Path, file: &'static str) -> Self {
        Self {
            storage,
            run: run.to_owned(),
            file,
        }
    }

    /// All entries. A broken chain is an error; half a line behind the last one is left out.
    pub fn read<E: DeserializeOwned>(&self) -> Result<Vec<JournalEntry<E>>, JournalError> {
        Ok(self.lines()?.entries)
    }

    /// What is wrong with the file: a broken chain, or half a line that a crash left behind. `None`: nothing.
    pub fn damage<E: DeserializeOwned>(&self) -> Result<Option<Corrupt>, JournalError> {
        let lines = match self.lines::<E>() {
            Err(JournalError::Corrupt(broken)) => return Ok(Some(broken)),
            lines => lines?,
        };
        let torn = || {
            let what = format!(
                "half a line of {} bytes: what a crash left, and no record",
                lines.torn.len()
            );
            Corrupt::at(self.file, lines.end.seq() + 1, lines.end.offset(), what)
        };
        Ok((!lines.torn.is_empty()).then(torn))
    }

    /// Appends one entry that `make` builds from the head of the journal; durable on return.
    pub fn append<E: Serialize + DeserializeOwned>(
        &self,
        at: UtcTime,
        make: impl FnOnce(Head) -> E,
    ) -> Result<JournalEntry<E>, JournalError> {
        refuse_without_store(&*self.storage, &self.run)?;
        let path = self.path();
        // A flock on the file itself: two processes may append while nobody holds the run. The kernel frees
        // it when its process dies.
        let lease = self.storage.lease(&path)?;
        let _lease = lease.ok_or_else(|| JournalError::Locked {
            run: format!("{} of {}", self.file, super::lock::name(&self.run)),
            pid: None,
            host: None,
            lease_s: None,
        })?;
        let head = self
            .head()?
            .ok_or_else(|| Corrupt::file(layout::HEAD, "is missing"))?;
        // Read under the lock, so that the new line follows the last one. The whole file is checked before it grows.
        let SideLines { end, torn, .. } = self.lines::<E>()?;
        if !torn.is_empty() {
            self.set_aside(&torn)?;
        }
        let event = make(head);
        let mut line = encode_line(end.seq(), at, &end.prev(), &event)?;
        let entry = JournalEntry {
            v: VERSION,
            seq: end.seq(),
            at,
            prev: end.prev(),
            sha256: Digest::of(&line),
            event,
        };
        line.push(b'\n');
        let mut file = self.storage.open_write(&path, end.offset())?;
        file.write(&line)?;
        // Half a line may have been longer.
        file.cut()?;
        file.sync()?;
        // The file may be new.
        self.storage.sync_dir(&self.run)?;
        Ok(entry)
    }

    /// HEAD of the journal; `None`: there is none.
    pub fn head(&self) -> Result<Option<Head>, JournalError> {
        Head::read(&*self.storage, &self.run)
    }

    /// SHA-256 of the journal lines with these numbers. Lines that the journal does not have are missing in the answer.
    pub fn journal_lines(
        &self,
        asked: &BTreeSet<u64>,
    ) -> Result<BTreeMap<u64, Digest>, JournalError> {
        let mut lines = BTreeMap::new();
        let mut note = |line: CheckedLine<'_>| {
            let seq = line.header.seq;
            if asked.contains(&seq) {
                lines.insert(seq, digest(&line.sha256));
            }
            Ok(())
        };
        scan(&*self.storage, &self.run, &mut note)?;
        Ok(lines)
    }

    /// Keeps what a crash left of a line, durably, before the next line is written over it.
    fn set_aside(&self, torn: &[u8]) -> Result<(), JournalError> {
        let path = self.run.join(layout::torn(self.file));
        tracing::warn!(?path, bytes = torn.len(), "half a line was set aside");
        let mut file = match self.storage.len(&path)? {
            Some(bytes) => self.storage.open_write(&path, bytes)?,
            None => self.storage.create(&path)?,
        };
        file.write(torn)?;
        file.write(b"\n")?;
        file.sync()?;
        Ok(self.storage.sync_dir(&self.run)?)
    }

    /// Reads and checks the whole file.
    fn lines<E: DeserializeOwned>(&self) -> Result<SideLines<E>, JournalError> {
        // A missing file is an empty chain.
        let content = self.storage.read(&self.path())?.unwrap_or_default();
        let mut position = ChainPosition::start();
        let mut entries = Vec::new();
        for (nth, line) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let (number, at) = (nth as u64 + 1, position.offset());
            let broken = |what: &str| Corrupt::at(self.file, number, at, what);
            // A record is durable with its end before it is acknowledged: what has none is no record.
            let Some(line) = line.strip_suffix(b"\n") else {
                let torn = line.to_owned();
                return Ok(SideLines {
                    entries,
                    end: position,
                    torn,
                });
            };
            let header = position
                .pass(line)
                .map_err(|_| broken("does not follow the line before it"))?;
            let unread = |fault: HeaderFault| {
                Corrupt::at(self.file, number, at + fault.at as u64, fault.what)
            };
            entries.push(JournalEntry::decode(line, &header, &position.prev).map_err(unread)?);
        }
        Ok(SideLines {
            entries,
            end: position,
            torn: Vec::new(),
        })
    }

    fn path(&self) -> PathBuf {
        self.run.join(self.file)
    }
}

//! Appending to a journal. Invariant: what is returned is durable, line and HEAD; after one failure nothing more is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::chain::{ChainPosition, Hex, digest, sha256};
use super::format::{SEALING_EVENT, encode_line};
use super::head::Head;
use super::header::LineHeader;
use super::lock::{RunLock, name};
use super::recovery::{Recovery, recover};
use super::storage::{Storage, StorageFile};
use super::{JournalError, atomic, layout};
use crate::survey::{Digest, UtcTime};

/// The one writer of a run.
#[derive(Debug)]
pub struct JournalWriter {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    lock: RunLock,
    file: Box<dyn StorageFile>,
    position: ChainPosition,
    sealed: bool,
    first_failure: Option<String>,
}

/// A line that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its number.
    pub seq: u64,
    /// Its digest, which HEAD has too if it is the last.
    pub sha256: Digest,
    /// The line without its newline.
    pub line: String,
}

struct Encoded {
    line: Vec<u8>,
    sha256: Hex,
}

impl JournalWriter {
    /// Starts a journal in a directory that has none. The first append makes HEAD.
    pub fn create(
        storage: Arc<dyn Storage>,
        run: &Path,
        mut lock: RunLock,
    ) -> Result<Self, JournalError> {
        let path = run.join(layout::JOURNAL);
        if storage.len(&path)?.is_some() {
            let why = "there is a journal already";
            return Err(super::StorageError::refused("create", &path, why).into());
        }
        let file = storage.create(&path)?;
        lock.guard_journal()?;
        storage.sync_dir(run)?;
        Ok(Self {
            storage,
            run: run.to_owned(),
            lock,
            file,
            position: ChainPosition::start(),
            sealed: false,
            first_failure: None,
        })
    }

    /// Goes on with a journal: recovers what its last writer left, and says what that was.
    pub fn open(
        storage: Arc<dyn Storage>,
        run: &Path,
        mut lock: RunLock,
    ) -> Result<(Self, Recovery), JournalError> {
        let ready = recover(&*storage, run)?;
        lock.guard_journal()?;
        let writer = Self {
            storage,
            run: run.to_owned(),
            lock,
            file: ready.file,
            position: ready.position,
            sealed: ready.sealed,
            first_failure: None,
        };
        Ok((writer, ready.recovery))
    }

    /// Appends one event. When this returns, the line and a HEAD that covers it are durable.
    pub fn append<E: Serialize>(
        &mut self,
        at: UtcTime,
        event: &E,
    ) -> Result<Appended, JournalError> {
        let mut appended = self.append_all(at, std::slice::from_ref(event))?;
        let nothing = || JournalError::Encode("no line came of it".to_owned());
        appended.pop().ok_or_else(nothing)
    }

    /// Appends several events with one sync and one HEAD. When this returns, all of them are durable.
    pub fn append_all<E: Serialize>(
        &mut self,
        at: UtcTime,
        events: &[E],
    ) -> Result<Vec<Appended>, JournalError> {
        self.permitted()?;
        let (lines, position, sealed) = self.encode(at, events)?;
        let Some(last) = lines.last() else {
            return Ok(Vec::new());
        };
        let head = Head {
            seq: position.seq - 1,
            sha256: last.sha256,
        };
        if let Err(error) = self.make_durable(&lines, head) {
            self.first_failure = Some(error.to_string());
            return Err(error);
        }
        let first = self.position.seq;
        self.position = position;
        self.sealed = sealed;
        let appended = lines
            .into_iter()
            .zip(first..)
            .map(|(encoded, seq)| Appended {
                seq,
                sha256: digest(&encoded.sha256),
                line: String::from_utf8_lossy(&encoded.line).into_owned(),
            });
        Ok(appended.collect())
    }

    /// Whether `run_sealed` was written.
    pub fn sealed(&self) -> bool {
        self.sealed
    }

    /// Whether this process still owns the run and nothing has failed: asked before any file of the run is written.
    pub fn permitted(&self) -> Result<(), JournalError> {
        if let Some(first) = &self.first_failure {
            let first = first.clone();
            return Err(JournalError::Poisoned { first });
        }
        self.lock.check()
    }

    /// Makes another file of the run durable under its name. Failing at it ends the writer as a failed append does.
    pub(super) fn replace_file(&mut self, file: &Path, content: &[u8]) -> Result<(), JournalError> {
        self.permitted()?;
        let replaced = atomic::replace(&*self.storage, &self.run.join(file), content);
        replaced.inspect_err(|error| self.first_failure = Some(error.to_string()))?;
        Ok(())
    }

    fn encode<E: Serialize>(
        &self,
        at: UtcTime,
        events: &[E],
    ) -> Result<(Vec<Encoded>, ChainPosition, bool), JournalError> {
        let (mut position, mut sealed) = (self.position.clone(), self.sealed);
        let mut lines = Vec::with_capacity(events.len());
        for event in events {
            if sealed {
                let run = name(&self.run);
                return Err(JournalError::Sealed { run });
            }
            let line = encode_line(position.seq, at, &position.prev(), event)?;
            let header = LineHeader::parse(&line);
            sealed = header.is_ok_and(|header| &line[header.event()] == SEALING_EVENT.as_bytes());
            let sha256 = sha256(&line);
            position.seq += 1;
            position.offset += line.len() as u64 + 1;
            position.prev = sha256;
            lines.push(Encoded { line, sha256 });
        }
        Ok((lines, position, sealed))
    }

    fn make_durable(&mut self, lines: &[Encoded], head: Head) -> Result<(), JournalError> {
        let mut bytes = Vec::new();
        for encoded in lines {
            bytes.extend_from_slice(&encoded.line);
            bytes.push(b'\n');
        }
        self.file.write(&bytes)?;
        self.file.sync()?;
        head.write(&*self.storage, &self.run)?;
        Ok(())
    }
}

//! Appends to a journal.
//! Invariant: what is returned is durable, line and HEAD, and after one failure nothing more is written. Held
//! by `JournalWriter::append_all` and the tests `f1_f7_no_failure_at_any_operation_loses_what_was_acknowledged`
//! and `f7_a_writer_that_failed_once_never_writes_again` of tests/journal.rs.

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
use crate::planted::{PlantedBug, planted};
use crate::survey::{Digest, UtcTime};

/// The only writer of a run.
#[derive(Debug)]
pub struct JournalWriter {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    lock: RunLock,
    file: Box<dyn StorageFile>,
    position: ChainPosition,
    sealed: bool,
    /// The first write or sync that failed; `None`: none did.
    first_failure: Option<String>,
}

/// A line that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Number of the line.
    pub seq: u64,
    /// SHA-256 of the line. HEAD has it too if the line is the last one.
    pub sha256: Digest,
    /// The line without its newline.
    pub line: String,
}

/// A line that is not written yet.
struct Encoded {
    line: Vec<u8>,
    sha256: Hex,
}

impl JournalWriter {
    /// Starts a journal in a directory that has none. The first append writes HEAD.
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

    /// Continues a journal: recovers what its last writer left, and says what that was.
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
        // After a failed write or sync nobody knows what is on the disk, and a second sync may succeed without writing
        // anything. Only a new recovery may write again.
        if let Err(error) = self.make_durable(&lines, head)
            && !planted(PlantedBug::AcknowledgeBeforeFsync)
        {
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

    /// Whether this process still owns the run and no write has failed. Asked before any file of the run is written.
    pub fn permitted(&self) -> Result<(), JournalError> {
        if let Some(first) = &self.first_failure {
            let first = first.clone();
            return Err(JournalError::Poisoned { first });
        }
        self.lock.check()
    }

    /// Says whether the run waits for a person: where runs are kept in a store, another machine may take over one that waits.
    pub(super) fn waits(&self, waits: bool) {
        self.lock.waits(waits);
    }

    /// Names the socket of this process in LOCK.
    pub(super) fn name_socket(&mut self, socket: &Path) -> Result<(), JournalError> {
        self.lock.name_socket(socket)
    }

    /// Replaces another file of the run atomically; durable on return. A failure ends the writer as a failed append does.
    pub(super) fn replace_file(&mut self, file: &Path, content: &[u8]) -> Result<(), JournalError> {
        self.permitted()?;
        let replaced = atomic::replace(&*self.storage, &self.run.join(file), content);
        replaced.inspect_err(|error| self.first_failure = Some(error.to_string()))?;
        Ok(())
    }

    /// Makes all lines before the first of them is written, so that an event that cannot be encoded leaves
    /// the journal as it is.
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

    /// Journal, fsync, HEAD: HEAD may only name lines that are durable.
    fn make_durable(&mut self, lines: &[Encoded], head: Head) -> Result<(), JournalError> {
        let mut bytes = Vec::new();
        for encoded in lines {
            bytes.extend_from_slice(&encoded.line);
            bytes.push(b'\n');
        }
        // One write and one fsync for all lines of the batch.
        self.file.write(&bytes)?;
        if !planted(PlantedBug::SkipFsync) {
            let synced = self.file.sync();
            if synced.is_err() && planted(PlantedBug::RetryFailedFsync) {
                self.file.sync()?;
            } else {
                synced?;
            }
        }
        head.write(&*self.storage, &self.run)?;
        Ok(())
    }
}

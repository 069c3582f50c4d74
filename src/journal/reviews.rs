//! `reviews.jsonl`: notes of reviewers, chained like the journal. Invariant: a note names the head it saw, and writing one touches no other file of the run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::chain::Position;
use super::format::{Entry, VERSION};
use super::head::Head;
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};
use crate::run::Person;
use crate::survey::{Digest, FactKey, UtcTime};

/// What a reviewer wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Review {
    /// A note on a fact or on the whole run.
    NoteWritten {
        /// The last journal line that the reviewer could have seen.
        head_seq: u64,
        /// Its SHA-256.
        head_sha256: Digest,
        /// The fact; `None`: the whole run.
        fact: Option<FactKey>,
        /// What it says.
        text: String,
        /// Who, as an OS account.
        by: Person,
    },
}

/// The reviews of one run.
#[derive(Debug, Clone)]
pub struct Reviews {
    storage: Arc<dyn Storage>,
    run: PathBuf,
}

impl Reviews {
    /// The reviews of the run in this directory of the storage.
    pub fn new(storage: Arc<dyn Storage>, run: &Path) -> Self {
        Self {
            storage,
            run: run.to_owned(),
        }
    }

    /// All reviews, the chain checked.
    pub fn read(&self) -> Result<Vec<Entry<Review>>, JournalError> {
        Ok(self.chained()?.0)
    }

    /// Writes a note; durable on return.
    pub fn write(
        &self,
        at: UtcTime,
        by: Person,
        fact: Option<FactKey>,
        text: String,
    ) -> Result<Entry<Review>, JournalError> {
        let path = self.path();
        // One writer at a time; the lock dies with its process.
        let lease = self.storage.lease(&path)?;
        let _lease = lease.ok_or_else(|| JournalError::Locked {
            run: format!("{} of {}", layout::REVIEWS, super::lock::name(&self.run)),
            pid: None,
            host: None,
        })?;
        let head = Head::read(&*self.storage, &self.run)?;
        let head = head.ok_or_else(|| Corrupt::file(layout::HEAD, "is missing"))?;
        let (_, end) = self.chained()?;
        let entry = Entry {
            v: VERSION,
            seq: end.seq(),
            at,
            prev: end.prev(),
            event: Review::NoteWritten {
                head_seq: head.seq(),
                head_sha256: head.sha256(),
                fact,
                text,
                by,
            },
        };
        let mut line = entry.encode()?;
        line.push(b'\n');
        let mut file = self.storage.open_write(&path, end.offset())?;
        file.write(&line)?;
        file.sync()?;
        self.storage.sync_dir(&self.run)?;
        Ok(entry)
    }

    /// Whether the run went on after a review was written.
    pub fn is_stale(&self, review: &Review) -> Result<bool, JournalError> {
        let Review::NoteWritten {
            head_seq,
            head_sha256,
            ..
        } = review;
        let head = Head::read(&*self.storage, &self.run)?;
        Ok(head.is_none_or(|head| head.seq() != *head_seq || head.sha256() != *head_sha256))
    }

    fn chained(&self) -> Result<(Vec<Entry<Review>>, Position), JournalError> {
        let content = self.storage.read(&self.path())?.unwrap_or_default();
        let mut position = Position::start();
        let mut entries = Vec::new();
        for (nth, line) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let (number, at) = (nth as u64 + 1, position.offset());
            let broken = |what: &str| Corrupt::at(layout::REVIEWS, number, at, what);
            let Some(line) = line.strip_suffix(b"\n") else {
                return Err(broken("the line has no end").into());
            };
            if position.pass(line).is_err() {
                return Err(broken("does not follow the line before it").into());
            }
            let entry = serde_json::from_slice(line);
            entries
                .push(entry.map_err(|why| broken(&format!("cannot be read as a review: {why}")))?);
        }
        Ok((entries, position))
    }

    fn path(&self) -> PathBuf {
        self.run.join(layout::REVIEWS)
    }
}

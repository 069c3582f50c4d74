//! `reviews.jsonl`: notes of reviewers, in a hash chain of their own, so that they can be added after the seal.
//! Invariant: a note names the head that its writer saw, and writing one changes no other file of the run.
//! Held by `Reviews::write` and `SideChain::append`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::format::JournalEntry;
use super::side_chain::SideChain;
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};
use crate::run::Person;
use crate::survey::{Digest, FactKey, UtcTime};

/// An entry of `reviews.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// A note about a fact or about the whole run.
    NoteWritten {
        /// Number of the last journal line that the reviewer could have seen.
        head_seq: u64,
        /// SHA-256 of that line.
        head_sha256: Digest,
        /// The fact that it is about; `None`: the whole run.
        fact: Option<FactKey>,
        /// The text of the note.
        text: String,
        /// Who wrote it, as an OS account.
        by: Person,
    },
}

impl Review {
    /// Number and SHA-256 of the last journal line that the reviewer could have seen.
    pub fn head(&self) -> (u64, &Digest) {
        let Self::NoteWritten {
            head_seq,
            head_sha256,
            ..
        } = self;
        (*head_seq, head_sha256)
    }
}

/// How the head that a review saw relates to the journal as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewStatus {
    /// It is the head of the journal.
    Current,
    /// The journal has lines behind it.
    WentOn {
        /// The number of the head now.
        now: u64,
    },
    /// The journal has no such line: note or journal were changed, or the note is of another run.
    Foreign,
}

/// The reviews of one run.
#[derive(Debug, Clone)]
pub struct Reviews {
    chain: SideChain,
}

impl Reviews {
    /// The reviews of the run in this directory of the storage.
    pub fn new(storage: Arc<dyn Storage>, run: &Path) -> Self {
        Self {
            chain: SideChain::new(storage, run, layout::REVIEWS),
        }
    }

    /// What is wrong with the file; `None`: nothing.
    pub fn damage(&self) -> Result<Option<Corrupt>, JournalError> {
        self.chain.damage::<Review>()
    }

    /// All reviews. A broken chain is an error.
    pub fn read(&self) -> Result<Vec<JournalEntry<Review>>, JournalError> {
        self.chain.read()
    }

    /// Writes a note; durable on return.
    pub fn write(
        &self,
        at: UtcTime,
        by: Person,
        fact: Option<FactKey>,
        text: String,
    ) -> Result<JournalEntry<Review>, JournalError> {
        self.chain.append(at, |head| Review::NoteWritten {
            head_seq: head.seq(),
            head_sha256: head.sha256(),
            fact,
            text,
            by,
        })
    }

    /// How the head that each review saw relates to the journal now, in the order of the reviews.
    pub fn standings(
        &self,
        reviews: &[JournalEntry<Review>],
    ) -> Result<Vec<ReviewStatus>, JournalError> {
        let head = self.chain.head()?;
        let seen: Vec<(u64, &Digest)> = reviews.iter().map(|entry| entry.event.head()).collect();
        let is_head = |(seq, sha256): &(u64, &Digest)| {
            head.is_some_and(|head| head.seq() == *seq && head.sha256() == **sha256)
        };
        // The journal is read only if a note is not about the current head.
        let lines = if seen.iter().all(is_head) {
            BTreeMap::new()
        } else {
            let asked: BTreeSet<u64> = seen.iter().map(|(seq, _)| *seq).collect();
            self.chain.journal_lines(&asked)?
        };
        let now = head.map_or(0, |head| head.seq());
        let standing = |(seq, sha256): &(u64, &Digest)| match lines.get(seq) {
            _ if is_head(&(*seq, *sha256)) => ReviewStatus::Current,
            Some(line) if line == *sha256 => ReviewStatus::WentOn { now },
            _ => ReviewStatus::Foreign,
        };
        Ok(seen.iter().map(standing).collect())
    }
}

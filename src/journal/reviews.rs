//! `reviews.jsonl`: notes of reviewers, chained like the journal. Invariant: a note names the head it saw, and writing one touches no other file of the run.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::format::Entry;
use super::side_chain::SideChain;
use super::storage::Storage;
use super::{JournalError, layout};
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
    chain: SideChain,
}

impl Reviews {
    /// The reviews of the run in this directory of the storage.
    pub fn new(storage: Arc<dyn Storage>, run: &Path) -> Self {
        Self {
            chain: SideChain::new(storage, run, layout::REVIEWS),
        }
    }

    /// All reviews, the chain checked.
    pub fn read(&self) -> Result<Vec<Entry<Review>>, JournalError> {
        self.chain.read()
    }

    /// Writes a note; durable on return.
    pub fn write(
        &self,
        at: UtcTime,
        by: Person,
        fact: Option<FactKey>,
        text: String,
    ) -> Result<Entry<Review>, JournalError> {
        self.chain.append(at, |head| Review::NoteWritten {
            head_seq: head.seq(),
            head_sha256: head.sha256(),
            fact,
            text,
            by,
        })
    }

    /// Whether the run went on after a review was written.
    pub fn is_stale(&self, review: &Review) -> Result<bool, JournalError> {
        let Review::NoteWritten {
            head_seq,
            head_sha256,
            ..
        } = review;
        let head = self.chain.head()?;
        Ok(head.is_none_or(|head| head.seq() != *head_seq || head.sha256() != *head_sha256))
    }
}

//! `reviews.jsonl`: notes of reviewers, chained like the journal. Invariant: a note names the head it saw, and writing one touches no other file of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::format::JournalEntry;
use super::side_chain::SideChain;
use super::storage::Storage;
use super::{JournalError, layout};
use crate::run::Person;
use crate::survey::{Digest, FactKey, UtcTime};

/// What a reviewer wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

impl Review {
    /// The last journal line that the reviewer could have seen: number and digest.
    pub fn head(&self) -> (u64, &Digest) {
        let Self::NoteWritten {
            head_seq,
            head_sha256,
            ..
        } = self;
        (*head_seq, head_sha256)
    }
}

/// How the head that a review saw stands to the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewStatus {
    /// It is the head.
    Current,
    /// The journal went on after it.
    WentOn {
        /// The head now.
        now: u64,
    },
    /// The journal has no such line: one of the two is not what it was.
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

    /// All reviews, the chain checked.
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

    /// How the head that each review saw stands to the journal as it is now, in their order.
    pub fn standings(
        &self,
        reviews: &[JournalEntry<Review>],
    ) -> Result<Vec<ReviewStatus>, JournalError> {
        let head = self.chain.head()?;
        let seen: Vec<(u64, &Digest)> = reviews.iter().map(|entry| entry.event.head()).collect();
        let is_head = |(seq, sha256): &(u64, &Digest)| {
            head.is_some_and(|head| head.seq() == *seq && head.sha256() == **sha256)
        };
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

//! `outcomes.jsonl`: what came of the real change, as each `recheck --after` found it, in a hash chain of its own, because the run
//! is sealed by then.
//! Invariant: a record names the head of the journal that it was found for. Held by `Outcomes::write` and `SideChain::append`.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::format::JournalEntry;
use super::side_chain::SideChain;
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};
use crate::run::{CarriedOut, KnownOutcome, Person};
use crate::survey::{Digest, UtcTime};

/// An entry of `outcomes.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeRecord {
    /// What a survey after the change found.
    OutcomeFound {
        /// Number of the last journal line of the run.
        head_seq: u64,
        /// SHA-256 of that line.
        head_sha256: Digest,
        /// What came of it.
        outcome: CarriedOut,
        /// In words, with the counts.
        says: String,
        /// When the survey began.
        surveyed_at: UtcTime,
        /// Digest over the facts of the survey.
        facts_digest: Digest,
        /// Who looked, as an OS account.
        by: Person,
    },
}

impl OutcomeRecord {
    /// Number and SHA-256 of the last journal line of the run.
    pub fn head(&self) -> (u64, &Digest) {
        let Self::OutcomeFound {
            head_seq,
            head_sha256,
            ..
        } = self;
        (*head_seq, head_sha256)
    }

    /// `came true (60 done as predicted), seen by op@host`.
    pub fn line(&self) -> String {
        let Self::OutcomeFound {
            outcome, says, by, ..
        } = self;
        format!("{} ({says}), seen by {by}", outcome.words())
    }

    /// What came of it, with who looked and when.
    pub fn seen(&self) -> KnownOutcome {
        let Self::OutcomeFound {
            outcome,
            surveyed_at,
            by,
            ..
        } = self;
        KnownOutcome {
            outcome: *outcome,
            at: *surveyed_at,
            by: by.name().to_owned(),
        }
    }
}

/// What a survey after the change found.
#[derive(Debug, Clone)]
pub struct NewOutcome {
    /// What came of it.
    pub outcome: CarriedOut,
    /// In words, with the counts.
    pub says: String,
    /// When the survey began.
    pub surveyed_at: UtcTime,
    /// Digest over the facts of the survey.
    pub facts_digest: Digest,
}

/// The outcomes of one run.
#[derive(Debug, Clone)]
pub struct Outcomes {
    chain: SideChain,
}

impl Outcomes {
    /// The outcomes of the run in this directory of the storage.
    pub fn new(storage: Arc<dyn Storage>, run: &Path) -> Self {
        Self {
            chain: SideChain::new(storage, run, layout::OUTCOMES),
        }
    }

    /// What is wrong with the file; `None`: nothing.
    pub fn damage(&self) -> Result<Option<Corrupt>, JournalError> {
        self.chain.damage::<OutcomeRecord>()
    }

    /// All outcomes. A broken chain is an error.
    pub fn read(&self) -> Result<Vec<JournalEntry<OutcomeRecord>>, JournalError> {
        self.chain.read()
    }

    /// The last outcome, if it is of the journal with this last line: one of another run, or of another journal, says nothing of
    /// it. What is wrong with the file, `verify` says.
    pub fn last_of(&self, seq: u64, sha256: &Digest) -> Option<KnownOutcome> {
        let last = self.read().ok()?.pop()?;
        (last.event.head() == (seq, sha256)).then(|| last.event.seen())
    }

    /// Records an outcome; durable on return.
    pub fn write(
        &self,
        at: UtcTime,
        by: Person,
        found: NewOutcome,
    ) -> Result<JournalEntry<OutcomeRecord>, JournalError> {
        let NewOutcome {
            outcome,
            says,
            surveyed_at,
            facts_digest,
        } = found;
        self.chain.append(at, |head| OutcomeRecord::OutcomeFound {
            head_seq: head.seq(),
            head_sha256: head.sha256(),
            outcome,
            says,
            surveyed_at,
            facts_digest,
            by,
        })
    }
}

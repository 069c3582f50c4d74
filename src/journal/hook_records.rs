//! `hooks.jsonl`: hooks that were over, or run, after the seal. Invariant: chained on its own, and each end follows its start, in the journal or here.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::format::JournalEntry;
use super::head::Head;
use super::side_chain::SideChain;
use super::storage::Storage;
use super::{JournalError, layout};
use crate::run::{HookOutcome, HookPoint};
use crate::survey::{Digest, UtcTime};

/// The file that a hook's start was recorded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartedIn {
    /// `journal.jsonl`: before the seal.
    #[serde(rename = "journal.jsonl")]
    Journal,
    /// `hooks.jsonl`: after it.
    #[serde(rename = "hooks.jsonl")]
    Hooks,
}

/// What became of a hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookRecord {
    /// It is about to be run.
    HookStarted {
        /// When it is run.
        hook: HookPoint,
        /// Its program, without arguments.
        program: String,
        /// The last journal line of the run.
        head_seq: u64,
        /// Its SHA-256.
        head_sha256: Digest,
    },
    /// It is over, or its end was not seen.
    HookRan {
        /// When it is run.
        hook: HookPoint,
        /// Where its start was recorded.
        started_in: StartedIn,
        /// The line of its start there.
        started: u64,
        /// How it ended.
        outcome: HookOutcome,
    },
}

/// The records of one run.
#[derive(Debug, Clone)]
pub struct HookRecords {
    chain: SideChain,
}

impl HookRecords {
    /// The records of the run in this directory of the storage.
    pub fn new(storage: Arc<dyn Storage>, run: &Path) -> Self {
        Self {
            chain: SideChain::new(storage, run, layout::HOOKS),
        }
    }

    /// All records, the chain checked.
    pub fn read(&self) -> Result<Vec<JournalEntry<HookRecord>>, JournalError> {
        self.chain.read()
    }

    /// The head of the run's journal.
    pub fn head(&self) -> Result<Option<Head>, JournalError> {
        self.chain.head()
    }

    /// Records that a hook is about to be run; durable on return. Gives its line.
    pub fn start(
        &self,
        at: UtcTime,
        hook: HookPoint,
        program: String,
    ) -> Result<u64, JournalError> {
        let entry = self.chain.append(at, |head| HookRecord::HookStarted {
            hook,
            program,
            head_seq: head.seq(),
            head_sha256: head.sha256(),
        })?;
        Ok(entry.seq)
    }

    /// Records how a hook ended; durable on return.
    pub fn end(
        &self,
        at: UtcTime,
        hook: HookPoint,
        (started_in, started): (StartedIn, u64),
        outcome: HookOutcome,
    ) -> Result<(), JournalError> {
        self.chain.append(at, |_| HookRecord::HookRan {
            hook,
            started_in,
            started,
            outcome,
        })?;
        Ok(())
    }
}

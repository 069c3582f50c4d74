//! `hooks.jsonl`: hooks that started or ended after the seal, when the journal takes no more lines. It has a
//! hash chain of its own.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::format::JournalEntry;
use super::head::Head;
use super::side_chain::SideChain;
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};
use crate::run::{HookOutcome, HookPoint};
use crate::survey::{Digest, UtcTime};

/// The file in which the start of a hook was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartedIn {
    /// `journal.jsonl`: it started before the seal.
    #[serde(rename = "journal.jsonl")]
    Journal,
    /// `hooks.jsonl`: it started after the seal.
    #[serde(rename = "hooks.jsonl")]
    Hooks,
}

/// Start or end of a hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookRecord {
    /// The hook is about to be started.
    HookStarted {
        /// The point of a run at which it is started.
        hook: HookPoint,
        /// Its program, without arguments.
        program: String,
        /// Number of the last journal line of the run.
        head_seq: u64,
        /// SHA-256 of that line.
        head_sha256: Digest,
    },
    /// The hook has ended, or its end was not seen.
    HookRan {
        /// The point of a run at which it was started.
        hook: HookPoint,
        /// The file that has the record of its start.
        started_in: StartedIn,
        /// Number of the line of its start in that file.
        started: u64,
        /// How the hook ended.
        outcome: HookOutcome,
    },
}

/// The hook records of one run.
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

    /// What is wrong with the file; `None`: nothing.
    pub fn damage(&self) -> Result<Option<Corrupt>, JournalError> {
        self.chain.damage::<HookRecord>()
    }

    /// All records. A broken chain is an error.
    pub fn read(&self) -> Result<Vec<JournalEntry<HookRecord>>, JournalError> {
        self.chain.read()
    }

    /// HEAD of the run's journal; `None`: there is none.
    pub fn head(&self) -> Result<Option<Head>, JournalError> {
        self.chain.head()
    }

    /// Records that a hook is about to be started, and gives the number of that line; durable on return.
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

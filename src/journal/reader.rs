//! Reads the journal of a run.
//! Invariant: no entry is handed out before its line was checked against the chain and HEAD. Held by `scan`,
//! `JournalWalk::page` and `JournalWalk::through`, the only ways to a line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::chain::ChainPosition;
use super::follower::Follower;
use super::format::{JournalEntry, VERSION};
use super::head::Head;
use super::header::HeaderFault;
use super::journal_walk::{CheckedLine, Scan, scan};
use super::pages::JournalPages;
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};

/// Reads the journal of one run. It takes no lock and writes nothing.
#[derive(Debug, Clone)]
pub struct JournalReader {
    storage: Arc<dyn Storage>,
    run: PathBuf,
}

/// The result of reading a whole journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalSummary {
    /// HEAD; `None`: there is none, because at most one line was written.
    pub head: Option<Head>,
    /// How many lines HEAD covers. Only these may have been acknowledged.
    pub acknowledged: u64,
    /// How many whole lines chain, those behind HEAD included.
    pub lines: u64,
    /// Bytes behind the last line that chains. A resume moves them aside.
    pub torn_bytes: u64,
    /// Whether the last line is `run_sealed`.
    pub sealed: bool,
    /// The position behind the last line that chains.
    pub end: ChainPosition,
}

impl JournalReader {
    /// A reader of the run in this directory of the storage. An empty path is the root itself.
    pub fn new(storage: Arc<dyn Storage>, run: &Path) -> Self {
        Self {
            storage,
            run: run.to_owned(),
        }
    }

    /// Checks the chain and HEAD without decoding the events.
    pub fn verify(&self) -> Result<JournalSummary, JournalError> {
        scan(&*self.storage, &self.run, &mut |_| Ok(())).map(JournalSummary::from)
    }

    /// Hands every entry to `visit`, with whether HEAD covers it.
    pub fn for_each<E: DeserializeOwned>(
        &self,
        mut visit: impl FnMut(JournalEntry<E>, bool),
    ) -> Result<JournalSummary, JournalError> {
        let mut visit_line = |seen: CheckedLine<'_>| {
            if let Some(entry) = decode(&seen)? {
                visit(entry, seen.covered);
            }
            Ok(())
        };
        scan(&*self.storage, &self.run, &mut visit_line).map(JournalSummary::from)
    }

    /// Hands every entry to `visit`, with what its line has beyond what drygate writes of such an entry.
    pub fn for_each_as_written<E: Serialize + DeserializeOwned>(
        &self,
        mut visit: impl FnMut(JournalEntry<E>, Option<String>),
    ) -> Result<JournalSummary, JournalError> {
        let mut visit_line = |seen: CheckedLine<'_>| {
            if let Some(entry) = decode::<E>(&seen)? {
                let beyond = entry.beyond(seen.line);
                visit(entry, beyond);
            }
            Ok(())
        };
        scan(&*self.storage, &self.run, &mut visit_line).map(JournalSummary::from)
    }

    /// Every entry. Entries behind HEAD that chain are included, because the next resume keeps them.
    pub fn entries<E: DeserializeOwned>(&self) -> Result<Vec<JournalEntry<E>>, JournalError> {
        let mut entries = Vec::new();
        self.for_each(|entry, _| entries.push(entry))?;
        Ok(entries)
    }

    /// Reads in pages, so that a journal of any length needs no more memory than one page.
    pub fn pages(&self) -> Result<JournalPages, JournalError> {
        JournalPages::open(self.storage.clone(), self.run.clone())
    }

    /// Follows a journal that may be growing, from a position on.
    pub fn follow(&self, from: ChainPosition) -> Follower {
        Follower::new(self.storage.clone(), self.run.clone(), from)
    }
}

impl From<Scan> for JournalSummary {
    fn from(scan: Scan) -> Self {
        Self {
            head: scan.head,
            acknowledged: scan.covered.seq,
            lines: scan.end.seq,
            torn_bytes: scan.torn_bytes,
            sealed: scan.sealed,
            end: scan.end,
        }
    }
}

/// The entry of a line; `None`: it is of a newer version. The caller refuses that once the chain has confirmed the line.
pub(super) fn decode<E: DeserializeOwned>(
    seen: &CheckedLine<'_>,
) -> Result<Option<JournalEntry<E>>, JournalError> {
    let refused = |fault: HeaderFault| {
        let at = seen.offset + fault.at as u64;
        Corrupt::at(layout::JOURNAL, seen.header.seq + 1, at, fault.what)
    };
    if seen.header.v > VERSION {
        return Ok(None);
    }
    let entry = JournalEntry::decode(seen.line, seen.header, &seen.sha256).map_err(refused)?;
    Ok(Some(entry))
}

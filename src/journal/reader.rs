//! Reads the journal of a run.
//! Invariant: no entry is handed out before its line was checked against the chain and HEAD. Held by `JournalWalk`, the only
//! way to a line.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::chain::ChainPosition;
use super::follower::Follower;
use super::format::{JournalEntry, VERSION};
use super::head::Head;
use super::header::HeaderFault;
use super::journal_walk::{CheckedLine, JournalWalk, Scan, scan};
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

    /// Every entry, one after the other, so that a journal of any length needs no more memory than one line. Entries behind HEAD
    /// that chain are included, because the next resume keeps them. Damage is an error in its place, and the last item.
    pub fn walk<E: DeserializeOwned>(&self) -> Result<Entries<E>, JournalError> {
        Ok(Entries {
            walk: Some(JournalWalk::open(
                &*self.storage,
                &self.run,
                ChainPosition::start(),
            )?),
            reader: self.clone(),
            event: PhantomData,
        })
    }

    /// The entries of [`Self::walk`], each with what its line has beyond what drygate writes of such an entry, and its bytes.
    pub fn walk_as_written<E: Serialize + DeserializeOwned>(
        &self,
    ) -> Result<impl Iterator<Item = EntryAsWritten<E>>, JournalError> {
        let mut entries = self.walk::<E>()?;
        Ok(std::iter::from_fn(move || {
            entries.next_with(|entry, seen| {
                let beyond = entry.beyond(seen.line, seen.header);
                // With its newline.
                (entry, beyond, seen.line.len() as u64 + 1)
            })
        }))
    }

    /// The entries of [`Self::walk`], all in memory.
    #[cfg(any(test, feature = "testing"))]
    pub fn entries<E: DeserializeOwned>(&self) -> Result<Vec<JournalEntry<E>>, JournalError> {
        self.walk()?.collect()
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

/// The entries of a journal, in order.
pub struct Entries<E> {
    reader: JournalReader,
    /// `None`: the end was reached, or damage.
    walk: Option<JournalWalk>,
    event: PhantomData<fn() -> E>,
}

/// An entry, and what its line has beyond what drygate writes of it; damage is an error in its place.
pub type EntryAsWritten<E> = Result<(JournalEntry<E>, Option<String>, u64), JournalError>;

impl<E: DeserializeOwned> Iterator for Entries<E> {
    type Item = Result<JournalEntry<E>, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_with(|entry, _| entry)
    }
}

impl<E: DeserializeOwned> Entries<E> {
    /// The next entry as `made` of it and its line.
    fn next_with<T>(
        &mut self,
        made: impl FnOnce(JournalEntry<E>, &CheckedLine<'_>) -> T,
    ) -> Option<Result<T, JournalError>> {
        let mut walk = self.walk.take()?;
        let found = loop {
            match walk.next_line() {
                Ok(Some(seen)) => match decode(&seen) {
                    Ok(None) => {}
                    Ok(Some(entry)) => break Ok(made(entry, &seen)),
                    Err(error) => return Some(Err(error)),
                },
                // Only the end shows whether something is wrong that no single line has.
                Ok(None) => {
                    let JournalReader { storage, run } = &self.reader;
                    return walk.scanned(&**storage, run).err().map(Err);
                }
                Err(error) => return Some(Err(error)),
            }
        };
        self.walk = Some(walk);
        Some(found)
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

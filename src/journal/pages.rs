//! Reads a journal in pages, from the start or from a position that was kept.
//! Invariant: a line that HEAD covers is handed out only once the next line, or HEAD, has
//! its digest. Held by `JournalWalk::next_line`.

use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::chain::ChainPosition;
use super::format::JournalEntry;
use super::head::Head;
use super::journal_walk::JournalWalk;
use super::reader::decode;
use super::storage::Storage;
use super::{Corrupt, JournalError, layout, manifest};

/// Some entries in order, and the position of the next page.
#[derive(Debug, Clone)]
pub struct JournalPage<E> {
    /// The entries of the page.
    pub entries: Vec<JournalEntry<E>>,
    /// The position behind the last entry.
    pub end: ChainPosition,
    /// Whether no line follows the page.
    pub is_last: bool,
}

/// Reads pages of one journal. HEAD is read once, when it is opened; what is acknowledged later is not seen. It takes
/// no lock and writes nothing.
#[derive(Debug, Clone)]
pub struct JournalPages {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    head: Option<Head>,
    bytes: u64,
}

impl JournalPages {
    pub(super) fn open(storage: Arc<dyn Storage>, run: PathBuf) -> Result<Self, JournalError> {
        // HEAD before the journal: a writer makes lines durable before it moves HEAD past them.
        let head = Head::read(&*storage, &run)?;
        let bytes = storage.len(&run.join(layout::JOURNAL))?;
        if let (None, Some(_)) = (bytes, &head) {
            return Err(Corrupt::file(layout::JOURNAL, "is missing, though HEAD is there").into());
        }
        Ok(Self {
            storage,
            run,
            head,
            bytes: bytes.unwrap_or_default(),
        })
    }

    /// Length of the journal when it was opened.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// At most `lines_max` entries from a position on. Fewer, if they reach `bytes_max` bytes before.
    pub fn read<E: DeserializeOwned>(
        &self,
        from: &ChainPosition,
        lines_max: usize,
        bytes_max: u64,
    ) -> Result<JournalPage<E>, JournalError> {
        let mut page = JournalPage {
            entries: Vec::new(),
            end: from.clone(),
            is_last: false,
        };
        let mut walk = JournalWalk::under(self.head, &*self.storage, &self.run, from.clone())?;
        let stop = from.offset + bytes_max;
        while page.entries.len() < lines_max && page.end.offset < stop {
            let Some(seen) = walk.next_line()? else {
                page.is_last = true;
                break;
            };
            page.entries.extend(decode(&seen)?);
            page.end = walk.handed();
        }
        walk.refuse_newer()?;
        if page.is_last {
            self.judge_end(&page.end, walk.sealed())?;
        }
        Ok(page)
    }

    /// Refuses an end that no crash can leave behind; see `Scan::judge`.
    fn judge_end(&self, end: &ChainPosition, sealed: bool) -> Result<(), JournalError> {
        let torn = self.bytes.saturating_sub(end.offset);
        if torn > 0 && (sealed || manifest::is_sealed(&*self.storage, &self.run)?) {
            let what = "bytes after the seal";
            return Err(Corrupt::at(layout::JOURNAL, end.seq + 1, end.offset, what).into());
        }
        if self.head.is_none() && end.seq > 1 {
            let what = format!("is missing, though the journal has {} lines", end.seq);
            return Err(Corrupt::file(layout::HEAD, what).into());
        }
        Ok(())
    }
}

//! Following a journal that another process writes. Invariant: only lines that HEAD covers are seen, each once, in order.

use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::chain::ChainPosition;
use super::format::{JournalEntry, VERSION};
use super::head::Head;
use super::journal_walk::{CheckedLine, JournalWalk};
use super::reader::decode;
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};

/// A line that HEAD covers.
#[derive(Debug)]
pub struct Followed<'a, E> {
    /// What it says.
    pub entry: JournalEntry<E>,
    /// Its bytes without the newline.
    pub line: &'a [u8],
}

/// Reads what was added to a journal since the last look. Takes no lock and writes nothing.
#[derive(Debug)]
pub struct Follower {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    position: ChainPosition,
}

impl Follower {
    pub(super) fn new(storage: Arc<dyn Storage>, run: PathBuf, position: ChainPosition) -> Self {
        Self {
            storage,
            run,
            position,
        }
    }

    /// The entries that became durable since the last look. After an error the follower stays where it was.
    #[cfg(any(test, feature = "testing"))]
    pub fn poll<E: DeserializeOwned>(&mut self) -> Result<Vec<JournalEntry<E>>, JournalError> {
        let mut entries = Vec::new();
        self.each(|followed| entries.push(followed.entry))?;
        Ok(entries)
    }

    /// Hands over what became durable since the last look, line by line, and says how many there were. After an error the
    /// follower stays where it was, and the lines before it have been handed over.
    pub fn each<E: DeserializeOwned>(
        &mut self,
        mut visit: impl FnMut(Followed<'_, E>),
    ) -> Result<u64, JournalError> {
        let Some(head) = Head::read(&*self.storage, &self.run)? else {
            return Ok(0);
        };
        if head.seq + 1 < self.position.seq {
            let what = format!("went back to seq {} behind a line already seen", head.seq);
            return Err(Corrupt::at(layout::HEAD, 1, 0, what).into());
        }
        let path = self.run.join(layout::JOURNAL);
        let mut walk = JournalWalk::open(&*self.storage, &path, self.position.clone())?;
        walk.through(&head, &mut |seen: CheckedLine<'_>| {
            if let Some(entry) = decode(&seen)? {
                visit(Followed {
                    entry,
                    line: seen.line,
                });
            }
            Ok(())
        })?;
        if let Some(found) = walk.position.newer {
            return Err(JournalError::NewerVersion {
                found,
                supported: VERSION,
            });
        }
        let seen = walk.position.seq - self.position.seq;
        self.position = walk.position;
        Ok(seen)
    }
}

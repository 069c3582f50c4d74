//! Follows a journal that another process writes, by polling HEAD.
//! Invariant: a follower gets each line that HEAD covers once, in order, and no other line. Held by `Follower::each` and
//! the test `a_follower_sees_each_durable_line_once` of tests/journal.rs.

use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::chain::ChainPosition;
use super::format::JournalEntry;
use super::head::Head;
use super::journal_walk::JournalWalk;
use super::reader::decode;
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};

/// A line that HEAD covers, so that it is durable.
#[derive(Debug)]
pub struct Followed<'a, E> {
    /// The line, decoded into its event.
    pub entry: JournalEntry<E>,
    /// The bytes of the line, without its newline.
    pub line: &'a [u8],
}

/// Reads what was added to a journal since the last poll. It takes no lock and writes nothing.
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

    /// Hands over the entries that became durable since the last poll and gives their number. After an error the position stays
    /// as it was, though the entries before the damage were handed over.
    pub fn each<E: DeserializeOwned>(
        &mut self,
        mut visit: impl FnMut(Followed<'_, E>),
    ) -> Result<u64, JournalError> {
        let Some(head) = Head::read(&*self.storage, &self.run)? else {
            return Ok(0);
        };
        // A directory that was rolled back, or another run under the same name.
        if head.seq + 1 < self.position.seq {
            let what = format!("went back to seq {} behind a line already seen", head.seq);
            return Err(Corrupt::at(layout::HEAD, 1, 0, what).into());
        }
        // Opened anew each time: what was read ahead of HEAD may have been set aside since, and other lines written.
        let from = self.position.clone();
        let mut walk = JournalWalk::under(Some(head), &*self.storage, &self.run, from)?;
        while let Some(seen) = walk.next_covered()? {
            if let Some(entry) = decode(&seen)? {
                let line = seen.line;
                visit(Followed { entry, line });
            }
        }
        walk.refuse_newer()?;
        let end = walk.handed();
        let seen = end.seq - self.position.seq;
        self.position = end;
        Ok(seen)
    }
}

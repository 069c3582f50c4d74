//! Following a journal that another process writes. Invariant: only lines that HEAD covers are seen, each once, in order.

use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::chain::Position;
use super::format::{Entry, VERSION};
use super::head::Head;
use super::reader::decode;
use super::scan::{Seen, Walk};
use super::storage::Storage;
use super::{Corrupt, JournalError, layout};

/// Reads what was added to a journal since the last look. Takes no lock and writes nothing.
#[derive(Debug)]
pub struct Follower {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    position: Position,
}

impl Follower {
    pub(super) fn new(storage: Arc<dyn Storage>, run: PathBuf, position: Position) -> Self {
        Self {
            storage,
            run,
            position,
        }
    }

    /// Where the next look begins.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The entries that became durable since the last look. After an error the follower stays where it was.
    pub fn poll<E: DeserializeOwned>(&mut self) -> Result<Vec<Entry<E>>, JournalError> {
        let Some(head) = Head::read(&*self.storage, &self.run)? else {
            return Ok(Vec::new());
        };
        if head.seq + 1 < self.position.seq {
            let what = format!("went back to seq {} behind a line already seen", head.seq);
            return Err(Corrupt::at(layout::HEAD, 1, 0, what).into());
        }
        let path = self.run.join(layout::JOURNAL);
        let mut walk = Walk::open(&*self.storage, &path, self.position.clone())?;
        let mut entries = Vec::new();
        walk.through(&head, &mut |seen: Seen<'_>| {
            entries.extend(decode(&seen)?);
            Ok(())
        })?;
        if let Some(found) = walk.position.newer {
            return Err(JournalError::NewerVersion {
                found,
                supported: VERSION,
            });
        }
        self.position = walk.position;
        Ok(entries)
    }
}

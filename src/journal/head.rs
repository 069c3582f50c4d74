//! HEAD: number and digest of the last line that may have been acknowledged. What lies at or before it was promised.
//! Invariant: it is replaced atomically and durable before a line is acknowledged.
//! Held by `Head::write` and `JournalWriter::append_all`.

use std::path::Path;

use super::chain::{Hex, digest};
use super::header::{HeaderFault, LineParser};
use super::storage::Storage;
use super::{Corrupt, JournalError, StorageError, atomic, layout};
use crate::run::JournalHead;
use crate::survey::Digest;

/// Number and digest of the last line that HEAD covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub(super) seq: u64,
    pub(super) sha256: Hex,
}

impl From<Head> for JournalHead {
    fn from(head: Head) -> Self {
        Self {
            seq: head.seq(),
            sha256: head.sha256(),
        }
    }
}

impl Head {
    /// The number of the line.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The SHA-256 of the line without its newline.
    pub fn sha256(&self) -> Digest {
        digest(&self.sha256)
    }

    /// The content of the file.
    pub(super) fn content(&self) -> String {
        let sha256 = digest(&self.sha256);
        format!("{{\"seq\":{},\"sha256\":\"{sha256}\"}}\n", self.seq)
    }

    pub(super) fn write(&self, storage: &dyn Storage, run: &Path) -> Result<(), StorageError> {
        let path = run.join(layout::HEAD);
        atomic::replace(storage, &path, self.content().as_bytes())
    }

    pub(super) fn read(storage: &dyn Storage, run: &Path) -> Result<Option<Self>, JournalError> {
        let Some(content) = storage.read(&run.join(layout::HEAD))? else {
            return Ok(None);
        };
        let head = Self::parse(&content)
            .map_err(|fault| Corrupt::at(layout::HEAD, 1, fault.at as u64, fault.what))?;
        Ok(Some(head))
    }

    pub(super) fn parse(content: &[u8]) -> Result<Self, HeaderFault> {
        // Byte for byte as it is written: a file with other spaces or a second line is damaged.
        let mut cursor = LineParser {
            line: content,
            at: 0,
            newer: None,
        };
        cursor.literal("{\"seq\":")?;
        let seq = cursor.number()?;
        cursor.literal(",\"sha256\":\"")?;
        let sha256 = cursor.digest()?;
        cursor.literal("\"}\n")?;
        if cursor.at < content.len() {
            return Err(cursor.fault(cursor.at, "nothing more was expected"));
        }
        Ok(Self { seq, sha256 })
    }

    /// The offset in HEAD at which the digest begins.
    pub(super) fn digest_at(&self) -> u64 {
        "{\"seq\":,\"sha256\":\"".len() as u64 + self.seq.to_string().len() as u64
    }
}

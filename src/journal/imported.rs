//! `IMPORTED`: the mark of a run that came out of an archive. It is no evidence and is never exported. While it is there
//! the run is read only.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::storage::Storage;
use super::{Corrupt, JournalError, atomic, layout};
use crate::survey::{Digest, UtcTime};

/// The archive that a run came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFrom {
    /// SHA-256 of the archive file.
    pub archive_sha256: Digest,
    /// When the archive was imported.
    pub at: UtcTime,
    /// The OS account that imported it, `user@host`.
    pub by: String,
}

/// The archive that a run came from; `None`: the run was made here.
pub fn imported_from(
    storage: &dyn Storage,
    run: &Path,
) -> Result<Option<ImportedFrom>, JournalError> {
    let Some(content) = storage.read(&run.join(layout::IMPORTED))? else {
        return Ok(None);
    };
    let read = serde_json::from_slice(&content);
    read.map(Some)
        .map_err(|why| Corrupt::file(layout::IMPORTED, format!("cannot be read: {why}")).into())
}

/// Marks a run as imported; durable on return.
pub fn mark_imported(
    storage: &dyn Storage,
    run: &Path,
    from: &ImportedFrom,
) -> Result<(), JournalError> {
    let mut content =
        serde_json::to_vec(from).map_err(|why| JournalError::Encode(why.to_string()))?;
    content.push(b'\n');
    atomic::replace(storage, &run.join(layout::IMPORTED), &content)?;
    Ok(())
}

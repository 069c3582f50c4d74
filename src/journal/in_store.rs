//! `IN_STORE`: the mark of a run that is kept in a run store. It is no evidence and is never exported.
//! Invariant: where the mark is, nothing is added to the run without the store: else this machine would have a journal of its own
//! (`refuse_without_store`; test `a_run_of_the_store_is_not_gone_on_with_without_it` of tests/integration/store/takeover.rs).

use std::path::Path;

use super::lock::name;
use super::storage::Storage;
use super::{JournalError, StorageError, atomic, layout};

/// Whether a run is kept in a run store.
pub fn is_in_store(storage: &dyn Storage, run: &Path) -> Result<bool, StorageError> {
    Ok(storage.len(&run.join(layout::IN_STORE))?.is_some())
}

/// Marks a run as kept in a run store; durable on return.
pub fn mark_in_store(storage: &dyn Storage, run: &Path) -> Result<(), StorageError> {
    if is_in_store(storage, run)? {
        return Ok(());
    }
    atomic::replace(storage, &run.join(layout::IN_STORE), b"")
}

/// Refuses to add something to a run of a run store where no store is named.
pub(super) fn refuse_without_store(storage: &dyn Storage, run: &Path) -> Result<(), JournalError> {
    if !storage.has_store() && is_in_store(storage, run)? {
        return Err(JournalError::InStore { run: name(run) });
    }
    Ok(())
}

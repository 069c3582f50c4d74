//! Journal and files of a run: format, hash chain, HEAD, writer, reader, blobs, manifest, index, above a storage trait.
//! Invariant: nothing is acknowledged before it is durable. Held by `JournalWriter::append_all` and
//! the test `f1_f7_no_failure_at_any_operation_loses_what_was_acknowledged` of tests/journal.rs.
//!
//! It does not protect against a disk that reports a sync that did not happen, or against somebody who rewrites every
//! file of a run consistently. A whole directory that was rolled back to an older state of its own is found only against
//! a HEAD that was kept elsewhere.

#![deny(clippy::wildcard_enum_match_arm)]

mod atomic;
mod blame;
mod blobs;
mod chain;
mod disk;
mod error;
mod follower;
mod format;
mod head;
mod header;
mod hook_records;
mod imported;
mod in_store;
mod index;
mod index_cache;
mod journal_walk;
mod layout;
mod lock;
mod manifest;
mod misplaced;
mod outcomes;
mod pages;
mod reader;
mod recovery;
mod removed;
mod replica;
mod reviews;
mod run_copy;
mod run_directory;
mod run_files;
mod side_chain;
mod storage;
mod store;
mod units;
mod verify;
mod writer;

pub use blobs::{BlobWriter, Blobs};
pub use chain::ChainPosition;
pub use disk::DiskStorage;
pub use error::{Corrupt, JournalError, StorageError};
pub use follower::{Followed, Follower};
pub use format::{
    JournalEntry, LINE_BYTES_MAX, SEALING_EVENT, VERSION, encode_line, to_ascii_json,
};
pub use head::Head;
pub use hook_records::{HookRecord, HookRecords, StartedIn};
pub use imported::{ImportedFrom, imported_from, mark_imported};
pub use in_store::{is_in_store, mark_in_store};
pub use index::RunIndex;
pub use layout::{CACHE_DIR, RUNS_DIR, SOCKETS_DIR};
pub use lock::RunLock;
pub use manifest::{MANIFEST, is_sealed};
pub use misplaced::{Misplaced, misplaced};
pub use outcomes::{NewOutcome, OutcomeRecord, Outcomes};
pub use pages::{JournalPage, JournalPages};
pub use reader::{Entries, JournalReader, JournalSummary};
pub use recovery::{Recovery, Torn};
pub use removed::RemovedRun;
pub use replica::{Replica, is_replicated, parse_head};
pub use reviews::{Review, ReviewStatus, Reviews};
pub use run_copy::RunCopy;
pub use run_directory::{RunDirectory, kept_salt, random_salt};
pub use run_files::{RunFile, RunFiles, travels};
pub use storage::{Kind, Lease, Listed, Permissions, Stamp, Storage, StorageFile};
#[cfg(feature = "testing")]
pub(crate) use storage::{WriteRecord, check};
pub use store::{DirectoryStore, RunStore, StoreIdentity};
pub use units::{LedgerLines, Ledgers, UnitLedger};
pub use verify::{FileVerification, verify_files};
pub use writer::{Appended, JournalWriter};

//! A run store: runs kept by a team in a PostgreSQL of its own, never the surveyed one (docs/store.md).
//! Invariant: while a process holds a run, nothing of it is acknowledged that the store has not. Held by [`MirroredStorage`], which
//! commits a line before HEAD names it and a file before it has its name.

mod client;
mod error;
mod file_statements;
mod held_run;
mod hints;
mod mirrored_file;
mod mirrored_lease;
mod mirrored_storage;
mod pull;
mod stamps;
mod statements;
mod tables;

pub use client::{StoreClient, StoreOptions};
pub use error::StoreError;
pub use mirrored_storage::MirroredStorage;
pub use stamps::{StampFinding, compare_stamps};
pub use tables::{TABLES, prune};

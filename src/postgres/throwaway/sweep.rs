//! Removes the clusters that crashed processes left.
//! Invariant: a cluster is removed only while we hold the lock of its owner. Held by `ClusterDirectory::adopt`.

use std::path::PathBuf;

use super::directory::{ClusterDirectory, candidates};
use super::process;

/// Stops and removes the clusters of this account whose owner is dead, and returns their directories.
///
/// What cannot be removed stays for the next sweep: it must never keep a new cluster from starting.
pub fn sweep_abandoned() -> Vec<PathBuf> {
    candidates()
        .into_iter()
        .filter_map(ClusterDirectory::adopt)
        .filter_map(|abandoned| {
            // The server first, then its files, as in `Cluster::stop`.
            process::stop_orphan(&abandoned.data());
            abandoned.remove().ok()?;
            Some(abandoned.path().to_path_buf())
        })
        .collect()
}

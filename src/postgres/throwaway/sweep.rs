//! What a crash left behind. Invariant: a cluster is removed only after its owner's lock is ours.

use std::path::PathBuf;

use super::directory::{ClusterDirectory, candidates};
use super::process;

/// Stops and removes the clusters of this account whose owner is dead, and names their directories.
///
/// What cannot be removed stays for the next sweep: a leftover must never keep a new cluster from starting.
pub fn sweep_abandoned() -> Vec<PathBuf> {
    candidates()
        .into_iter()
        .filter_map(ClusterDirectory::adopt)
        .filter_map(|abandoned| {
            process::stop_orphan(&abandoned.data());
            abandoned.remove().ok()?;
            Some(abandoned.path().to_path_buf())
        })
        .collect()
}

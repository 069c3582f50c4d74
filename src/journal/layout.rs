//! Names inside the data directory and inside a run. Invariant: every name of spec section 8 is written here and nowhere else.

use std::path::Path;

/// Where runs live below the data directory.
pub const RUNS_DIR: &str = "runs";
/// Indexes and checkpoints below the data directory; may be deleted at any time.
pub const CACHE_DIR: &str = "cache";

pub(super) const JOURNAL: &str = "journal.jsonl";
pub(super) const HEAD: &str = "HEAD";
pub(super) const LOCK: &str = "LOCK";
pub(super) const BLOBS_DIR: &str = "blobs";
pub(super) const UNITS_DIR: &str = "units";
pub(super) const REVIEWS: &str = "reviews.jsonl";
pub(super) const HOOKS: &str = "hooks.jsonl";
/// Marks a run that came out of an archive: it is read only here.
pub(super) const IMPORTED: &str = "IMPORTED";
pub(super) const TORN_DIR: &str = "torn";
pub(super) const TEMPORARY: &str = ".tmp-";

/// Files of a run that its manifest does not list, beside the manifest itself.
pub(super) const NOT_IN_MANIFEST: [&str; 4] = [LOCK, REVIEWS, HOOKS, IMPORTED];

/// Files of a run that belong to the place it is kept at and never travel.
pub(super) const STAYS: [&str; 2] = [LOCK, IMPORTED];

/// Whether this file is what a crash leaves of an atomic replacement: no evidence, removed at the next opening.
pub(super) fn is_temporary(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(TEMPORARY))
}

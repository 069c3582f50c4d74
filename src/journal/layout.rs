//! The names of files inside the data directory and inside a run (docs/contract.md, section 8).

use std::path::Path;

/// The directory of runs in the data directory.
pub const RUNS_DIR: &str = "runs";
/// The directory in a shared data directory where the holders of runs listen.
pub const SOCKETS_DIR: &str = "sockets";
/// The directory in the data directory with what is left of removed runs.
pub(super) const REMOVED_DIR: &str = "removed";
/// The directory of the index in the data directory. It may be deleted at any time.
pub const CACHE_DIR: &str = "cache";

pub(super) const JOURNAL: &str = "journal.jsonl";
pub(super) const HEAD: &str = "HEAD";
pub(super) const LOCK: &str = "LOCK";
pub(super) const BLOBS_DIR: &str = "blobs";
pub(super) const UNITS_DIR: &str = "units";
pub(super) const REVIEWS: &str = "reviews.jsonl";
pub(super) const HOOKS: &str = "hooks.jsonl";
pub(super) const OUTCOMES: &str = "outcomes.jsonl";
/// What crashes left of lines of the side files.
const TORN_REVIEWS: &str = "reviews.torn";
const TORN_HOOKS: &str = "hooks.torn";
const TORN_OUTCOMES: &str = "outcomes.torn";
/// Marks a run that came out of an archive and is read only here.
pub(super) const IMPORTED: &str = "IMPORTED";
/// Marks a run that is kept in a run store.
pub(super) const IN_STORE: &str = "IN_STORE";
/// What the key hashes of a run are salted with. It is no evidence: whoever has it can try keys until one fits.
pub(super) const SALT: &str = "SALT";
pub(super) const SIDECAR: &str = "sidecar.json";
pub(super) const CONTEXT: &str = "context.json";
pub(super) const REPORTS_DIR: &str = "kb";
pub(super) const TORN_DIR: &str = "torn";
/// Beginning of the name of a temporary file. Such files are in no manifest and no archive.
pub(super) const TEMPORARY: &str = ".tmp-";

/// Files of a run that the manifest does not list, besides the manifest itself: they may change or grow after the seal.
pub(super) const NOT_IN_MANIFEST: [&str; 10] = [
    LOCK,
    SALT,
    REVIEWS,
    HOOKS,
    OUTCOMES,
    IMPORTED,
    IN_STORE,
    TORN_REVIEWS,
    TORN_HOOKS,
    TORN_OUTCOMES,
];

/// Files that belong to the place where a run is kept. They are never exported.
pub(super) const STAYS: [&str; 4] = [LOCK, SALT, IMPORTED, IN_STORE];

/// Where half a line of a side file is set aside.
pub(super) fn torn(side_file: &str) -> &'static str {
    match side_file {
        HOOKS => TORN_HOOKS,
        OUTCOMES => TORN_OUTCOMES,
        _ => TORN_REVIEWS,
    }
}

/// Whether a file is what a crash left of an atomic replacement. It is no evidence and is removed when the run is opened again.
pub(super) fn is_temporary(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(TEMPORARY))
}

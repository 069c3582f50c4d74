//! The file of the index, `cache/runs.jsonl`.
//! Invariant: it is used as a whole or not at all. Held by `parse` and the test
//! `a_cache_that_is_not_whole_is_made_anew_and_nothing_is_said` of tests/index.rs.
//!
//! The first line is `{"v":10,"sha256":"<of everything that follows>"}`, then there is a line for each run with key and row.
//! A change of what a row says, or of what it is made from, needs a new version: 1, the first; 2, a target names its port;
//! 3, a demo is marked; 4, persons are whole; 5, the head of the journal; 6, runs that were never begun;
//! 7, copied rows on the disk; 8, facts that moved while the run waits; 9, the change and what came of it;
//! 10, the program of a change.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::storage::{Stamp, Storage};
use super::{StorageError, atomic, format, layout};
use crate::run::RunRow;
use crate::survey::Digest;

const VERSION: u32 = 10;

/// What a row was made from: the stamps of journal, HEAD and outcomes before they were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CacheKey {
    journal: Stamp,
    head: Option<Stamp>,
    outcomes: Option<Stamp>,
}

impl CacheKey {
    /// The key for the stamps of journal, HEAD and outcomes; `None`: there is no journal.
    pub(super) fn of(stamps: &[Option<Stamp>]) -> Option<Self> {
        Some(Self {
            journal: stamps.first().copied().flatten()?,
            head: stamps.get(1).copied().flatten(),
            outcomes: stamps.get(2).copied().flatten(),
        })
    }
}

/// A row of the file, as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct CachedRow {
    pub(super) key: CacheKey,
    pub(super) row: RunRow,
}

/// A row of the file, as it is written.
#[derive(Serialize)]
struct CacheLine<'a> {
    key: &'a CacheKey,
    row: &'a RunRow,
}

#[derive(Debug, Serialize, Deserialize)]
struct CacheHeader {
    v: u32,
    sha256: Digest,
}

fn path() -> PathBuf {
    Path::new(layout::CACHE_DIR).join("runs.jsonl")
}

/// The rows of the file. Empty: it is not there, not whole, or of another version.
pub(super) fn read(storage: &dyn Storage) -> Vec<CachedRow> {
    let content = storage.read(&path()).ok().flatten();
    content.as_deref().and_then(parse).unwrap_or_default()
}

fn parse(content: &[u8]) -> Option<Vec<CachedRow>> {
    let end = memchr::memchr(b'\n', content)?;
    let (first, rest) = (&content[..end], &content[end + 1..]);
    let header: CacheHeader = serde_json::from_slice(first).ok()?;
    // The digest finds a file that was cut or edited: better no cache than wrong rows.
    if header.v != VERSION || header.sha256 != Digest::of(rest) {
        return None;
    }
    let lines = rest
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// Replaces the file atomically.
pub(super) fn write<'a>(
    storage: &dyn Storage,
    entries: impl Iterator<Item = (&'a CacheKey, &'a RunRow)>,
) -> Result<(), StorageError> {
    let mut rest = Vec::new();
    for (key, row) in entries {
        // A row that cannot be written is only read again the next time.
        let Ok(line) = format::to_ascii_json(&CacheLine { key, row }) else {
            continue;
        };
        rest.extend_from_slice(&line);
        rest.push(b'\n');
    }
    let sha256 = Digest::of(&rest);
    let mut content = format!("{{\"v\":{VERSION},\"sha256\":\"{sha256}\"}}\n").into_bytes();
    content.append(&mut rest);
    atomic::directory(storage, Path::new(layout::CACHE_DIR))?;
    atomic::replace(storage, &path(), &content)
}

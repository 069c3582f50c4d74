//! The file of the index: `cache/runs.jsonl`. Invariant: it is believed whole or not at all, and losing it costs time alone.
//!
//! First line: `{"v":3,"sha256":"<of all that follows>"}`; then one line a run, its key and its row. Version 1: the first; 2: a target names its port;
//! 3: a demo is marked.
//! A change of what a row says, or of what it is made from, needs a new version.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::storage::{Stamp, Storage};
use super::{StorageError, atomic, format, layout};
use crate::run::RunRow;
use crate::survey::Digest;

const VERSION: u32 = 3;

/// What a row was made from: journal and HEAD as they were before it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CacheKey {
    journal: Stamp,
    head: Option<Stamp>,
}

impl CacheKey {
    /// Of the stamps of journal and HEAD; none without a journal.
    pub(super) fn of(stamps: &[Option<Stamp>]) -> Option<Self> {
        Some(Self {
            journal: stamps.first().copied().flatten()?,
            head: stamps.get(1).copied().flatten(),
        })
    }
}

/// A row of the file.
#[derive(Debug, Deserialize)]
pub(super) struct CachedRow {
    pub(super) key: CacheKey,
    pub(super) row: RunRow,
}

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

/// What the file says; nothing if it is not there, not whole, or of another version.
pub(super) fn read(storage: &dyn Storage) -> Vec<CachedRow> {
    let content = storage.read(&path()).ok().flatten();
    content.as_deref().and_then(parse).unwrap_or_default()
}

fn parse(content: &[u8]) -> Option<Vec<CachedRow>> {
    let end = memchr::memchr(b'\n', content)?;
    let (first, rest) = (&content[..end], &content[end + 1..]);
    let header: CacheHeader = serde_json::from_slice(first).ok()?;
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

/// Replaces the file in one step.
pub(super) fn write<'a>(
    storage: &dyn Storage,
    entries: impl Iterator<Item = (&'a CacheKey, &'a RunRow)>,
) -> Result<(), StorageError> {
    let mut rest = Vec::new();
    for (key, row) in entries {
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

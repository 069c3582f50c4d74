//! What a resume does with a journal that its last writer left. Invariant: a line that HEAD covers is never touched, and doing it twice changes nothing.

use std::io::Read;
use std::path::Path;

use super::chain::ChainPosition;
use super::head::Head;
use super::journal_walk::{Scan, scan};
use super::storage::{Kind, Storage, StorageFile};
use super::{JournalError, StorageError, atomic, layout};
use crate::survey::{Digest, Hasher};

/// What was found beyond HEAD and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Whole lines beyond HEAD that chain: kept, and HEAD covers them now.
    pub kept: u64,
    /// What was set aside by this recovery.
    pub torn: Option<Torn>,
    /// Every piece ever set aside, so that one that a crash kept out of the journal can still be journalled.
    pub torn_files: Vec<Torn>,
}

/// A piece of the journal that did not chain, set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Where it is now, relative to the directory of the run.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// A journal ready to be appended to.
pub(super) struct Ready {
    pub(super) file: Box<dyn StorageFile>,
    pub(super) position: ChainPosition,
    pub(super) sealed: bool,
    pub(super) recovery: Recovery,
}

/// Brings a journal into the state that its HEAD promises. The caller holds the lock.
pub(super) fn recover(storage: &dyn Storage, run: &Path) -> Result<Ready, JournalError> {
    let scan = scan(storage, run, &mut |_| Ok(()))?;
    atomic::clean(storage, run)?;
    let path = run.join(layout::JOURNAL);
    if storage.len(&path)?.is_none() {
        drop(storage.create(&path)?);
    }
    storage.sync_dir(run)?;
    let kept = read_range(storage, &path, scan.covered.offset, scan.end.offset)?;
    let torn = match scan.torn_bytes {
        0 => None,
        _ => Some(set_aside(storage, run, &scan.end)?),
    };
    let mut file = storage.open_write(&path, scan.covered.offset)?;
    if !kept.is_empty() || torn.is_some() {
        // Written again because a sync that failed earlier may have left these bytes in memory only, and would not say so twice.
        file.write(&kept)?;
        file.cut()?;
        file.sync()?;
    }
    write_head(storage, run, &scan)?;
    if let Some(Torn { file, bytes, .. }) = &torn {
        tracing::warn!(
            ?run,
            file,
            bytes,
            "a torn tail of the journal was set aside"
        );
    }
    let beyond_head = scan.end.seq - scan.covered.seq;
    tracing::debug!(
        ?run,
        records = scan.end.seq,
        beyond_head,
        sealed = scan.sealed,
        "journal opened"
    );
    Ok(Ready {
        file,
        recovery: Recovery {
            kept: beyond_head,
            torn,
            torn_files: torn_files(storage, run)?,
        },
        position: scan.end,
        sealed: scan.sealed,
    })
}

/// HEAD is written even if it does not move: the rename that put it there may never have been made durable.
fn write_head(storage: &dyn Storage, run: &Path, scan: &Scan) -> Result<(), StorageError> {
    match scan.end.seq.checked_sub(1) {
        None => Ok(()),
        Some(seq) => Head {
            seq,
            sha256: scan.end.prev,
        }
        .write(storage, run),
    }
}

fn read_range(
    storage: &dyn Storage,
    path: &Path,
    from: u64,
    to: u64,
) -> Result<Vec<u8>, StorageError> {
    let mut bytes = Vec::new();
    let read = storage
        .open_read(path, from)?
        .take(to - from)
        .read_to_end(&mut bytes);
    read.map_err(|source| StorageError::new("read", path, source))?;
    Ok(bytes)
}

/// Copies everything from `end` on to `torn/<seq>`, durable before the journal is cut.
fn set_aside(storage: &dyn Storage, run: &Path, end: &ChainPosition) -> Result<Torn, StorageError> {
    let directory = run.join(layout::TORN_DIR);
    atomic::directory(storage, &directory)?;
    let path = directory.join(end.seq.to_string());
    let temporary = atomic::temporary(&path);
    let mut file = storage.create(&temporary)?;
    let journal = run.join(layout::JOURNAL);
    let (bytes, sha256) = copy(storage, &journal, end.offset, &mut |piece| {
        file.write(piece)
    })?;
    file.sync()?;
    for number in 1_u32.. {
        let name = match number {
            1 => end.seq.to_string(),
            again => format!("{}-{again}", end.seq),
        };
        let path = directory.join(&name);
        if storage.len(&path)?.is_some() {
            if copy(storage, &path, 0, &mut |_| Ok(()))?.1 != sha256 {
                // Another piece was torn off at this line before; evidence is never replaced.
                continue;
            }
            storage.remove(&temporary)?;
            storage.sync_dir(&directory)?;
        } else {
            atomic::publish(storage, &temporary, &path)?;
        }
        let file = format!("{}/{name}", layout::TORN_DIR);
        return Ok(Torn {
            file,
            bytes,
            sha256,
        });
    }
    let why = "every name for a torn piece is taken";
    Err(StorageError::refused("create", &directory, why))
}

fn torn_files(storage: &dyn Storage, run: &Path) -> Result<Vec<Torn>, StorageError> {
    let directory = run.join(layout::TORN_DIR);
    let listed = storage.list(&directory)?.into_iter();
    let files = listed.filter(|listed| listed.kind == Kind::File);
    files
        .map(|listed| {
            let path = directory.join(&listed.name);
            let (bytes, sha256) = copy(storage, &path, 0, &mut |_| Ok(()))?;
            let file = format!("{}/{}", layout::TORN_DIR, listed.name);
            Ok(Torn {
                file,
                bytes,
                sha256,
            })
        })
        .collect()
}

type ByteSink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), StorageError>;

/// Hands a file to `sink` in pieces, and gives its length and digest.
pub(super) fn copy(
    storage: &dyn Storage,
    path: &Path,
    from: u64,
    sink: ByteSink<'_>,
) -> Result<(u64, Digest), StorageError> {
    let mut input = storage.open_read(path, from)?;
    let mut piece = vec![0; 1 << 16];
    let (mut bytes, mut hasher) = (0, Hasher::new());
    loop {
        let read = match input.read(&mut piece) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read.map_err(|source| StorageError::new("read", path, source))?,
        };
        if read == 0 {
            return Ok((bytes, hasher.finish()));
        }
        bytes += read as u64;
        hasher.update(&piece[..read]);
        sink(&piece[..read])?;
    }
}

//! Recovery: what a resume does with a journal that its last writer left behind.
//! Invariant: a line that HEAD covers is never touched, and a second recovery changes nothing. Held
//! by `recover` and the tests `f1_a_recovery_that_dies_itself_loses_nothing` and
//! `f3_every_prefix_beyond_head_is_kept_by_whole_lines_and_the_rest_set_aside` of tests/journal.rs.

use std::io::Read;
use std::path::Path;

use super::chain::ChainPosition;
use super::head::Head;
use super::journal_walk::{Scan, scan};
use super::storage::{Kind, Storage, StorageFile};
use super::{JournalError, StorageError, atomic, layout};
use crate::survey::{Digest, Hasher};

/// What was behind HEAD, and what was done with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// How many whole lines behind HEAD chain. They are kept, and HEAD covers them now.
    pub kept: u64,
    /// The torn tail that this recovery moved aside; `None`: there was none.
    pub torn: Option<Torn>,
    /// Every torn tail that was ever moved aside. One that a crash kept out of the journal can still be recorded.
    pub torn_files: Vec<Torn>,
}

/// A torn tail: bytes behind the last line that chains, moved to a file of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The path of that file below the directory of the run.
    pub file: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
}

/// A journal to which lines can be appended.
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
    // A run that crashed before its first line has no journal.
    if storage.len(&path)?.is_none() {
        drop(storage.create(&path)?);
    }
    // The name of the journal may not be durable yet either.
    storage.sync_dir(run)?;
    let kept = read_range(storage, &path, scan.covered.offset, scan.end.offset)?;
    let torn = match scan.torn_bytes {
        0 => None,
        // The copy is durable before the journal is cut below, so that a crash in between loses nothing.
        _ => Some(set_aside(
            storage,
            run,
            &run.join(layout::TORN_DIR),
            &scan.end,
        )?),
    };
    let mut file = storage.open_write(&path, scan.covered.offset)?;
    if !kept.is_empty() || torn.is_some() {
        // Kept lines are written again: an earlier sync that failed may have left them in memory only, and the next sync
        // would not report that again.
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

/// Writes HEAD even if it does not move: the rename that put it there may not be durable.
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

/// Copies everything from `end` on to `<directory>/<seq>`; durable on return. The journal itself is cut later. The directory above must
/// exist.
pub(super) fn set_aside(
    storage: &dyn Storage,
    run: &Path,
    directory: &Path,
    end: &ChainPosition,
) -> Result<Torn, StorageError> {
    atomic::directory(storage, directory)?;
    let path = directory.join(end.seq.to_string());
    let temporary = atomic::temporary(&path);
    let mut file = storage.create(&temporary)?;
    let journal = run.join(layout::JOURNAL);
    let (bytes, sha256) = copy(storage, &journal, end.offset, &mut |piece| {
        file.write(piece)
    })?;
    file.sync()?;
    // `torn/<seq>`, then `torn/<seq>-2` and so on: at one line there can be more than one crash.
    for number in 1_u32.. {
        let name = match number {
            1 => end.seq.to_string(),
            again => format!("{}-{again}", end.seq),
        };
        let path = directory.join(&name);
        if storage.len(&path)?.is_some() {
            if copy(storage, &path, 0, &mut |_| Ok(()))?.1 != sha256 {
                // Another torn tail of this line is there already. Evidence is never replaced.
                continue;
            }
            // The same bytes are there already: an earlier recovery died before it cut the journal.
            storage.remove(&temporary)?;
            storage.sync_dir(directory)?;
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
    Err(StorageError::refused("create", directory, why))
}

/// Every torn tail of the run, with length and digest.
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

/// Hands a file from an offset on to `sink` in pieces of 64 KiB; gives length and digest of what was read.
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

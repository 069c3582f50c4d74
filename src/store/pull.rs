//! What is brought from a run store to this machine: a run that another one wrote, or one that is taken up here.
//! Invariant: whoever brings a run has its lock on this machine, and its files are here before the lines that name them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::StoreError;
use super::client::READ_PATIENCE;
use super::file_statements::{AskFiles, AskPart, FileOwner, StoredFile};
use super::held_run::HeldRun;
use super::mirrored_file::StoreOrStorage;
use super::mirrored_storage::{MirroredStorage, is_beside};
use super::statements::{AskLines, AskRun, AskRuns, ClaimRun, MakeRun, StoredRun};
use crate::journal::{
    DirectoryStore, JournalError, MANIFEST, RUNS_DIR, Replica, Storage as _, StorageError,
    imported_from, is_in_store, is_replicated, mark_in_store, parse_head,
};
use crate::run::{JournalHead, RunId};
use crate::survey::Digest;

/// Runs that a list is brought up to date with. An older one comes when it is asked for by its whole id.
const NEWEST: i64 = 200;

/// What came of taking a run up.
pub(super) enum Claimed {
    /// This process holds it.
    Ours(Arc<HeldRun>),
    /// Nobody can hold it any more.
    Sealed,
    /// Another process holds it.
    Held {
        /// What it calls itself.
        holder: String,
        /// How long its lease still runs, in seconds.
        held_s: f64,
    },
}

/// Brings the newest runs here, each that has other lines than this machine.
pub(super) fn newest(storage: &MirroredStorage) -> Result<(), StoreOrStorage> {
    let runs = storage
        .client
        .ask(READ_PATIENCE, AskRuns { at_most: NEWEST })?;
    for found in runs {
        let Ok(run_id) = found.run_id.parse::<RunId>() else {
            continue;
        };
        // Without a line it is a run that never began.
        if found.head.is_none() || is_here(storage, &run_id, &found)? {
            continue;
        }
        bring_or_say(storage, &run_id, &found)?;
    }
    Ok(())
}

/// Brings one run here, if the store has it.
pub(super) fn run(storage: &MirroredStorage, run_id: &RunId) -> Result<(), StoreOrStorage> {
    let asked = storage.client.ask(READ_PATIENCE, AskRun(run_id.clone()))?;
    asked.map_or(Ok(()), |found| bring_or_say(storage, run_id, &found))
}

/// Brings a run here. One that cannot be brought is said: it is no reason to show none of the others, or not what is here of it.
fn bring_or_say(
    storage: &MirroredStorage,
    run_id: &RunId,
    found: &StoredRun,
) -> Result<(), StoreOrStorage> {
    match bring(storage, run_id, found) {
        Err(StoreOrStorage::Store(error @ (StoreError::Refused(_) | StoreError::Forked(_)))) => {
            storage.tell(&format!(
                "drygate: {run_id} is shown as it is on this machine: {error}"
            ));
            Ok(())
        }
        brought => brought,
    }
}

/// Whether this machine has the last line, the seal of a run that has one, and what came of the change.
fn is_here(
    storage: &MirroredStorage,
    run_id: &RunId,
    found: &StoredRun,
) -> Result<bool, StorageError> {
    let head = storage.disk.read(&DirectoryStore::head_path(run_id))?;
    let head = head.as_deref().and_then(parse_head);
    let run = DirectoryStore::run_path(run_id);
    let is_sealed = storage.disk.len(&run.join(MANIFEST))?.is_some();
    let outcomes = match &found.outcomes {
        Some(_) => storage.disk.read(&run.join("outcomes.jsonl"))?,
        None => None,
    };
    let outcomes = outcomes.as_deref().map(Digest::of);
    Ok(head == found.head && is_sealed == found.is_sealed && outcomes == found.outcomes)
}

/// Brings files and lines of a run here under its lock; does nothing where a process of this machine holds it.
fn bring(
    storage: &MirroredStorage,
    run_id: &RunId,
    found: &StoredRun,
) -> Result<(), StoreOrStorage> {
    let run = DirectoryStore::run_path(run_id);
    let removed = DirectoryStore::removed_path(run_id);
    let is_kept_apart = !matches!(imported_from(&*storage.disk, &run), Ok(None));
    // What somebody removed from this machine does not come back by itself.
    if is_kept_apart || storage.disk.len(&removed)?.is_some() {
        return Ok(());
    }
    for directory in [Path::new(RUNS_DIR), &run] {
        storage.disk.create_dir(directory)?;
    }
    let Some(_lease) = storage.disk.lease(&run.join("LOCK"))? else {
        return Ok(());
    };
    mark_in_store(&*storage.disk, &run)?;
    let mut replica = match Replica::of(storage.disk.clone(), &run) {
        // Whoever reads it names the damage.
        Err(JournalError::Corrupt(_)) => return Ok(()),
        replica => replica.map_err(|error| of_journal(storage, &run, error))?,
    };
    match of_last_line(
        storage,
        run_id,
        &replica,
        found.head.as_ref(),
        READ_PATIENCE,
    )? {
        StoredThere::Same => {}
        // A standby that is read may be late: only who takes the run up lets the store win.
        StoredThere::Missing => return Ok(()),
        StoredThere::Other => start_over(storage, run_id, &mut replica)?,
    }
    bring_files(storage, run_id, &replica, READ_PATIENCE)?;
    bring_lines(storage, run_id, &mut replica, READ_PATIENCE)
}

/// Brings files and lines of a run that is taken up here: the store's head wins.
fn bring_to_take_up(
    storage: &MirroredStorage,
    run_id: &RunId,
    replica: &mut Replica,
    head: Option<&JournalHead>,
) -> Result<(), StoreOrStorage> {
    let patience = storage.client.patience();
    mark_in_store(&*storage.disk, &DirectoryStore::run_path(run_id))?;
    match of_last_line(storage, run_id, replica, head, patience)? {
        StoredThere::Same => {}
        StoredThere::Missing | StoredThere::Other => start_over(storage, run_id, replica)?,
    }
    bring_files(storage, run_id, replica, patience)?;
    bring_lines(storage, run_id, replica, patience)
}

/// What the store has in the place of the last line that this machine acknowledged.
enum StoredThere {
    /// The same line, or this machine has none.
    Same,
    /// No line: it was lost with a failover, or a standby that answers is late.
    Missing,
    /// Another line: the run went on in two places.
    Other,
}

fn of_last_line(
    storage: &MirroredStorage,
    run_id: &RunId,
    replica: &Replica,
    head: Option<&JournalHead>,
    patience: Duration,
) -> Result<StoredThere, StoreOrStorage> {
    let Some(here) = replica.head().filter(|here| head != Some(here)) else {
        return Ok(StoredThere::Same);
    };
    let (run_id, from) = (run_id.clone(), here.seq);
    let lines = storage.client.ask(patience, AskLines { run_id, from })?;
    Ok(match lines.first().filter(|line| line.seq == here.seq) {
        None => StoredThere::Missing,
        Some(line) if Digest::of(&line.line) == here.sha256 => StoredThere::Same,
        Some(_) => StoredThere::Other,
    })
}

/// The store's head wins: what this machine has is set aside whole. A sealed run is evidence as it stands, and stays.
fn start_over(
    storage: &MirroredStorage,
    run_id: &RunId,
    replica: &mut Replica,
) -> Result<(), StoreOrStorage> {
    let run = DirectoryStore::run_path(run_id);
    if storage.disk.len(&run.join(MANIFEST))?.is_some() {
        let why = format!("{run_id} is sealed here, with a line that the store has not");
        return Err(StoreError::Forked(why).into());
    }
    let place = replica
        .start_over()
        .map_err(|error| of_journal(storage, &run, error))?;
    storage.tell(&format!(
        "drygate: the run store has another journal of {run_id}: what this machine had was set aside in {}",
        storage.disk.root().join(place).display()
    ));
    Ok(())
}

fn replica(storage: &MirroredStorage, run: &Path) -> Result<Replica, StoreOrStorage> {
    Replica::of(storage.disk.clone(), run).map_err(|error| of_journal(storage, run, error))
}

fn of_journal(storage: &MirroredStorage, run: &Path, error: JournalError) -> StoreOrStorage {
    match error {
        JournalError::Storage(error) => error.into(),
        other => {
            let path = storage.disk.root().join(run);
            StorageError::new(StorageError::BRING, &path, std::io::Error::other(other)).into()
        }
    }
}

fn bring_lines(
    storage: &MirroredStorage,
    run_id: &RunId,
    replica: &mut Replica,
    patience: Duration,
) -> Result<(), StoreOrStorage> {
    let run = DirectoryStore::run_path(run_id);
    loop {
        let from = replica.head().map_or(0, |head| head.seq + 1);
        let lines = storage.client.ask(
            patience,
            AskLines {
                run_id: run_id.clone(),
                from,
            },
        )?;
        let lines: Vec<Vec<u8>> = lines.into_iter().map(|line| line.line).collect();
        let torn = replica
            .bring(&lines)
            .map_err(|error| of_journal(storage, &run, error))?;
        if let Some(torn) = torn {
            let (file, bytes) = (torn.file, torn.bytes);
            tracing::warn!(%run_id, file, bytes, "what the run store has not was set aside");
        }
        if lines.is_empty() {
            return Ok(());
        }
    }
}

fn bring_files(
    storage: &MirroredStorage,
    run_id: &RunId,
    replica: &Replica,
    patience: Duration,
) -> Result<(), StoreOrStorage> {
    let files = storage.client.ask(patience, AskFiles(run_id.clone()))?;
    // The seal last: what it lists is here by then.
    let (seal, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.path == MANIFEST);
    for file in files.into_iter().chain(seal) {
        bring_file(storage, run_id, replica, &file, patience)?;
    }
    Ok(())
}

fn bring_file(
    storage: &MirroredStorage,
    run_id: &RunId,
    replica: &Replica,
    file: &StoredFile,
    patience: Duration,
) -> Result<(), StoreOrStorage> {
    let run = DirectoryStore::run_path(run_id);
    let key = (run_id.clone(), file.path.clone());
    let known = |storage: &MirroredStorage| {
        let versions = storage.versions.lock();
        let versions = versions.unwrap_or_else(PoisonError::into_inner);
        versions.get(&key).copied()
    };
    if known(storage) == Some(file.version) {
        return Ok(());
    }
    let path: PathBuf = run.join(&file.path);
    // A blob is named by its digest: one that is here is not read again.
    let is_blob = file.path.starts_with("blobs/");
    let here = storage.disk.len(&path)?.is_some();
    let is_same = |digest| digest == Some(file.sha256.clone());
    let same = here
        && (is_blob
            || is_same(
                replica
                    .digest(&file.path)
                    .map_err(|error| of_journal(storage, &run, error))?,
            ));
    if !same {
        let mut parts = 0..file.parts;
        let mut next = || {
            let Some(part) = parts.next() else {
                return Ok(None);
            };
            let sha256 = file.sha256.clone();
            let body = storage.client.ask(patience, AskPart { sha256, part })?;
            let missing = || StoreError::Refused(format!("{} of {run_id} is missing", file.path));
            Ok::<_, BringError>(Some(body.ok_or_else(missing)?))
        };
        replica
            .put(&file.path, &file.sha256, &mut next)
            .map_err(|error| match error {
                BringError::Store(error) => error.into(),
                BringError::Journal(error) => of_journal(storage, &run, error),
            })?;
    }
    let versions = storage.versions.lock();
    let mut versions = versions.unwrap_or_else(PoisonError::into_inner);
    versions.insert(key, file.version);
    Ok(())
}

/// Why a file was not brought here.
enum BringError {
    Store(StoreError),
    Journal(JournalError),
}

impl From<StoreError> for BringError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<JournalError> for BringError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// Brings a file beside the journal here, before a line is added to it, and gives its version (0: there is none). `None`: the store
/// has no such run.
pub(super) fn beside(
    storage: &MirroredStorage,
    run_id: &RunId,
    name: &str,
) -> Result<Option<i64>, StoreOrStorage> {
    if storage
        .client
        .ask(storage.client.patience(), AskRun(run_id.clone()))?
        .is_none()
    {
        return Ok(None);
    }
    let files = storage
        .client
        .ask(storage.client.patience(), AskFiles(run_id.clone()))?;
    let Some(file) = files.iter().find(|file| file.path == name) else {
        return Ok(Some(0));
    };
    let replica = replica(storage, &DirectoryStore::run_path(run_id))?;
    bring_file(storage, run_id, &replica, file, storage.client.patience())?;
    Ok(Some(file.version))
}

/// Takes a run up in the store, and brings here what this machine has not: the store's head wins. The caller has the lock of this
/// machine.
pub(super) fn take_up(
    storage: &MirroredStorage,
    run_id: &RunId,
    holder: &str,
) -> Result<Claimed, StoreOrStorage> {
    let lease = storage.client.lease();
    let (holder, run) = (holder.to_owned(), DirectoryStore::run_path(run_id));
    let take = ClaimRun {
        run_id: run_id.clone(),
        holder: holder.clone(),
        lease,
    };
    let patience = storage.client.patience();
    let mut replica = replica(storage, &run)?;
    if let Some(taken) = storage.client.ask(patience, take)? {
        bring_to_take_up(storage, run_id, &mut replica, taken.head.as_ref())?;
        if replica.head() != taken.head {
            let why = "its lines do not end with the one that it calls the last";
            return Err(StoreError::Forked(why.to_owned()).into());
        }
        let held = HeldRun::keep(&storage.client, run_id.clone(), taken.epoch, taken.head);
        return Ok(Claimed::Ours(held));
    }
    let asked = storage.client.ask(patience, AskRun(run_id.clone()))?;
    if let Some(found) = asked {
        if found.is_sealed {
            bring_to_take_up(storage, run_id, &mut replica, found.head.as_ref())?;
            return Ok(Claimed::Sealed);
        }
        let (holder, held_s) = (found.holder, found.held_s);
        return Ok(Claimed::Held { holder, held_s });
    }
    // What the store had once and has no more is not committed again: its owner removed it, or it is another store.
    if storage.disk.len(&run.join(MANIFEST))?.is_some() {
        return Ok(Claimed::Sealed);
    }
    if is_in_store(&*storage.disk, &run)? {
        let why = format!("it has no run {run_id}, which this machine brought from a run store");
        return Err(StoreError::Refused(why).into());
    }
    let make = MakeRun {
        run_id: run_id.clone(),
        holder,
        lease,
    };
    if !storage.client.ask(patience, make)? {
        let (holder, held_s) = (String::new(), 0.0);
        return Ok(Claimed::Held { holder, held_s });
    }
    mark_in_store(&*storage.disk, &run)?;
    let held = HeldRun::keep(&storage.client, run_id.clone(), 1, None);
    if replica.head().is_some() {
        adopt(storage, &held, &replica, &run)?;
    }
    Ok(Claimed::Ours(held))
}

/// Commits a run that was begun on this machine without a store.
fn adopt(
    storage: &MirroredStorage,
    held: &HeldRun,
    replica: &Replica,
    run: &Path,
) -> Result<(), StoreOrStorage> {
    for name in names(storage, run, "")? {
        if is_replicated(&name) && !is_beside(&name) && name != MANIFEST {
            let owner = FileOwner::Holder { epoch: held.epoch };
            storage.commit_file(&held.run_id, &run.join(&name), &name, owner)?;
        }
    }
    let mut written = Vec::new();
    replica
        .each_line(&mut |line| {
            written.extend_from_slice(line);
            written.push(b'\n');
            Ok(())
        })
        .map_err(|error| of_journal(storage, run, error))?;
    held.progress().written = written;
    Ok(storage.commit_lines(held, &run.join("HEAD"))?)
}

/// The names of the files below a directory of a run.
fn names(storage: &MirroredStorage, run: &Path, below: &str) -> Result<Vec<String>, StorageError> {
    let mut names = Vec::new();
    for listed in storage.disk.list(&run.join(below))? {
        let name = if below.is_empty() {
            listed.name
        } else {
            format!("{below}/{}", listed.name)
        };
        match listed.kind {
            crate::journal::Kind::Directory => names.extend(self::names(storage, run, &name)?),
            crate::journal::Kind::File => names.push(name),
            crate::journal::Kind::Other => {}
        }
    }
    Ok(names)
}

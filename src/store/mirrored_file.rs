//! Files of a run on their way into a run store: whole ones in parts, the journal line by line, a file beside it with each line.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file_statements::{FileOwner, PutFile, PutPart};
use super::held_run::HeldRun;
use super::{StoreClient, StoreError};
use crate::journal::{DiskStorage, MANIFEST, Storage as _, StorageError, StorageFile};
use crate::run::RunId;
use crate::survey::{Digest, Hasher};

/// Bytes of one part of a file in the store.
const PART_BYTES: usize = 1 << 20;
/// How often a file is put whose parts were lost before it was named.
const PUT_TRIES: u32 = 3;

/// Commits a file whose content is in `from` under its name in the run.
pub(super) fn commit_file(
    client: &StoreClient,
    disk: &DiskStorage,
    (run_id, name): (&RunId, &str),
    from: &Path,
    owner: FileOwner,
) -> Result<(), StoreOrStorage> {
    // Twice through the file: its digest names its parts.
    let mut hasher = Hasher::new();
    let mut hash = |part: &[u8]| {
        hasher.update(part);
        Ok(())
    };
    let whole = read_parts(&mut disk.open_read(from, 0)?, &mut hash);
    whole.map_err(|error| failed(disk, from, error))?;
    let sha256: Digest = hasher.finish();
    for _ in 0..PUT_TRIES {
        let parts = put_parts(client, disk, from, &sha256)?;
        let put = PutFile {
            run_id: run_id.clone(),
            path: name.to_owned(),
            sha256: sha256.clone(),
            parts,
            owner,
            seals: name == MANIFEST,
        };
        if client.ask(client.patience(), put)? {
            tracing::debug!(%run_id, name, "a file is committed to the run store");
            return Ok(());
        }
    }
    Err(StoreError::Refused(format!("it does not keep the parts of {name}")).into())
}

/// Commits what is in a file; gives how many parts that is.
fn put_parts(
    client: &StoreClient,
    disk: &DiskStorage,
    from: &Path,
    sha256: &Digest,
) -> Result<i32, StoreOrStorage> {
    let (mut parts, mut refused) = (0, None);
    let mut put = |part: &[u8]| {
        let put = PutPart {
            sha256: sha256.clone(),
            part: parts,
            body: part.to_vec(),
        };
        parts += 1;
        client.ask(client.patience(), put).map_err(|error| {
            refused = Some(error);
            std::io::Error::other("the run store")
        })
    };
    let put = read_parts(&mut disk.open_read(from, 0)?, &mut put);
    if let Some(error) = refused {
        return Err(error.into());
    }
    put.map_err(|error| failed(disk, from, error))?;
    Ok(parts)
}

fn failed(disk: &DiskStorage, from: &Path, error: std::io::Error) -> StorageError {
    StorageError::new(StorageError::COMMIT, &disk.root().join(from), error)
}

/// Why a file was not committed.
pub(super) enum StoreOrStorage {
    Store(StoreError),
    Storage(StorageError),
}

impl From<StoreError> for StoreOrStorage {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<StorageError> for StoreOrStorage {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Hands a file on in parts of 1 MiB; an empty file is one empty part.
fn read_parts(
    input: &mut dyn Read,
    visit: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut first = true;
    loop {
        let mut part = Vec::new();
        input.take(PART_BYTES as u64).read_to_end(&mut part)?;
        if part.is_empty() && !first {
            return Ok(());
        }
        first = false;
        visit(&part)?;
        if part.len() < PART_BYTES {
            return Ok(());
        }
    }
}

/// The journal of a held run. The store commits its lines while this machine makes them durable, because each waits for a disk; HEAD
/// names them when both are done (`MirroredStorage::rename`).
#[derive(Debug)]
pub(super) struct MirroredJournal {
    pub(super) file: Box<dyn StorageFile>,
    pub(super) run: Arc<HeldRun>,
    pub(super) client: Arc<StoreClient>,
}

impl StorageFile for MirroredJournal {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.run.progress().written.extend_from_slice(bytes);
        self.file.write(bytes)
    }

    fn cut(&mut self) -> Result<(), StorageError> {
        self.file.cut()
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.run.begin_commit(&self.client);
        self.file.sync()
    }
}

/// A file beside the journal: it is committed as a whole with each line.
#[derive(Debug)]
pub(super) struct MirroredSideFile {
    pub(super) file: Box<dyn StorageFile>,
    pub(super) run_id: RunId,
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// The version that the next one follows.
    pub(super) after: i64,
    pub(super) disk: Arc<DiskStorage>,
    pub(super) client: Arc<StoreClient>,
}

impl StorageFile for MirroredSideFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.file.write(bytes)
    }

    fn cut(&mut self) -> Result<(), StorageError> {
        self.file.cut()
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.file.sync()?;
        let owner = FileOwner::Beside { after: self.after };
        let run = (&self.run_id, self.name.as_str());
        let committed = commit_file(&self.client, &self.disk, run, &self.path, owner);
        committed.map_err(|error| match error {
            StoreOrStorage::Storage(error) => error,
            StoreOrStorage::Store(error) => {
                let path = self.disk.root().join(&self.path);
                StorageError::new(StorageError::COMMIT, &path, std::io::Error::other(error))
            }
        })?;
        self.after += 1;
        Ok(())
    }
}

//! Blobs: documents that are stored under their own SHA-256.
//! Invariant: a blob is written once, and its name is the SHA-256 of its bytes. Held by `BlobWriter::finish` and
//! the test `blobs_are_written_once_and_never_believed` of tests/journal.rs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recovery::copy;
use super::storage::{Storage, StorageFile};
use super::{Corrupt, JournalError, StorageError, atomic, layout};
use crate::survey::{Digest, Hasher};

/// The blobs of one run.
#[derive(Debug, Clone)]
pub struct Blobs {
    storage: Arc<dyn Storage>,
    run: PathBuf,
}

impl Blobs {
    /// The blobs of the run in this directory of the storage.
    pub fn new(storage: Arc<dyn Storage>, run: &Path) -> Self {
        Self {
            storage,
            run: run.to_owned(),
        }
    }

    /// Stores a document; durable on return. A blob that is there already is checked and not written again.
    pub fn put(&self, content: &[u8]) -> Result<Digest, JournalError> {
        let sha256 = Digest::of(content);
        if self.contains(&sha256)? {
            self.check(&sha256)?;
            // A process that died may have put the blob there before its name was durable.
            self.storage.sync_dir(&self.directory())?;
            return Ok(sha256);
        }
        let mut writer = self.begin()?;
        writer.write(content)?;
        writer.finish()
    }

    /// Begins a blob that is written in pieces. Only one at a time: the next one replaces an unfinished one.
    pub fn begin(&self) -> Result<BlobWriter, JournalError> {
        let temporary = atomic::temporary(&self.directory().join("blob"));
        Ok(BlobWriter {
            file: self.storage.create(&temporary)?,
            blobs: self.clone(),
            temporary,
            hasher: Hasher::new(),
        })
    }

    /// The document with this digest. Missing or changed bytes are an error.
    pub fn get(&self, sha256: &Digest) -> Result<Vec<u8>, JournalError> {
        let content = self.storage.read(&self.path(sha256))?;
        let content = content.ok_or_else(|| missing(sha256))?;
        if Digest::of(&content) == *sha256 {
            return Ok(content);
        }
        Err(changed(sha256).into())
    }

    /// The text of a document; `None`: it is missing, damaged or not UTF-8.
    pub fn text(&self, sha256: &Digest) -> Option<String> {
        String::from_utf8(self.get(sha256).ok()?).ok()
    }

    /// A document that is read from its beginning, piece by piece, once its bytes were checked; `None`: it is missing or damaged.
    pub fn open(&self, sha256: &Digest) -> Option<Box<dyn BufRead>> {
        self.check(sha256).ok()?;
        let input = self.storage.open_read(&self.path(sha256), 0).ok()?;
        Some(Box::new(BufReader::new(input)))
    }

    /// The digests that the files are named after.
    pub fn list(&self) -> Result<Vec<Digest>, StorageError> {
        let listed = self.storage.list(&self.directory())?;
        Ok(listed
            .into_iter()
            .filter_map(|listed| listed.name.parse().ok())
            .collect())
    }

    /// Whether there is a file under this digest. Its bytes are not checked.
    pub fn contains(&self, sha256: &Digest) -> Result<bool, StorageError> {
        Ok(self.storage.len(&self.path(sha256))?.is_some())
    }

    /// Checks the bytes of a blob without holding them in memory.
    pub fn check(&self, sha256: &Digest) -> Result<(), JournalError> {
        if !self.contains(sha256)? {
            return Err(missing(sha256).into());
        }
        let (_, found) = copy(&*self.storage, &self.path(sha256), 0, &mut |_| Ok(()))?;
        if found == *sha256 {
            return Ok(());
        }
        Err(changed(sha256).into())
    }

    fn directory(&self) -> PathBuf {
        self.run.join(layout::BLOBS_DIR)
    }

    fn path(&self, sha256: &Digest) -> PathBuf {
        self.directory().join(sha256.as_str())
    }
}

/// A blob that is being written under a temporary name.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    temporary: PathBuf,
    file: Box<dyn StorageFile>,
    hasher: Hasher,
}

impl BlobWriter {
    /// Adds a piece of the document.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), JournalError> {
        self.hasher.update(piece);
        Ok(self.file.write(piece)?)
    }

    /// Makes the blob durable under its digest, and gives the digest.
    pub fn finish(mut self) -> Result<Digest, JournalError> {
        self.file.sync()?;
        let sha256 = self.hasher.finish();
        let storage = &*self.blobs.storage;
        // The same document is there already: the old file stays, if its bytes are right.
        if self.blobs.contains(&sha256)? {
            self.blobs.check(&sha256)?;
            storage.remove(&self.temporary)?;
            storage.sync_dir(&self.blobs.directory())?;
        } else {
            atomic::publish(storage, &self.temporary, &self.blobs.path(&sha256))?;
        }
        Ok(sha256)
    }
}

fn missing(sha256: &Digest) -> Corrupt {
    Corrupt::file(file(sha256), "is missing")
}

fn changed(sha256: &Digest) -> Corrupt {
    Corrupt::file(
        file(sha256),
        "does not have the digest that it is named after",
    )
}

fn file(sha256: &Digest) -> String {
    format!("{}/{sha256}", layout::BLOBS_DIR)
}

//! What the journal asks of a disk. Invariant: every path is relative to one root and cannot leave it; every path written is recorded.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StorageError;

/// A directory that files are kept in: the real disk, or a simulated one in tests.
///
/// No method retries a failed sync: after one, what is in the page cache and what is on the disk may differ for ever.
pub trait Storage: Debug + Send + Sync {
    /// The directory every path is relative to.
    fn root(&self) -> &Path;
    /// Makes a directory; one that exists is fine. Its parent must exist. Durable after `sync_dir` of the parent.
    fn create_dir(&self, path: &Path) -> Result<(), StorageError>;
    /// Creates a file, or empties the one that is there, for writing from its start.
    fn create(&self, path: &Path) -> Result<Box<dyn StorageFile>, StorageError>;
    /// Opens a file for writing from `offset` on.
    fn open_write(&self, path: &Path, offset: u64) -> Result<Box<dyn StorageFile>, StorageError>;
    /// Opens a file for reading from `offset` on.
    fn open_read(&self, path: &Path, offset: u64) -> Result<Box<dyn Read + Send>, StorageError>;
    /// The length of a regular file; `None` if there is nothing at this path.
    fn len(&self, path: &Path) -> Result<Option<u64>, StorageError>;
    /// Renames a file within a directory, replacing what is there.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> Result<(), StorageError>;
    /// What is in a directory, sorted by name; nothing if the directory does not exist.
    fn list(&self, path: &Path) -> Result<Vec<Listed>, StorageError>;
    /// For each of `names` in a directory the stamps of these files below it, in order. `None`: not there, or this storage
    /// cannot tell whether a file has changed.
    fn stamps(
        &self,
        _directory: &Path,
        names: &[&str],
        files: &[&str],
    ) -> Result<Vec<Vec<Option<Stamp>>>, StorageError> {
        Ok(vec![vec![None; files.len()]; names.len()])
    }
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> Result<(), StorageError>;
    /// Takes the lock on a file, made if it is not there. `None` if another holds it.
    fn lease(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError>;
    /// Every path opened for writing, created, renamed or removed, below the root.
    fn written_paths(&self) -> BTreeSet<PathBuf>;

    /// The whole content of a file; `None` if there is nothing at this path.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
        if self.len(path)?.is_none() {
            return Ok(None);
        }
        let mut content = Vec::new();
        self.open_read(path, 0)?
            .read_to_end(&mut content)
            .map_err(|source| StorageError::new("read", &self.root().join(path), source))?;
        Ok(Some(content))
    }
}

/// A file open for writing. Writes go one after the other; nothing is durable before `sync`.
pub trait StorageFile: Debug + Send {
    /// Writes all bytes after those written before.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError>;
    /// Cuts the file off after what was written last.
    fn cut(&mut self) -> Result<(), StorageError>;
    /// Makes content and length durable.
    fn sync(&mut self) -> Result<(), StorageError>;
}

/// A lock on a file, held until dropped; the kernel frees it when the process dies.
pub trait Lease: Debug + Send {
    /// Whether the path still names the file that is locked, and no other path does.
    fn is_current(&self) -> Result<bool, StorageError>;
    /// Replaces the content of the locked file. Not made durable: it describes a living process.
    fn write(&mut self, content: &[u8]) -> Result<(), StorageError>;
}

/// What changes whenever a file does. Not evidence: only whether it is worth reading again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Length.
    pub bytes: u64,
    /// When content or inode changed last, in nanoseconds; unlike the time of modification no program sets it.
    pub changed_ns: i64,
    /// The inode, which a replacement changes.
    pub inode: u64,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The name alone.
    pub name: String,
    /// What it names.
    pub kind: Kind,
}

/// What a name in a directory names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A link, socket, device or pipe; none of them belongs in a run.
    Other,
}

/// Who may read what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Mode of directories.
    pub directory_mode: u32,
    /// Mode of files.
    pub file_mode: u32,
    /// Group that directories are given to, so that files in them inherit it.
    pub group: Option<u32>,
}

impl Permissions {
    /// The owner alone: directories 0700, files 0600.
    pub fn private() -> Self {
        Self {
            directory_mode: 0o700,
            file_mode: 0o600,
            group: None,
        }
    }

    /// The owner and a group (`store.group`): directories 02770, files 0660. Members of the group can rewrite files.
    pub fn shared(group: u32) -> Self {
        Self {
            directory_mode: 0o2770,
            file_mode: 0o660,
            group: Some(group),
        }
    }
}

/// Which paths were written.
#[derive(Debug, Default)]
pub(crate) struct WriteRecord {
    pub(crate) written: BTreeSet<PathBuf>,
}

impl WriteRecord {
    /// Records a path about to be written, and refuses one that could leave the root.
    pub(crate) fn admit(
        &mut self,
        root: &Path,
        operation: &'static str,
        path: &Path,
    ) -> Result<(), StorageError> {
        check(operation, path)?;
        self.written.insert(root.join(path));
        Ok(())
    }
}

/// Refuses a path that is absolute or climbs.
pub(crate) fn check(operation: &'static str, path: &Path) -> Result<(), StorageError> {
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
    if path.components().all(inside) {
        return Ok(());
    }
    Err(StorageError::refused(
        operation,
        path,
        "the path leaves the data directory",
    ))
}

//! The storage trait: what the journal needs from a disk.
//! Invariant: every path is relative to one root and cannot leave it, and every written path is recorded.
//! Held by `WriteRecord::admit` and `check`.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StorageError;

/// A directory in which files are kept: on the real disk, or simulated in tests.
///
/// No method repeats a failed sync: after a failure, memory and disk may differ without a further error.
pub trait Storage: Debug + Send + Sync {
    /// The directory to which every path is relative.
    fn root(&self) -> &Path;
    /// Makes a directory; one that exists is no error. Its parent must exist. The name is durable
    /// after `sync_dir` of the parent.
    fn create_dir(&self, path: &Path) -> Result<(), StorageError>;
    /// Creates a file, or empties an existing one, for writing from its start.
    fn create(&self, path: &Path) -> Result<Box<dyn StorageFile>, StorageError>;
    /// Opens a file for writing from `offset` on.
    fn open_write(&self, path: &Path, offset: u64) -> Result<Box<dyn StorageFile>, StorageError>;
    /// Opens a file for reading from `offset` on.
    fn open_read(&self, path: &Path, offset: u64) -> Result<Box<dyn Read + Send>, StorageError>;
    /// The length of a regular file in bytes; `None`: there is nothing at this path.
    fn len(&self, path: &Path) -> Result<Option<u64>, StorageError>;
    /// Renames a file within its directory; an existing file of the new name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError>;
    /// Removes a file; its name is gone for certain after `sync_dir`.
    fn remove(&self, path: &Path) -> Result<(), StorageError>;
    /// Gives a file a second name, for reading it there. Both names must be on one file system.
    fn link(&self, from: &Path, to: &Path) -> Result<(), StorageError>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> Result<(), StorageError>;
    /// The entries of a directory, sorted by name. Empty: it has none, or does not exist.
    fn list(&self, path: &Path) -> Result<Vec<Listed>, StorageError>;
    /// For each of `names` in a directory, the stamps of these files below it, in order. `None`: the file is not there, or this
    /// storage cannot tell whether it changed.
    fn stamps(
        &self,
        _directory: &Path,
        names: &[&str],
        files: &[&str],
    ) -> Result<Vec<Vec<Option<Stamp>>>, StorageError> {
        Ok(vec![vec![None; files.len()]; names.len()])
    }
    /// Makes the names in a directory durable (fsync of the directory).
    fn sync_dir(&self, path: &Path) -> Result<(), StorageError>;
    /// Brings here what other machines wrote of a run, or of all runs (`runs`). On a disk of this machine alone there is nothing to
    /// bring.
    fn refresh(&self, _directory: &Path) -> Result<(), StorageError> {
        Ok(())
    }
    /// Whether a run store is behind it.
    fn has_store(&self) -> bool {
        false
    }
    /// Whether what other machines wrote was known at the last [`refresh`](Storage::refresh).
    fn is_reached(&self) -> bool {
        true
    }
    /// Rests before the next look at what other processes write: `at_most`, or less where another machine says that it wrote.
    fn rest(&self, at_most: Duration) {
        thread::sleep(at_most);
    }
    /// Takes the exclusive lock on a file, which is created if needed; `None`: another process holds it.
    fn lease(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError>;
    /// Every path below the root that was opened for writing, created, renamed or removed.
    fn written_paths(&self) -> BTreeSet<PathBuf>;

    /// The whole content of a file; `None`: there is nothing at this path.
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

/// A file that is open for writing. Writes follow each other; nothing is durable before `sync`.
pub trait StorageFile: Debug + Send {
    /// Writes all bytes behind those written before.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError>;
    /// Cuts the file behind the last written byte.
    fn cut(&mut self) -> Result<(), StorageError>;
    /// Makes content and length durable (fsync).
    fn sync(&mut self) -> Result<(), StorageError>;
}

/// A lock on a file (flock), held until dropped. The kernel frees it when the process dies.
pub trait Lease: Debug + Send {
    /// Whether the path still names the locked file, and no other path does.
    fn is_current(&self) -> Result<bool, StorageError>;
    /// Replaces the content of the locked file. It is not synced, because it describes a living process.
    fn write(&mut self, content: &[u8]) -> Result<(), StorageError>;
    /// Who took the run over while this process held the file: another machine, where runs are kept in a store. A lock of this
    /// machine alone is never taken over.
    fn taken_over_by(&self) -> Option<String> {
        None
    }
    /// Says whether the run waits for a person: another machine may take over a run that waits.
    fn waits(&self, _waits: bool) {}
}

/// Values that change whenever a file changes. They are no evidence: they only say whether a file has to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Time of the last change of content or inode (ctime), in nanoseconds. Unlike the modification time,
    /// no program can set it.
    pub changed_ns: i64,
    /// Number of the inode. A replaced file has another one.
    pub inode: u64,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The name without the directory.
    pub name: String,
    /// What kind of file it is.
    pub kind: Kind,
}

/// The kind of a directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file, by its own type.
    File,
    /// A directory, by its own type.
    Directory,
    /// A link, socket, device or pipe. None of them belongs in a run.
    Other,
}

/// Who may read and write what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Mode bits of directories.
    pub directory_mode: u32,
    /// Mode bits of files.
    pub file_mode: u32,
    /// The group that directories are given to; files in them inherit it. `None`: they keep the group
    /// that the system gives them.
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
            // 2 is the setgid bit: new files inherit the group of the directory.
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

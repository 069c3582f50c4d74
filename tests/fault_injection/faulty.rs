//! A real disk whose process is killed with SIGKILL before an operation with a chosen number. Invariant: operations are counted as the process makes them, whatever they are.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use drygate::journal::{DiskStorage, Lease, Listed, Storage, StorageError, StorageFile};
use rustix::process::{Signal, getpid, kill_process};

/// Counts writing operations, and dies.
#[derive(Debug, Default)]
pub struct Fuse {
    done: AtomicU64,
    /// The operation that is not made any more; 0: none.
    at: u64,
    /// The operation is half done first, where it is a write.
    torn: bool,
}

impl Fuse {
    pub fn new(at: u64, torn: bool) -> Arc<Self> {
        Arc::new(Self {
            done: AtomicU64::new(0),
            at,
            torn,
        })
    }

    pub fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    fn is_now(&self) -> bool {
        self.done.fetch_add(1, Ordering::SeqCst) + 1 == self.at
    }

    fn burn(&self) {
        if self.is_now() {
            die();
        }
    }
}

fn die() -> ! {
    kill_process(getpid(), Signal::KILL).expect("we may kill ourselves");
    unreachable!("SIGKILL is not survived");
}

/// The real disk with a fuse in it.
#[derive(Debug)]
pub struct Fused {
    pub disk: DiskStorage,
    pub fuse: Arc<Fuse>,
}

impl Storage for Fused {
    fn root(&self) -> &Path {
        self.disk.root()
    }

    fn create_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.fuse.burn();
        self.disk.create_dir(path)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn StorageFile>, StorageError> {
        self.fuse.burn();
        let file = self.disk.create(path)?;
        let fuse = self.fuse.clone();
        Ok(Box::new(FusedFile { file, fuse }))
    }

    fn open_write(&self, path: &Path, offset: u64) -> Result<Box<dyn StorageFile>, StorageError> {
        self.fuse.burn();
        let file = self.disk.open_write(path, offset)?;
        let fuse = self.fuse.clone();
        Ok(Box::new(FusedFile { file, fuse }))
    }

    fn open_read(&self, path: &Path, offset: u64) -> Result<Box<dyn Read + Send>, StorageError> {
        self.disk.open_read(path, offset)
    }

    fn len(&self, path: &Path) -> Result<Option<u64>, StorageError> {
        self.disk.len(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.fuse.burn();
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<(), StorageError> {
        self.fuse.burn();
        self.disk.remove(path)
    }

    fn link(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.fuse.burn();
        self.disk.link(from, to)
    }

    fn remove_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.fuse.burn();
        self.disk.remove_dir(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<Listed>, StorageError> {
        self.disk.list(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.fuse.burn();
        self.disk.sync_dir(path)
    }

    fn lease(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError> {
        self.fuse.burn();
        self.disk.lease(path)
    }

    fn written_paths(&self) -> BTreeSet<PathBuf> {
        self.disk.written_paths()
    }
}

#[derive(Debug)]
struct FusedFile {
    file: Box<dyn StorageFile>,
    fuse: Arc<Fuse>,
}

impl StorageFile for FusedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        if self.fuse.is_now() {
            if self.fuse.torn {
                drop(self.file.write(&bytes[..bytes.len() / 2]));
            }
            die();
        }
        self.file.write(bytes)
    }

    fn cut(&mut self) -> Result<(), StorageError> {
        self.fuse.burn();
        self.file.cut()
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.fuse.burn();
        self.file.sync()
    }
}

//! A simulated disk for the fault tests. It can fail any operation, lose power, and forget what was not synced.
//! Programs use `DiskStorage`. Invariant: the same seed gives the same crash, so that a failure can be repeated. Held by
//! `Dice`, the only source of chance.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::simulated_image::{Dice, DirectoryImage, FileImage};
use crate::journal::{Kind, Lease, Listed, Storage, StorageError, StorageFile, WriteRecord, check};

/// How long an injected failure lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedFailure {
    /// One operation fails, and the next ones work again.
    Once,
    /// Every operation from this one on fails, as on a full or broken disk.
    ForEver,
}

/// A disk in memory, for tests. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<DiskState>>);

#[derive(Debug)]
struct DiskState {
    nodes: Vec<Node>,
    /// Number of crashes and restarts. File handles of an earlier life are dead.
    life: u64,
    /// Number of writing operations so far.
    operations: u64,
    /// The operation at which failures begin, and how long they last.
    fault: Option<(u64, InjectedFailure)>,
    fired: bool,
    /// The locked files: node, and the ticket of the lease that holds it.
    leases: BTreeMap<usize, u64>,
    lease_count: u64,
    record: WriteRecord,
}

#[derive(Debug)]
enum Node {
    File(FileImage),
    Directory(DirectoryImage),
}

impl Default for DiskState {
    fn default() -> Self {
        Self {
            nodes: vec![Node::Directory(DirectoryImage::default())],
            life: 0,
            operations: 0,
            fault: None,
            fired: false,
            leases: BTreeMap::new(),
            lease_count: 0,
            record: WriteRecord::default(),
        }
    }
}

impl SimulatedDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many writing operations were tried so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Makes the writing operation with this number fail; the first one is 0.
    pub fn fail_at(&self, operation: u64, failure: InjectedFailure) {
        let mut state = self.state();
        state.fault = Some((operation, failure));
        state.fired = false;
    }

    /// Whether the injected failure happened. A test whose fault did not happen proves nothing.
    pub fn fired(&self) -> bool {
        self.state().fired
    }

    /// Loses power: what was not synced is torn or lost, as the seed decides. The disk works again afterwards.
    pub fn crash(&self, seed: u64) {
        let mut state = self.state();
        let mut dice = Dice(seed);
        for node in &mut state.nodes {
            match node {
                Node::File(file) => file.crash(&mut dice),
                Node::Directory(directory) => directory.crash(&mut dice),
            }
        }
        state.restart();
    }

    /// Kills the process but not the machine: what was written stays readable, locks are free, faults are over.
    pub fn restart(&self) {
        self.state().restart();
    }

    /// Replaces the content of a file without the program's knowledge; durable.
    pub fn tamper(&self, path: &Path, content: &[u8]) {
        let mut state = self.state();
        if let Some(Node::File(file)) = state.find(path).map(|node| &mut state.nodes[node]) {
            file.cut(0);
            file.write(0, content);
            file.sync();
        }
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskState {
    fn restart(&mut self) {
        // Locks and handles die with the process; file contents are left to the caller.
        self.life += 1;
        self.fault = None;
        self.leases.clear();
    }

    fn find(&self, path: &Path) -> Option<usize> {
        path.iter()
            .try_fold(0, |node, name| match &self.nodes[node] {
                Node::Directory(directory) => directory.current.get(name.to_str()?).copied(),
                Node::File(_) => None,
            })
    }

    fn parent(&mut self, path: &Path) -> io::Result<(&mut DirectoryImage, String)> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        let parent = self.find(path.parent().unwrap_or(Path::new("")));
        match parent.map(|node| &mut self.nodes[node]) {
            Some(Node::Directory(directory)) => Ok((directory, name)),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn file(&mut self, node: usize) -> io::Result<&mut FileImage> {
        match &mut self.nodes[node] {
            Node::File(file) => Ok(file),
            Node::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    /// Counts a writing operation; an error if it is the one that fails.
    fn operate(&mut self) -> io::Result<()> {
        let number = self.operations;
        self.operations += 1;
        let fails = match self.fault {
            Some((at, InjectedFailure::Once)) => number == at,
            Some((at, InjectedFailure::ForEver)) => number >= at,
            None => false,
        };
        self.fired |= fails;
        if fails {
            return Err(io::Error::other("injected failure"));
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let number = self.nodes.len();
        let (directory, name) = self.parent(path)?;
        directory.link(&name, number);
        self.nodes.push(node);
        Ok(number)
    }
}

impl SimulatedDisk {
    /// Checks the path, counts the operation and runs it, unless it is the one that fails.
    fn attempt<T>(
        &self,
        operation: &'static str,
        path: &Path,
        run: impl FnOnce(&mut DiskState) -> io::Result<T>,
    ) -> Result<T, StorageError> {
        let mut state = self.state();
        state
            .record
            .admit(Path::new("/simulated"), operation, path)?;
        let outcome = state.operate().and_then(|()| run(&mut state));
        outcome.map_err(|source| StorageError::new(operation, path, source))
    }

    fn open(&self, path: &Path, node: usize, life: u64, offset: usize) -> Box<dyn StorageFile> {
        Box::new(SimulatedFile {
            disk: self.clone(),
            path: path.to_owned(),
            node,
            life,
            offset,
        })
    }
}

impl Storage for SimulatedDisk {
    fn root(&self) -> &Path {
        Path::new("/simulated")
    }

    fn create_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.attempt("create", path, |state| {
            if state.find(path).is_none() {
                state.add(path, Node::Directory(DirectoryImage::default()))?;
            }
            Ok(())
        })
    }

    fn create(&self, path: &Path) -> Result<Box<dyn StorageFile>, StorageError> {
        let (node, life) = self.attempt("create", path, |state| {
            let node = match state.find(path) {
                Some(node) => {
                    state.file(node)?.cut(0);
                    node
                }
                None => state.add(path, Node::File(FileImage::default()))?,
            };
            Ok((node, state.life))
        })?;
        Ok(self.open(path, node, life, 0))
    }

    fn open_write(&self, path: &Path, offset: u64) -> Result<Box<dyn StorageFile>, StorageError> {
        let (node, life) = self.attempt("open", path, |state| {
            let node = state.find(path).ok_or(io::ErrorKind::NotFound)?;
            Ok((node, state.life))
        })?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.open(path, node, life, offset))
    }

    fn open_read(&self, path: &Path, offset: u64) -> Result<Box<dyn Read + Send>, StorageError> {
        check("read", path)?;
        let mut state = self.state();
        let node = state.find(path).ok_or(io::ErrorKind::NotFound);
        let content = node
            .map_err(io::Error::from)
            .and_then(|node| Ok(state.file(node)?.current.clone()));
        let content = content.map_err(|source| StorageError::new("read", path, source))?;
        let mut content = io::Cursor::new(content);
        content.set_position(offset);
        Ok(Box::new(content))
    }

    fn len(&self, path: &Path) -> Result<Option<u64>, StorageError> {
        check("read", path)?;
        let mut state = self.state();
        let Some(node) = state.find(path) else {
            return Ok(None);
        };
        let file = state.file(node);
        let file = file.map_err(|source| StorageError::new("read", path, source))?;
        Ok(Some(file.current.len() as u64))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.attempt("rename", from, |state| {
            // `Storage::rename` promises no more than a rename within one directory.
            if from.parent() != to.parent() {
                return Err(io::ErrorKind::CrossesDevices.into());
            }
            let (_, target) = state.parent(to)?;
            let (directory, name) = state.parent(from)?;
            if directory.rename(&name, &target) {
                return Ok(());
            }
            Err(io::ErrorKind::NotFound.into())
        })
    }

    fn remove(&self, path: &Path) -> Result<(), StorageError> {
        self.attempt("remove", path, |state| {
            let (directory, name) = state.parent(path)?;
            if directory.unlink(&name) {
                return Ok(());
            }
            Err(io::ErrorKind::NotFound.into())
        })
    }

    fn link(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.attempt("link", to, |state| {
            let node = state.find(from).ok_or(io::ErrorKind::NotFound)?;
            state.file(node)?;
            let (directory, name) = state.parent(to)?;
            directory.link(&name, node);
            Ok(())
        })
    }

    fn remove_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.attempt("remove", path, |state| {
            let node = state.find(path).ok_or(io::ErrorKind::NotFound)?;
            match &state.nodes[node] {
                Node::Directory(directory) if directory.current.is_empty() => {}
                Node::Directory(_) => return Err(io::ErrorKind::DirectoryNotEmpty.into()),
                Node::File(_) => return Err(io::ErrorKind::NotADirectory.into()),
            }
            let (directory, name) = state.parent(path)?;
            directory.unlink(&name);
            Ok(())
        })
    }

    fn list(&self, path: &Path) -> Result<Vec<Listed>, StorageError> {
        check("list", path)?;
        let state = self.state();
        let Some(Node::Directory(directory)) = state.find(path).map(|node| &state.nodes[node])
        else {
            return Ok(Vec::new());
        };
        let listed = |(name, node): (&String, &usize)| Listed {
            name: name.clone(),
            kind: match state.nodes[*node] {
                Node::File(_) => Kind::File,
                Node::Directory(_) => Kind::Directory,
            },
        };
        Ok(directory.current.iter().map(listed).collect())
    }

    fn sync_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.attempt("sync", path, |state| {
            match state.find(path).map(|node| &mut state.nodes[node]) {
                Some(Node::Directory(directory)) => directory.sync(),
                _ => return Err(io::ErrorKind::NotFound.into()),
            }
            Ok(())
        })
    }

    fn lease(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError> {
        let leased = self.attempt("lock", path, |state| {
            let node = match state.find(path) {
                Some(node) => node,
                None => state.add(path, Node::File(FileImage::default()))?,
            };
            if state.leases.contains_key(&node) {
                return Ok(None);
            }
            state.lease_count += 1;
            let ticket = state.lease_count;
            state.leases.insert(node, ticket);
            Ok(Some((node, ticket)))
        })?;
        Ok(leased.map(|(node, ticket)| -> Box<dyn Lease> {
            Box::new(SimulatedLease {
                disk: self.clone(),
                path: path.to_owned(),
                node,
                ticket,
            })
        }))
    }

    fn written_paths(&self) -> BTreeSet<PathBuf> {
        self.state().record.written.clone()
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    path: PathBuf,
    node: usize,
    life: u64,
    offset: usize,
}

impl SimulatedFile {
    /// Like `SimulatedDisk::attempt`, for an open file. `run` gets whether the operation is allowed, because a write or sync
    /// that fails still has an effect.
    fn attempt(
        &self,
        operation: &'static str,
        run: impl FnOnce(&mut FileImage, io::Result<()>) -> io::Result<()>,
    ) -> Result<(), StorageError> {
        let mut state = self.disk.state();
        let outcome = if state.life == self.life {
            let allowed = state.operate();
            state.file(self.node).and_then(|file| run(file, allowed))
        } else {
            Err(io::Error::other(
                "the process that opened this file is dead",
            ))
        };
        outcome.map_err(|source| StorageError::new(operation, &self.path, source))
    }
}

impl StorageFile for SimulatedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.attempt("write", |file, allowed| {
            // A write that fails may have written a part.
            let arrives = if allowed.is_ok() {
                bytes.len()
            } else {
                bytes.len() / 2
            };
            file.write(self.offset, &bytes[..arrives]);
            allowed
        })?;
        self.offset += bytes.len();
        Ok(())
    }

    fn cut(&mut self) -> Result<(), StorageError> {
        self.attempt("cut", |file, allowed| {
            allowed?;
            file.cut(self.offset);
            Ok(())
        })
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.attempt("sync", |file, allowed| {
            if allowed.is_ok() {
                file.sync();
            } else {
                // After a failed fsync, Linux marks the pages clean: a second fsync succeeds though the data is lost.
                file.forget();
            }
            allowed
        })
    }
}

#[derive(Debug)]
struct SimulatedLease {
    disk: SimulatedDisk,
    path: PathBuf,
    node: usize,
    ticket: u64,
}

impl Lease for SimulatedLease {
    fn is_current(&self) -> Result<bool, StorageError> {
        Ok(self.disk.state().find(&self.path) == Some(self.node))
    }

    fn write(&mut self, content: &[u8]) -> Result<(), StorageError> {
        let mut state = self.disk.state();
        let written = state.operate().and_then(|()| {
            let file = state.file(self.node)?;
            file.cut(0);
            file.write(0, content);
            Ok(())
        });
        written.map_err(|source| StorageError::new("lock", &self.path, source))
    }
}

impl Drop for SimulatedLease {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        // Only its own lock: after a crash the file may be locked by another lease already.
        if state.leases.get(&self.node) == Some(&self.ticket) {
            state.leases.remove(&self.node);
        }
    }
}

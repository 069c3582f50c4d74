//! Files on the real disk, below one root directory.
//! Invariant: what is opened, made, renamed or removed is reached without following a link, so that
//! no write can leave the root. Held by `DiskStorage::directory` and `DiskStorage::openat` and by
//! the test `links_are_not_followed` of tests/journal.rs.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, FileType, FlockOperation, Gid, Mode, OFlags};
use rustix::io::Errno;

use super::StorageError;
use super::storage::{
    Kind, Lease, Listed, Permissions, Stamp, Storage, StorageFile, WriteRecord, check,
};

/// Files below one directory of the real disk. Clones share that directory and the record of written paths.
#[derive(Debug, Clone)]
pub struct DiskStorage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    directory: OwnedFd,
    permissions: Permissions,
    record: Mutex<WriteRecord>,
}

/// O_NOATIME: reading must not write the time of access. Each such write would dirty an inode that the runner's next
/// fsync has to wait for.
#[cfg(target_os = "linux")]
const UNTOUCHED: OFlags = OFlags::NOATIME;
#[cfg(not(target_os = "linux"))]
const UNTOUCHED: OFlags = OFlags::empty();

impl DiskStorage {
    /// Opens `root`. It is made with these permissions if it does not exist.
    pub fn create(root: &Path, permissions: Permissions) -> Result<Self, StorageError> {
        let was_there = root.exists();
        DirBuilder::new()
            .recursive(true)
            .mode(permissions.directory_mode & 0o777)
            .create(root)
            .map_err(|source| StorageError::new("create", root, source))?;
        let storage = Self::open(root, permissions)?;
        // A directory that was there keeps the permissions that somebody chose for it.
        if !was_there {
            permissions
                .share(&storage.0.directory)
                .map_err(|errno| StorageError::new("share", root, errno))?;
        }
        Ok(storage)
    }

    /// Opens a root directory that exists.
    pub fn open(root: &Path, permissions: Permissions) -> Result<Self, StorageError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(root, flags, Mode::empty())
            .map_err(|errno| StorageError::new("open", root, errno))?;
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            directory,
            permissions,
            record: Mutex::default(),
        })))
    }

    /// Records a write below the root, and refuses a path that leaves it.
    fn admit(&self, operation: &'static str, path: &Path) -> Result<(), StorageError> {
        self.record().admit(&self.0.root, operation, path)
    }

    fn record(&self) -> std::sync::MutexGuard<'_, WriteRecord> {
        // A panic elsewhere does not make the set of paths invalid.
        self.0.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, operation: &'static str, path: &Path) -> impl FnOnce(Errno) -> StorageError {
        let path = self.0.root.join(path);
        move |errno| StorageError::new(operation, &path, errno)
    }

    /// Opens a directory below the root one component at a time, each with O_NOFOLLOW: with a whole path, only its
    /// last component would be protected.
    fn directory(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut directory = rustix::fs::openat(&self.0.directory, ".", flags, Mode::empty())?;
        for component in path.components() {
            // Neither `..` nor an absolute path.
            let Component::Normal(name) = component else {
                return Err(Errno::INVAL);
            };
            directory = rustix::fs::openat(&directory, name, flags, Mode::empty())?;
        }
        Ok(directory)
    }

    /// The directory that a path lies in, opened, and its last component.
    fn place<'p>(&self, path: &'p Path) -> Result<(OwnedFd, &'p OsStr), Errno> {
        let name = path.file_name().ok_or(Errno::INVAL)?;
        let parent = self.directory(path.parent().unwrap_or(Path::new("")))?;
        Ok((parent, name))
    }

    /// Opens a regular file below the root.
    fn openat(&self, path: &Path, flags: OFlags) -> Result<File, Errno> {
        let (parent, name) = self.place(path)?;
        let mode = Mode::from_raw_mode(mode(self.0.permissions.file_mode));
        // O_NONBLOCK: opening a pipe that somebody put here must not wait for its other end.
        // O_NOCTTY: no terminal becomes ours.
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = rustix::fs::openat(&parent, name, flags | OFlags::NOCTTY, mode)?;
        // The opened file is asked, not its path, which could be replaced in between.
        let found = rustix::fs::fstat(&file)?.st_mode;
        if FileType::from_raw_mode(found) != FileType::RegularFile {
            return Err(Errno::INVAL);
        }
        let shared = self.0.permissions.group.is_some();
        if flags.contains(OFlags::CREATE) && shared && Mode::from_raw_mode(found) != mode {
            // The umask may have removed the bits of the group. A file of another member has them already, and only
            // its owner may set them.
            rustix::fs::fchmod(&file, mode)?;
        }
        Ok(File::from(file))
    }

    /// Status of the last component itself, not of what a link points to.
    fn stat(&self, path: &Path) -> Result<rustix::fs::Stat, Errno> {
        let (parent, name) = self.place(path)?;
        rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    fn writing(&self, path: &Path, file: File, offset: u64) -> Box<dyn StorageFile> {
        Box::new(DiskFile {
            path: self.0.root.join(path),
            file,
            offset,
        })
    }
}

impl Storage for DiskStorage {
    fn root(&self) -> &Path {
        &self.0.root
    }

    fn create_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.admit("create", path)?;
        let permissions = self.0.permissions;
        let make = || {
            let (parent, name) = self.place(path)?;
            let mode = Mode::from_raw_mode(mode(permissions.directory_mode));
            match rustix::fs::mkdirat(&parent, name, mode) {
                // It exists already: that it is a directory and no link is checked by opening it.
                Err(Errno::EXIST) => return self.directory(path).map(drop),
                outcome => outcome?,
            }
            if permissions.group.is_some() {
                permissions.share(&self.directory(path)?)?;
            }
            Ok(())
        };
        make().map_err(self.fail("create", path))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn StorageFile>, StorageError> {
        self.admit("create", path)?;
        // O_TRUNC without O_EXCL: what a crash left under a temporary name is written over.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let file = self.openat(path, flags);
        let file = file.map_err(self.fail("create", path))?;
        Ok(self.writing(path, file, 0))
    }

    fn open_write(&self, path: &Path, offset: u64) -> Result<Box<dyn StorageFile>, StorageError> {
        self.admit("open", path)?;
        let file = self.openat(path, OFlags::WRONLY);
        let file = file.map_err(self.fail("open", path))?;
        Ok(self.writing(path, file, offset))
    }

    fn open_read(&self, path: &Path, offset: u64) -> Result<Box<dyn Read + Send>, StorageError> {
        check("read", path)?;
        let file = match self.openat(path, OFlags::RDONLY | UNTOUCHED) {
            // O_NOATIME is allowed to the owner of a file only.
            Err(Errno::PERM) => self.openat(path, OFlags::RDONLY),
            opened => opened,
        };
        let mut file = file.map_err(self.fail("read", path))?;
        file.seek(SeekFrom::Start(offset))
            .map_err(|source| StorageError::new("read", &self.0.root.join(path), source))?;
        Ok(Box::new(file))
    }

    fn len(&self, path: &Path) -> Result<Option<u64>, StorageError> {
        check("read", path)?;
        match self.stat(path) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Ok(Some(u64::try_from(stat.st_size).unwrap_or(0)))
            }
            Ok(_) => Err(StorageError::refused(
                "read",
                &self.0.root.join(path),
                "it is not a regular file",
            )),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.fail("read", path)(errno)),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.admit("rename", from)?;
        self.admit("rename", to)?;
        let rename = || {
            let ((source, old), (target, new)) = (self.place(from)?, self.place(to)?);
            rustix::fs::renameat(&source, old, &target, new)
        };
        rename().map_err(self.fail("rename", from))
    }

    fn remove(&self, path: &Path) -> Result<(), StorageError> {
        self.admit("remove", path)?;
        let remove = || {
            let (parent, name) = self.place(path)?;
            rustix::fs::unlinkat(&parent, name, AtFlags::empty())
        };
        remove().map_err(self.fail("remove", path))
    }

    fn link(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        check("link", from)?;
        self.admit("link", to)?;
        let link = || {
            let ((source, old), (target, new)) = (self.place(from)?, self.place(to)?);
            // Without SYMLINK_FOLLOW: a symbolic link would itself get a second name, and is not opened later.
            rustix::fs::linkat(&source, old, &target, new, AtFlags::empty())
        };
        link().map_err(self.fail("link", from))
    }

    fn remove_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.admit("remove", path)?;
        let remove = || {
            let (parent, name) = self.place(path)?;
            rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR)
        };
        remove().map_err(self.fail("remove", path))
    }

    fn list(&self, path: &Path) -> Result<Vec<Listed>, StorageError> {
        check("list", path)?;
        let directory = match self.directory(path) {
            Err(Errno::NOENT) => return Ok(Vec::new()),
            opened => opened.map_err(self.fail("list", path))?,
        };
        names(&directory).map_err(self.fail("list", path))
    }

    fn stamps(
        &self,
        directory: &Path,
        names: &[&str],
        files: &[&str],
    ) -> Result<Vec<Vec<Option<Stamp>>>, StorageError> {
        check("read", directory)?;
        let parent = match self.directory(directory) {
            Err(Errno::NOENT) => return Ok(vec![vec![None; files.len()]; names.len()]),
            opened => opened.map_err(self.fail("read", directory))?,
        };
        // Only looked at, not opened. A link in the place of a run's directory would be followed here,
        // so stamps are no evidence.
        let of = |name: &str, file: &str| {
            let path = Path::new(name).join(file);
            stamp(&rustix::fs::statat(&parent, &path, AtFlags::SYMLINK_NOFOLLOW).ok()?)
        };
        let all = |name: &&str| files.iter().map(|file| of(name, file)).collect();
        Ok(names.iter().map(all).collect())
    }

    fn sync_dir(&self, path: &Path) -> Result<(), StorageError> {
        // Names are durable only after an fsync of their directory.
        let directory = self.directory(path).map_err(self.fail("sync", path))?;
        File::from(directory)
            .sync_all()
            .map_err(|source| StorageError::new("sync", &self.0.root.join(path), source))
    }

    fn lease(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError> {
        self.admit("lock", path)?;
        loop {
            // O_CREAT without O_EXCL: whoever comes second must lock the same file.
            let file = self.openat(path, OFlags::RDWR | OFlags::CREATE);
            let file = file.map_err(self.fail("lock", path))?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                // A signal interrupted the call.
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(self.fail("lock", path)(errno)),
            }
            let lease = DiskLease {
                storage: self.clone(),
                path: path.to_owned(),
                file,
            };
            match lease.standing()? {
                LeaseState::Current => return Ok(Some(Box::new(lease))),
                // The file was replaced between opening and locking: the lock is on an inode that nobody else will find.
                LeaseState::Replaced => {}
                LeaseState::Linked => {
                    let path = self.0.root.join(path);
                    let why = "it has a second name, so another run may share its lock";
                    return Err(StorageError::refused("lock", &path, why));
                }
            }
        }
    }

    fn written_paths(&self) -> BTreeSet<PathBuf> {
        self.record().written.clone()
    }
}

impl Permissions {
    /// Gives a new directory to the group, if there is one, whatever the umask took away.
    fn share(self, directory: &OwnedFd) -> Result<(), Errno> {
        let Some(group) = self.group else {
            return Ok(());
        };
        // Set again after making: mkdir removes the bits of the umask, and the setgid bit lets new files inherit the group.
        rustix::fs::fchown(directory, None, Some(Gid::from_raw(group)))?;
        let mode = Mode::from_raw_mode(mode(self.directory_mode));
        rustix::fs::fchmod(directory, mode)
    }
}

#[derive(Debug)]
struct DiskFile {
    path: PathBuf,
    file: File,
    offset: u64,
}

impl DiskFile {
    fn fail(&self, operation: &'static str) -> impl FnOnce(io::Error) -> StorageError {
        move |source| StorageError::new(operation, &self.path, source)
    }
}

impl StorageFile for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        // `write_all_at` continues after short writes and EINTR, and ends at any other error.
        let written = self.file.write_all_at(bytes, self.offset);
        written.map_err(self.fail("write"))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> Result<(), StorageError> {
        let cut = self.file.set_len(self.offset);
        cut.map_err(self.fail("cut"))
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        // fdatasync on Linux, F_FULLFSYNC on macOS. Both write the length of the file as well.
        let synced = self.file.sync_data();
        synced.map_err(self.fail("sync"))
    }
}

/// A flock on an open file. Closing the file, or the end of the process, gives it back.
#[derive(Debug)]
struct DiskLease {
    storage: DiskStorage,
    path: PathBuf,
    file: File,
}

/// Whether the path still names the locked inode: yes; another or none; yes, and another path does too.
enum LeaseState {
    Current,
    Replaced,
    Linked,
}

impl DiskLease {
    fn fail(&self, source: io::Error) -> StorageError {
        StorageError::new("lock", &self.storage.0.root.join(&self.path), source)
    }

    fn standing(&self) -> Result<LeaseState, StorageError> {
        let held = self.file.metadata().map_err(|source| self.fail(source))?;
        let named = match self.storage.stat(&self.path) {
            Err(Errno::NOENT) => return Ok(LeaseState::Replaced),
            stat => stat.map_err(|errno| self.fail(errno.into()))?,
        };
        // Inode numbers are unique within one device only.
        let same = named.st_ino == held.ino() && device(&named) == held.dev();
        Ok(match (same, held.nlink()) {
            (false, _) => LeaseState::Replaced,
            (true, 1) => LeaseState::Current,
            (true, _) => LeaseState::Linked,
        })
    }
}

impl Lease for DiskLease {
    fn is_current(&self) -> Result<bool, StorageError> {
        Ok(matches!(self.standing()?, LeaseState::Current))
    }

    fn write(&mut self, content: &[u8]) -> Result<(), StorageError> {
        // Not synced: it describes a living process and is worth nothing after a crash.
        self.file
            .set_len(0)
            .and_then(|()| self.file.write_all_at(content, 0))
            .map_err(|source| self.fail(source))
    }
}

fn names(directory: &OwnedFd) -> Result<Vec<Listed>, Errno> {
    let mut listed = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let mut kind = entry.file_type();
        if kind == FileType::Unknown {
            let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
            kind = FileType::from_raw_mode(stat.st_mode);
        }
        listed.push(Listed {
            name: name.to_string_lossy().into_owned(),
            kind: match kind {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Directory,
                FileType::Symlink
                | FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => Kind::Other,
            },
        });
    }
    // The order of a directory is that of the file system: sorted, so that it is the same everywhere.
    listed.sort();
    Ok(listed)
}

/// The stamp of a regular file.
fn stamp(stat: &rustix::fs::Stat) -> Option<Stamp> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    // ctime, not mtime: a program can set mtime back.
    let nanoseconds = i64::try_from(stat.st_ctime_nsec).ok()?;
    Some(Stamp {
        bytes: u64::try_from(stat.st_size).ok()?,
        changed_ns: stat
            .st_ctime
            .checked_mul(1_000_000_000)?
            .checked_add(nanoseconds)?,
        inode: stat.st_ino,
    })
}

/// A mode in the width of this platform.
fn mode(bits: u32) -> rustix::fs::RawMode {
    #[cfg_attr(
        target_os = "linux",
        expect(
            clippy::useless_conversion,
            reason = "the mode is 16 bits wide on macOS"
        )
    )]
    bits.try_into().unwrap_or(0o600)
}

/// The device of a file in the width that `std` reports it in.
fn device(stat: &rustix::fs::Stat) -> u64 {
    #[cfg_attr(
        target_os = "linux",
        expect(
            clippy::useless_conversion,
            reason = "the device is a signed 32-bit number on macOS"
        )
    )]
    u64::try_from(stat.st_dev).unwrap_or(u64::MAX)
}

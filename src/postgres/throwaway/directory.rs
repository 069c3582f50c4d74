//! The directory of one cluster and the lock that says its owner lives. Invariant: the lock is held before the marker has its
//! name, so nobody can see an unlocked marker of a living owner.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::ThrowawayError;
use super::account::ServerAccount;

/// Beginning of the name of every cluster directory.
const PREFIX: &str = "drygate-pg-";
/// The marker file. The kernel frees its lock when the owner dies, however it dies.
const MARKER: &str = "owner";
/// Bytes of the base directory's path, at most. A socket path may have 107 bytes on Linux and 103 on macOS; directory name and
/// socket name take 34 of them.
const BASE_LENGTH_MAX: usize = 60;

/// A cluster directory that this process owns as long as it holds the lock.
#[derive(Debug)]
pub(super) struct ClusterDirectory {
    path: PathBuf,
    /// Held open only because closing the file frees the lock.
    _lock: File,
}

impl ClusterDirectory {
    /// Makes a directory with a random name, marks it as ours and gives it to `account`.
    pub(super) fn create(account: ServerAccount) -> Result<Self, ThrowawayError> {
        let path = base(account).join(format!("{PREFIX}{}", random_suffix()?));
        // Mode 0700 from the start: nobody else can put a file in before it is given to its account.
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(ThrowawayError::io("cannot make", &path))?;
        let lock = mark(&path)?;
        // Only the directory is given away. The marker stays ours, by which `adopt` knows it.
        account.give(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Takes over a directory whose owner is dead; `None`: its owner lives, or the directory is not of our making.
    pub(super) fn adopt(path: PathBuf) -> Option<Self> {
        let marker = path.join(MARKER);
        // The directory may be in /tmp, where anybody can make one with this name. The marker must be a regular file of
        // our account, not a link.
        let metadata = fs::symlink_metadata(&marker).ok()?;
        if !metadata.is_file() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return None;
        }
        let lock = File::open(&marker).ok()?;
        match lock.try_lock() {
            Ok(()) => Some(Self { path, _lock: lock }),
            // A lock that cannot be asked for is treated like a held one: nothing is removed on a doubt.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        }
    }

    /// The directory itself, which also holds the socket.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The data directory of the server.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The file that the server's output goes to.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// Removes the directory. The marker goes last, so that after a failure the next sweep still knows the rest as ours.
    pub(super) fn remove(&self) -> Result<(), ThrowawayError> {
        for entry in
            fs::read_dir(&self.path).map_err(ThrowawayError::io("cannot read", &self.path))?
        {
            let entry = entry.map_err(ThrowawayError::io("cannot read", &self.path))?;
            if entry.file_name() == MARKER {
                continue;
            }
            let path = entry.path();
            // The type of the entry itself: a link is removed and not followed.
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed = if is_dir {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.map_err(ThrowawayError::io("cannot remove", &path))?;
        }
        fs::remove_dir_all(&self.path).map_err(ThrowawayError::io("cannot remove", &self.path))
    }
}

/// Every directory that has the name of a cluster directory, whoever made it.
pub(super) fn candidates() -> Vec<PathBuf> {
    // Every place that `base` may choose, because the owner may have run under another account or environment.
    let mut bases = BTreeSet::from([PathBuf::from("/tmp"), env::temp_dir()]);
    bases.extend(of_tests());
    let entries = bases
        .iter()
        .filter_map(|base| fs::read_dir(base).ok())
        .flatten()
        .filter_map(Result::ok);
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .collect()
}

/// Where cluster directories are made: short enough for a socket path, and reachable for the account of the server.
fn base(account: ServerAccount) -> PathBuf {
    if let Some(place) = of_tests() {
        return place;
    }
    let own = env::temp_dir();
    let fits = own.is_absolute() && own.as_os_str().len() <= BASE_LENGTH_MAX;
    match account {
        ServerAccount::Own if fits => own,
        // The temporary directory of root is usually closed to other accounts.
        ServerAccount::Own | ServerAccount::Dropped { .. } => PathBuf::from("/tmp"),
    }
}

/// Where tests have clusters made: in memory, where a database is made in a tenth of the time. Only `scripts/test` names it.
fn of_tests() -> Option<PathBuf> {
    if cfg!(feature = "testing") {
        env::var_os("DRYGATE_TEST_CLUSTERS").map(PathBuf::from)
    } else {
        None
    }
}

/// Makes the marker under another name, locks it, and renames it only then.
fn mark(dir: &Path) -> Result<File, ThrowawayError> {
    let unnamed = dir.join("owner.new");
    let marker = dir.join(MARKER);
    let failed = |path: &Path| ThrowawayError::io("cannot mark", path);
    let mut file = OpenOptions::new()
        .write(true)
        // `create_new` fails on a file or link that is there already.
        .create_new(true)
        .mode(0o600)
        .open(&unnamed)
        .map_err(failed(&unnamed))?;
    file.lock().map_err(failed(&unnamed))?;
    writeln!(file, "pid {}", std::process::id()).map_err(failed(&unnamed))?;
    fs::rename(&unnamed, &marker).map_err(failed(&marker))?;
    Ok(file)
}

/// Eight random hexadecimal digits.
pub(super) fn random_suffix() -> Result<String, ThrowawayError> {
    let number = getrandom::u32().map_err(|error| ThrowawayError::Io {
        doing: "cannot read randomness for the name of",
        path: PathBuf::from(PREFIX),
        source: error.into(),
    })?;
    Ok(format!("{number:08x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_adopted_only_after_its_lock_was_freed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.keep();
        let owner = mark(&path).expect("the directory is empty");
        assert!(
            ClusterDirectory::adopt(path.clone()).is_none(),
            "its lock is held"
        );
        // Unlocked, not only dropped: a process that another test is starting may hold a copy for a moment.
        owner.unlock().expect("we hold the lock");
        let adopted = ClusterDirectory::adopt(path.clone()).expect("the lock was freed");
        adopted.remove().expect("it is ours");
        assert!(!path.exists());
    }

    #[test]
    fn a_directory_without_our_marker_is_left_alone() {
        let foreign = tempfile::tempdir().expect("a temporary directory");
        assert!(ClusterDirectory::adopt(foreign.path().to_path_buf()).is_none());
    }
}

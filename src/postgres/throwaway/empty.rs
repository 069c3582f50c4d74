//! The empty cluster that `initdb` makes: made once, and copied from the account's cache directory afterwards.
//! Invariant: only a whole one of this very server and this start of the machine is taken; whatever is wrong with the cache, `initdb`
//! runs. Held by `KeptCluster::key`, by the rename into place (`KeptCluster::keep`) and by the count after a copy (`KeptCluster::copy_to`).

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use directories::ProjectDirs;
use rustix::fs::{CWD, Mode, OFlags, fstat, mkdirat, openat};

use super::account::ServerAccount;
use super::cluster::SUPERUSER;
use super::directory::random_suffix;
use super::error::escaped;
use super::{ServerBinaries, ThrowawayError};
use crate::survey::Digest;

/// Locales to try, the best first: macOS has no `C.UTF-8` before version 15, `C` is everywhere.
const LOCALES: [&str; 2] = ["C.UTF-8", "C"];
/// `trust` is enough: only the account of the server can reach the socket (directory 0700), and TCP is rejected.
const OPTIONS: [&str; 4] = [
    "--no-sync",
    "--encoding=UTF8",
    "--auth-local=trust",
    "--auth-host=reject",
];
/// How many are kept, of 40 MB each: one for each of the servers that were used last.
const KEPT_MAX: usize = 4;
/// The cluster of one that is kept, and the file that says how many files and bytes it has.
const DATA: &str = "data";
const WHOLE: &str = "whole";
/// Nobody takes that long for one.
const HALF_MADE: Duration = Duration::from_hours(1);
/// Another one after each start of the machine, because what is kept is not synced: a file may be empty after a loss of power.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Puts an empty cluster at `data`, below `dir`: a copy of the one that is kept, else a new one, which is kept then.
pub(super) fn put(
    binaries: &ServerBinaries,
    account: ServerAccount,
    dir: &Path,
    data: &Path,
) -> Result<(), ThrowawayError> {
    let kept = KeptCluster::of(binaries, account);
    if kept.as_ref().is_some_and(|kept| kept.copy_to(data)) {
        return Ok(());
    }
    initdb(binaries, account, dir, data)?;
    if let Some(kept) = kept {
        // Where it cannot be kept, the next one is made like this one.
        drop(kept.keep(data));
    }
    Ok(())
}

/// Makes a cluster that is no copy.
pub(super) fn initdb(
    binaries: &ServerBinaries,
    account: ServerAccount,
    dir: &Path,
    data: &Path,
) -> Result<(), ThrowawayError> {
    let program = binaries.program("initdb");
    let mut said = String::new();
    for locale in LOCALES {
        let output = account
            .command(&program, dir)
            .args(OPTIONS)
            .arg(format!("--locale={locale}"))
            .arg(format!("--username={SUPERUSER}"))
            .arg("-D")
            .arg(data)
            .output()
            .map_err(ThrowawayError::io("cannot run", &program))?;
        if output.status.success() && data.join("PG_VERSION").exists() {
            return Ok(());
        }
        said = if output.status.success() {
            "it ended without an error, and made no cluster".to_owned()
        } else {
            escaped(&String::from_utf8_lossy(&output.stderr))
        };
        // initdb refuses a directory that is not empty, so the next locale needs a fresh one.
        if data.exists() {
            fs::remove_dir_all(data).map_err(ThrowawayError::io("cannot remove", data))?;
        }
    }
    Err(ThrowawayError::Initdb { output: said })
}

/// The place of one server's empty cluster in the cache.
#[derive(Debug)]
struct KeptCluster {
    path: PathBuf,
    account: ServerAccount,
}

impl KeptCluster {
    /// `None`: nothing can be kept here.
    fn of(binaries: &ServerBinaries, account: ServerAccount) -> Option<Self> {
        let cache = ProjectDirs::from("", "", "drygate")?.cache_dir().to_owned();
        let boot = fs::read_to_string(BOOT_ID).ok()?;
        Self::below(&cache, &Self::key(binaries, account, &boot)?, account)
    }

    fn below(cache: &Path, key: &str, account: ServerAccount) -> Option<Self> {
        let place = cache.join("clusters");
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&place).ok()?;
        // Nobody else may put a cluster there: its configuration can name programs.
        let about = fs::symlink_metadata(&place).ok()?;
        let own = about.uid() == rustix::process::geteuid().as_raw();
        if !about.is_dir() || !own || about.mode() & 0o077 != 0 {
            return None;
        }
        let path = place.join(Digest::of(key).to_string());
        Some(Self { path, account })
    }

    /// Everything that the work of `initdb` depends on.
    fn key(binaries: &ServerBinaries, account: ServerAccount, boot: &str) -> Option<String> {
        let mut key = vec![format!(
            "{OPTIONS:?} {LOCALES:?} {SUPERUSER} {account:?} {boot}"
        )];
        for name in ["initdb", "postgres"] {
            let program = binaries.program(name).canonicalize().ok()?;
            let it = fs::metadata(&program).ok()?;
            let when = [it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec()];
            let program = program.display();
            key.push(format!("{program} {} {} {when:?}", it.ino(), it.size()));
        }
        // Each locale becomes a collation of the cluster, with the version of the C library.
        for word in ["-a", "--version"] {
            let said = Command::new("locale").arg(word).output();
            let said = said.map(|said| said.stdout).unwrap_or_default();
            key.push(String::from_utf8_lossy(&said).into_owned());
        }
        Some(key.join("\n"))
    }

    /// Copies it to `data`; `false`: there is no whole one, and nothing is at `data`.
    fn copy_to(&self, data: &Path) -> bool {
        let whole = fs::read_to_string(self.path.join(WHOLE));
        // It may be removed at any time, so also while it is copied.
        if whole.is_ok_and(|whole| {
            let copied = copy(&self.path.join(DATA), data, self.account);
            copied.is_ok_and(|copied| says(copied) == whole)
        }) {
            return true;
        }
        drop(fs::remove_dir_all(data));
        drop(fs::remove_dir_all(&self.path));
        false
    }

    /// Keeps a copy of `data`. It is made beside and renamed, so that nobody finds half of it; where another process was faster, its
    /// stays.
    fn keep(&self, data: &Path) -> Result<(), ThrowawayError> {
        let new = self.path.with_extension(random_suffix()?);
        let failed = |path: &Path| ThrowawayError::io("cannot keep", path);
        let made = directory(&new)
            .and_then(|()| copy(data, &new.join(DATA), ServerAccount::Own))
            .and_then(|copied| {
                fs::write(new.join(WHOLE), says(copied)).map_err(failed(&new))?;
                fs::rename(&new, &self.path).map_err(failed(&self.path))
            });
        if made.is_err() {
            drop(fs::remove_dir_all(&new));
        }
        self.remove_oldest();
        made
    }

    /// Removes what is older than the last few, and what a killed process left half made.
    fn remove_oldest(&self) {
        let entries = self.path.parent().map(fs::read_dir);
        let entries = entries.into_iter().flatten().flatten().flatten();
        let (half, mut whole): (Vec<_>, Vec<_>) = entries
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .partition(|(_, path)| path.extension().is_some());
        whole.sort();
        let old = whole.len().saturating_sub(KEPT_MAX);
        let left = |(at, _): &(SystemTime, PathBuf)| at.elapsed().is_ok_and(|age| age > HALF_MADE);
        for (_, path) in whole
            .into_iter()
            .take(old)
            .chain(half.into_iter().filter(left))
        {
            drop(fs::remove_dir_all(path));
        }
    }
}

/// What stands beside a whole one.
fn says((files, bytes): (u64, u64)) -> String {
    format!("{files} files, {bytes} bytes\n")
}

fn directory(path: &Path) -> Result<(), ThrowawayError> {
    let made = DirBuilder::new().mode(0o700).create(path);
    made.map_err(ThrowawayError::io("cannot make", path))
}

/// Copies a directory with everything in it for an account; gives how many files and bytes that were.
fn copy(from: &Path, to: &Path, account: ServerAccount) -> Result<(u64, u64), ThrowawayError> {
    directory(to)?;
    let copied = open(CWD, to).and_then(|place| copy_into(from, &place, account));
    copied.map_err(ThrowawayError::io("cannot copy", from))
}

/// The same into an open directory of ours: whose directory it stands in may put another one or a link under its name meanwhile.
fn copy_into(from: &Path, place: &OwnedFd, account: ServerAccount) -> io::Result<(u64, u64)> {
    let mut copied = (0, 0);
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type()?;
        let (files, bytes) = if kind.is_dir() {
            mkdirat(place, &name, Mode::RWXU)?;
            copy_into(&from, &open(place, &name)?, account)?
        } else if kind.is_file() {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            let mut to = File::from(openat(place, &name, flags, Mode::RUSR | Mode::WUSR)?);
            let bytes = io::copy(&mut File::open(&from)?, &mut to)?;
            account.give_open(&to)?;
            (1, bytes)
        } else {
            // initdb makes no links.
            return Err(io::ErrorKind::InvalidData.into());
        };
        copied = (copied.0 + files, copied.1 + bytes);
    }
    // At last: until then nobody else can put anything in it.
    account.give_open(place)?;
    Ok(copied)
}

/// Opens a directory that we have just made; an error where another one or a link is there now.
fn open(at: impl AsFd, name: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    let place = openat(at, name, flags, Mode::empty())?;
    if fstat(&place)?.st_uid != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(place)
}

#[cfg(test)]
#[path = "empty_tests.rs"]
mod tests;

//! The account under which the throwaway server runs.
//! Invariant: it is never root, because PostgreSQL refuses that. Held by
//! `ServerAccount::choose` and the test `root_itself_is_never_chosen`.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{fchown, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ThrowawayError;

/// Accounts that a process of root may change to, the best one first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// The account of the server process and of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerAccount {
    /// The account of this process.
    Own,
    /// Another account, because this process is root.
    Dropped {
        /// Its numeric user id.
        uid: u32,
        /// Its primary group id.
        gid: u32,
    },
}

impl ServerAccount {
    /// The account to use: our own, or an unprivileged one if this process is root.
    pub(super) fn choose() -> Result<Self, ThrowawayError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        UNPRIVILEGED
            .iter()
            .find_map(|name| Self::named(name))
            .ok_or(ThrowawayError::NoUnprivilegedUser)
    }

    /// A command that runs under this account, in a process group of its own so that Ctrl-C in the terminal does not reach it.
    pub(super) fn command(self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(dir)
            .stdin(Stdio::null())
            .process_group(0);
        // PGDATA, PGPORT and their like, and the locale, would change what the server does.
        for (name, _) in std::env::vars_os() {
            let inherited = name.to_string_lossy();
            if inherited.starts_with("PG") || inherited.starts_with("LC_") || inherited == "LANG" {
                command.env_remove(&name);
            }
        }
        // As root, the standard library drops the supplementary groups as well.
        if let Self::Dropped { uid, gid } = self {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// Its user and group id.
    pub(super) fn ids(self) -> (u32, u32) {
        match self {
            Self::Own => (
                rustix::process::geteuid().as_raw(),
                rustix::process::getegid().as_raw(),
            ),
            Self::Dropped { uid, gid } => (uid, gid),
        }
    }

    /// Makes this account the owner of `path`. A link that somebody put there is given itself, not what it leads to.
    pub(super) fn give(self, path: &Path) -> Result<(), ThrowawayError> {
        match self {
            Self::Own => Ok(()),
            Self::Dropped { uid, gid } => lchown(path, Some(uid), Some(gid)).map_err(
                ThrowawayError::io("cannot give to the server's account:", path),
            ),
        }
    }

    /// Makes this account the owner of an open file or directory.
    pub(super) fn give_open(self, file: impl AsFd) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Dropped { uid, gid } => fchown(file, Some(uid), Some(gid)),
        }
    }

    /// An account by its name; `None`: it does not exist, or it is root.
    fn named(name: &str) -> Option<Self> {
        let uid = number_of(name, "-u").filter(|uid| *uid != 0)?;
        let gid = number_of(name, "-g")?;
        Some(Self::Dropped { uid, gid })
    }
}

/// A number that the program `id` prints. `id` knows every source of accounts (files, directory services),
/// unlike a parser of `/etc/passwd`.
fn number_of(name: &str, flag: &str) -> Option<u32> {
    let output = Command::new("id")
        .args([flag, name])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    std::str::from_utf8(&output.stdout)
        .ok()?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_does_not_exist_is_none() {
        assert_eq!(ServerAccount::named("drygate-no-such-account"), None);
    }

    #[test]
    fn root_itself_is_never_chosen() {
        assert_eq!(ServerAccount::named("root"), None);
        assert!(!matches!(
            ServerAccount::choose(),
            Ok(ServerAccount::Dropped { uid: 0, .. })
        ));
    }
}

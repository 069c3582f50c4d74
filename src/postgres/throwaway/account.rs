//! Under which account the server runs. Invariant: never as root, because the server refuses that.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ThrowawayError;

/// Accounts that a process of root may drop to, best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// The account of the server and of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerAccount {
    /// The account of this process.
    Own,
    /// Another one, because this process is root.
    Dropped {
        /// Numeric user.
        uid: u32,
        /// Its primary group.
        gid: u32,
    },
}

impl ServerAccount {
    /// The account to use in this process.
    pub(super) fn choose() -> Result<Self, ThrowawayError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        UNPRIVILEGED
            .iter()
            .find_map(|name| Self::named(name))
            .ok_or(ThrowawayError::NoUnprivilegedUser)
    }

    /// A command that runs under this account, apart from the terminal's process group so that Ctrl-C does not reach it.
    pub(super) fn command(self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(dir)
            .stdin(Stdio::null())
            .process_group(0);
        for (name, _) in std::env::vars_os() {
            let inherited = name.to_string_lossy();
            if inherited.starts_with("PG") || inherited.starts_with("LC_") || inherited == "LANG" {
                command.env_remove(&name);
            }
        }
        // As root, the standard library also clears the supplementary groups.
        if let Self::Dropped { uid, gid } = self {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// Gives `path` to this account.
    pub(super) fn give(self, path: &Path) -> Result<(), ThrowawayError> {
        match self {
            Self::Own => Ok(()),
            Self::Dropped { uid, gid } => chown(path, Some(uid), Some(gid)).map_err(
                ThrowawayError::io("cannot give to the server's account:", path),
            ),
        }
    }

    fn named(name: &str) -> Option<Self> {
        let uid = number_of(name, "-u").filter(|uid| *uid != 0)?;
        let gid = number_of(name, "-g")?;
        Some(Self::Dropped { uid, gid })
    }
}

/// `id` knows every account source of the system (files, directory services), a parser of `/etc/passwd` only one.
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

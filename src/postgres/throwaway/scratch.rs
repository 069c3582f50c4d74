//! A directory that goes away with its owner, also where the owner is killed: then the next sweep removes it.
//! Invariant: what is below it is gone when this is dropped, or after the next sweep (`ClusterDirectory`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::account::ServerAccount;
use super::directory::ClusterDirectory;
use super::{ServerBinaries, ThrowawayError, empty, sweep_abandoned};

/// A directory of mode 0700 with the account that owns it.
#[derive(Debug)]
pub struct ScratchDirectory {
    directory: Arc<RemovedDirectory>,
    account: ServerAccount,
}

/// A directory that is removed when nobody writes to it any more.
#[derive(Debug)]
struct RemovedDirectory(ClusterDirectory);

impl ScratchDirectory {
    /// Removes what killed processes left, then makes a directory for the account under which a throwaway server runs.
    pub fn for_server() -> Result<Self, ThrowawayError> {
        sweep_abandoned();
        Self::of(ServerAccount::choose()?)
    }

    /// A directory that only this account may enter.
    pub fn private() -> Result<Self, ThrowawayError> {
        Self::of(ServerAccount::Own)
    }

    fn of(account: ServerAccount) -> Result<Self, ThrowawayError> {
        let directory = Arc::new(RemovedDirectory(ClusterDirectory::create(account)?));
        Ok(Self { directory, account })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.directory.0.path()
    }

    /// User and group id of its account.
    pub fn ids(&self) -> (u32, u32) {
        self.account.ids()
    }

    /// A command that runs under its account, in a process group of its own.
    pub fn command(&self, program: &Path) -> Command {
        self.account.command(program, self.path())
    }

    /// What puts an empty cluster of these programs into it, for [`super::ClusterOrigin::There`]. It takes up to some seconds, and
    /// the directory stays until then.
    pub fn empty_cluster(
        &self,
        binaries: ServerBinaries,
    ) -> impl FnOnce() -> Result<PathBuf, ThrowawayError> + Send + use<> {
        let (account, directory) = (self.account, Arc::clone(&self.directory));
        move || {
            let dir = directory.0.path();
            let data = dir.join("empty");
            empty::put(&binaries, account, dir, &data).map(|()| data)
        }
    }

    /// Makes its account the owner of a file.
    pub fn give(&self, path: &Path) -> Result<(), ThrowawayError> {
        self.account.give(path)
    }
}

impl Drop for RemovedDirectory {
    fn drop(&mut self) {
        // A drop cannot return an error. What remains is removed by the next sweep.
        if self.0.path().exists() {
            drop(self.0.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::ScratchDirectory;
    use crate::postgres::throwaway::ServerBinaries;

    #[test]
    fn a_directory_is_there_while_a_cluster_is_copied_into_it_and_gone_afterwards() {
        let scratch = ScratchDirectory::for_server().expect("a directory");
        let path = scratch.path().to_owned();
        let binaries = ServerBinaries::find().expect("a server is installed");
        let put = scratch.empty_cluster(binaries);
        drop(scratch);
        assert!(path.join("owner").exists(), "it goes on with its marker");
        let put = thread::spawn(put).join().expect("no panic");
        assert_eq!(put.expect("it is put there"), path.join("empty"));
        assert!(!path.exists());
    }
}

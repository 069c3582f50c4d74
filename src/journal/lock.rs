//! LOCK: one process owns a run, by flock.
//! Invariant: the kernel frees the lock when its process dies, and the file is never deleted. Held by `RunLock` and
//! the test `f8_one_process_wins_the_other_learns_who_and_the_kernel_frees_the_lock_on_death` of tests/journal.rs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::storage::{Lease, Storage};
use super::{JournalError, StorageError, layout};

/// Ownership of a run. It is given back when the value is dropped.
///
/// The journal itself is locked as well. Somebody who deletes LOCK therefore gets no second writer, only
/// a refusal without a name.
#[derive(Debug)]
pub struct RunLock {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    lease: Box<dyn Lease>,
    journal: Option<Box<dyn Lease>>,
}

/// The process that LOCK names, and where it listens. The lock itself is the kernel's: who reads this judges it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Holder {
    pid: Option<u32>,
    host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    socket: Option<PathBuf>,
    /// Of a holder on another machine: how long its lease in the run store still runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_s: Option<u64>,
}

impl RunLock {
    /// Takes the lock, or says which process has it.
    pub fn acquire(storage: Arc<dyn Storage>, run: &Path) -> Result<Self, JournalError> {
        let path = run.join(layout::LOCK);
        let Some(lease) = storage.lease(&path)? else {
            let holder = Holder::read(&*storage, &path);
            return Err(JournalError::Locked {
                run: name(run),
                pid: holder.pid,
                host: holder.host,
                lease_s: holder.lease_s,
            });
        };
        let mut lock = Self {
            storage,
            run: run.to_owned(),
            lease,
            journal: None,
        };
        // A new run has no journal yet; the writer locks it as soon as it is there.
        if lock.storage.len(&run.join(layout::JOURNAL))?.is_some() {
            lock.guard_journal()?;
        }
        // Written last: until the journal is locked too, a holder that lost its LOCK may be alive, and the file may name it.
        lock.lease.write(&Holder::this_process(None))?;
        Ok(lock)
    }

    /// Names the socket on which this process listens to others.
    pub(super) fn name_socket(&mut self, socket: &Path) -> Result<(), JournalError> {
        Ok(self.lease.write(&Holder::this_process(Some(socket)))?)
    }

    /// Locks the journal too, if it is not locked yet.
    pub(super) fn guard_journal(&mut self) -> Result<(), JournalError> {
        if self.journal.is_none() {
            let lease = self.storage.lease(&self.run.join(layout::JOURNAL))?;
            self.journal = Some(lease.ok_or_else(|| JournalError::Locked {
                run: name(&self.run),
                pid: None,
                host: None,
                lease_s: None,
            })?);
        }
        Ok(())
    }

    /// Says whether the run waits for a person.
    pub(super) fn waits(&self, waits: bool) {
        self.lease.waits(waits);
    }

    /// Checks that LOCK and journal are still the files that are locked, and that no other machine took the run over. Asked before
    /// each write.
    pub fn check(&self) -> Result<(), JournalError> {
        if let Some(by) = self.lease.taken_over_by() {
            let run = name(&self.run);
            return Err(JournalError::TakenOver { run, by });
        }
        let held = |lease: &dyn Lease, file: &str| -> Result<(), JournalError> {
            if lease.is_current()? {
                return Ok(());
            }
            let path = self.storage.root().join(&self.run).join(file);
            Err(JournalError::LockLost { path })
        };
        held(&*self.lease, layout::LOCK)?;
        match &self.journal {
            Some(journal) => held(&**journal, layout::JOURNAL),
            None => Ok(()),
        }
    }
}

fn this_host() -> String {
    let host = rustix::system::uname();
    host.nodename().to_string_lossy().into_owned()
}

impl Holder {
    fn this_process(socket: Option<&Path>) -> Vec<u8> {
        let holder = Self {
            pid: Some(std::process::id()),
            host: Some(this_host()),
            socket: socket.map(Path::to_owned),
            lease_s: None,
        };
        // A path that is no UTF-8 is no JSON: nobody finds the socket then, and the lock holds all the same.
        let mut line = serde_json::to_vec(&holder).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// The holder that the file names. The file may be empty for a moment, or may have been written by somebody else.
    fn read(storage: &dyn Storage, path: &Path) -> Self {
        let content: Result<_, StorageError> = storage.read(path);
        let content = content.ok().flatten().unwrap_or_default();
        serde_json::from_slice(&content).unwrap_or_default()
    }
}

/// The socket that the LOCK of a run names. It may be long gone, and whoever may write LOCK may name any.
pub(super) fn named_socket(storage: &dyn Storage, run: &Path) -> Option<PathBuf> {
    Holder::read(storage, &run.join(layout::LOCK)).socket
}

/// The name of a run's directory, for messages.
pub(super) fn name(run: &Path) -> String {
    let name = run.file_name().unwrap_or(run.as_os_str());
    name.to_string_lossy().into_owned()
}

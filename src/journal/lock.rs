//! LOCK: one process owns a run. Invariant: the lock is the kernel's and dies with its process; the file is never deleted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::storage::{Lease, Storage};
use super::{JournalError, StorageError, layout};

/// Ownership of a run, given back when dropped.
///
/// The journal itself is locked as well: who deletes LOCK does not get a second writer, only a refusal that names nobody.
#[derive(Debug)]
pub struct RunLock {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    lease: Box<dyn Lease>,
    journal: Option<Box<dyn Lease>>,
}

/// What LOCK says about the process that holds it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Holder {
    pid: Option<u32>,
    host: Option<String>,
}

impl RunLock {
    /// Takes the run, or says who has it.
    pub fn acquire(storage: Arc<dyn Storage>, run: &Path) -> Result<Self, JournalError> {
        let path = run.join(layout::LOCK);
        let Some(lease) = storage.lease(&path)? else {
            let holder = Holder::read(&*storage, &path);
            return Err(JournalError::Locked {
                run: name(run),
                pid: holder.pid,
                host: holder.host,
            });
        };
        let mut lock = Self {
            storage,
            run: run.to_owned(),
            lease,
            journal: None,
        };
        if lock.storage.len(&run.join(layout::JOURNAL))?.is_some() {
            lock.guard_journal()?;
        }
        // Only now: until here the file may still name a holder that somebody took the file from.
        lock.lease.write(&Holder::this_process())?;
        Ok(lock)
    }

    /// Locks the journal too, once it is there.
    pub(super) fn guard_journal(&mut self) -> Result<(), JournalError> {
        if self.journal.is_none() {
            let lease = self.storage.lease(&self.run.join(layout::JOURNAL))?;
            self.journal = Some(lease.ok_or_else(|| JournalError::Locked {
                run: name(&self.run),
                pid: None,
                host: None,
            })?);
        }
        Ok(())
    }

    /// Whether LOCK and journal are still the files that are locked.
    pub fn check(&self) -> Result<(), JournalError> {
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
    fn this_process() -> Vec<u8> {
        let pid = std::process::id();
        let host = serde_json::Value::from(this_host());
        format!("{{\"pid\":{pid},\"host\":{host}}}\n").into_bytes()
    }

    /// Who holds it, as far as the file tells; it may be empty for a moment or belong to somebody else.
    fn read(storage: &dyn Storage, path: &Path) -> Self {
        let content: Result<_, StorageError> = storage.read(path);
        let content = content.ok().flatten().unwrap_or_default();
        serde_json::from_slice(&content).unwrap_or_default()
    }
}

/// The directory of a run as a name for people.
pub(super) fn name(run: &Path) -> String {
    let name = run.file_name().unwrap_or(run.as_os_str());
    name.to_string_lossy().into_owned()
}

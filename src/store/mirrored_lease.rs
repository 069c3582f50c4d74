//! The lock of a run on this machine together with its lease in a run store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StoreClient;
use super::held_run::HeldRun;
use super::statements::KeepLease;
use crate::journal::{Lease, StorageError, random_salt};
use crate::run::RunId;

/// The process that holds a run, as LOCK has it, and beside it a number that no other process has.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Holder {
    pid: Option<u32>,
    host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// How long its lease still runs, in whole seconds. Said in LOCK alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_s: Option<u64>,
}

/// A holder in words.
pub(super) fn named(holder: &str) -> String {
    let Ok(holder) = serde_json::from_str::<Holder>(holder) else {
        return "another process".to_owned();
    };
    let role = holder
        .role
        .map_or_else(String::new, |role| format!("{role}, "));
    match (holder.pid, holder.host) {
        (Some(pid), Some(host)) => format!("{role}process {pid} on {host}"),
        _ => format!("{role}a process that it does not name"),
    }
}

impl Holder {
    /// What names this process in the store, whose role it is.
    pub(super) fn this_process(role: String) -> std::io::Result<String> {
        let host = rustix::system::uname();
        let holder = Self {
            pid: Some(std::process::id()),
            host: Some(host.nodename().to_string_lossy().into_owned()),
            role: Some(role),
            number: Some(random_salt()?),
            lease_s: None,
        };
        Ok(serde_json::to_string(&holder)?)
    }

    /// A holder on another machine, as LOCK of this machine names it.
    pub(super) fn elsewhere(holder: &str, held_s: f64) -> Vec<u8> {
        let Ok(mut holder) = serde_json::from_str::<Self>(holder) else {
            return Vec::new();
        };
        // A lease is at most some minutes.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let seconds = held_s.ceil().max(0.0) as u64;
        holder.lease_s = Some(seconds);
        serde_json::to_vec(&holder).unwrap_or_default()
    }
}

/// The runs that this process holds.
pub(super) type HeldRuns = Arc<Mutex<HashMap<RunId, Arc<HeldRun>>>>;

/// The lock of a run on this machine and its lease in the store.
#[derive(Debug)]
pub(super) struct MirroredLease {
    pub(super) lease: Box<dyn Lease>,
    pub(super) run: Arc<HeldRun>,
    pub(super) runs: HeldRuns,
    pub(super) client: Arc<StoreClient>,
}

impl MirroredLease {
    /// Keeps the run for so long; zero gives it back.
    fn keep(&self, lease: Duration) {
        let kept = KeepLease {
            run_id: self.run.run_id.clone(),
            epoch: self.run.epoch,
            lease,
            renews: false,
        };
        // A store that is not reached lets the lease run out.
        if let Err(error) = self.client.ask(Duration::ZERO, kept) {
            tracing::warn!(reason = ?error.to_string(), "the lease was not changed");
        }
    }
}

impl Lease for MirroredLease {
    fn is_current(&self) -> Result<bool, StorageError> {
        self.lease.is_current()
    }

    fn write(&mut self, content: &[u8]) -> Result<(), StorageError> {
        self.lease.write(content)
    }

    fn taken_over_by(&self) -> Option<String> {
        self.run.taken_over_by()
    }

    fn waits(&self, waits: bool) {
        // Given back at once, so that another machine need not wait for the next line.
        if self.run.set_waits(waits) {
            self.keep(self.run.lease());
        }
    }
}

impl Drop for MirroredLease {
    fn drop(&mut self) {
        let runs = self.runs.lock();
        runs.unwrap_or_else(PoisonError::into_inner)
            .remove(&self.run.run_id);
        if self.run.taken_over_by().is_none() {
            self.keep(Duration::ZERO);
        }
    }
}

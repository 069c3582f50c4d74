//! A run that this process holds in a run store: its epoch, the last line that landed, and whether it was taken over.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::time::sleep;

use super::client::{PendingAnswer, READ_PATIENCE, StoreLink};
use super::statements::{Append, AskRun, KeepLease};
use super::{StoreClient, StoreError};
use crate::journal::StorageError;
use crate::run::{JournalHead, RunId};
use crate::survey::Digest;

/// Pause between two looks of a process whose run waits at whether somebody took it over.
const LOOK: Duration = Duration::from_secs(1);

/// A run that this process holds.
#[derive(Debug)]
pub(super) struct HeldRun {
    pub(super) run_id: RunId,
    /// Counts who took it up. Whoever takes it over has the next one.
    pub(super) epoch: i64,
    /// The lease of a run that does not wait.
    lease: Duration,
    progress: Mutex<HeldProgress>,
    waits: AtomicBool,
    taken_over: OnceLock<String>,
}

/// What of its journal the store has.
#[derive(Debug)]
pub(super) struct HeldProgress {
    /// The last line that landed; `None`: none did.
    pub(super) head: Option<JournalHead>,
    /// What was written to the journal since, whole lines with their newlines.
    pub(super) written: Vec<u8>,
    /// What is being committed: up to this line.
    committing: Option<(JournalHead, PendingAnswer<()>)>,
}

impl HeldProgress {
    /// The lines that were written, without their newlines.
    fn lines(&self) -> Vec<&[u8]> {
        let mut lines: Vec<&[u8]> = self.written.split(|byte| *byte == b'\n').collect();
        // Behind the last newline there is nothing.
        lines.pop();
        lines
    }
}

impl HeldRun {
    /// A run that was taken up, with a task that keeps it for as long as the value lives.
    pub(super) fn keep(
        client: &StoreClient,
        run_id: RunId,
        epoch: i64,
        head: Option<JournalHead>,
    ) -> Arc<Self> {
        let run = Arc::new(Self {
            run_id,
            epoch,
            lease: client.lease(),
            progress: Mutex::new(HeldProgress {
                head,
                written: Vec::new(),
                committing: None,
            }),
            waits: AtomicBool::new(false),
            taken_over: OnceLock::new(),
        });
        let watched = Arc::downgrade(&run);
        client.spawn(|link| keep_up(link, watched));
        run
    }

    pub(super) fn progress(&self) -> std::sync::MutexGuard<'_, HeldProgress> {
        // A panic elsewhere leaves what the store has and has not as it is.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to commit what was written, while this machine makes it durable.
    pub(super) fn begin_commit(&self, client: &StoreClient) {
        let mut progress = self.progress();
        if progress.committing.is_some() {
            return;
        }
        let next = progress.head.as_ref().map_or(0, |head| head.seq + 1);
        let lines = progress.lines();
        if let Some((last, before)) = lines.split_last() {
            let to = JournalHead {
                seq: next + before.len() as u64,
                sha256: Digest::of(last),
            };
            progress.committing = Some((to.clone(), self.ask_for(client, &progress, to)));
        }
    }

    /// Commits what was written up to this line, or waits for what was begun.
    pub(super) fn commit(&self, client: &StoreClient, to: JournalHead) -> Result<(), StoreError> {
        let mut progress = self.progress();
        // A recovery that found nothing writes HEAD once more.
        if progress.head.as_ref() != Some(&to) {
            let asked = match progress.committing.take() {
                Some((begun, asked)) if begun == to => asked,
                _ => self.ask_for(client, &progress, to.clone()),
            };
            client.answer(&asked)?;
            progress.head = Some(to);
        }
        progress.written.clear();
        Ok(())
    }

    fn ask_for(
        &self,
        client: &StoreClient,
        progress: &HeldProgress,
        to: JournalHead,
    ) -> PendingAnswer<()> {
        let lines = progress.lines();
        let append = Append {
            run_id: self.run_id.clone(),
            epoch: self.epoch,
            after: progress.head.clone(),
            to,
            lines: lines.into_iter().map(<[u8]>::to_vec).collect(),
            lease: self.lease(),
            notifies: client.about().is_ok_and(|about| about.notifies),
        };
        client.begin(client.patience(), append)
    }

    /// The lease that is asked for with the next line: none while the run waits, so that any machine may go on with it.
    pub(super) fn lease(&self) -> Duration {
        if self.waits.load(Ordering::SeqCst) {
            return Duration::ZERO;
        }
        self.lease
    }

    /// Says whether the run waits for a person; false: it was said before.
    pub(super) fn set_waits(&self, waits: bool) -> bool {
        self.waits.swap(waits, Ordering::SeqCst) != waits
    }

    /// Who took it over.
    pub(super) fn taken_over_by(&self) -> Option<String> {
        self.taken_over.get().cloned()
    }

    /// Notes from an error that the run was taken over; then it is the error of that.
    pub(super) fn lost(&self, error: &StoreError) -> Option<StorageError> {
        let StoreError::TakenOver(by) = error else {
            return None;
        };
        let by = self
            .taken_over
            .get_or_init(|| super::mirrored_lease::named(by));
        let run = Path::new(self.run_id.as_str());
        let by = io::Error::other(by.clone());
        Some(StorageError::new(StorageError::LOST, run, by))
    }
}

/// Renews the lease of a run that goes on, and looks whether one that waits was taken over, until nobody holds the value.
async fn keep_up(link: Arc<StoreLink>, watched: Weak<HeldRun>) {
    loop {
        let Some(held) = watched.upgrade() else {
            return;
        };
        let lease = held.lease();
        let (run_id, epoch) = (held.run_id.clone(), held.epoch);
        drop(held);
        if !lease.is_zero() {
            let renew = KeepLease {
                run_id: run_id.clone(),
                epoch,
                lease,
                renews: true,
            };
            if matches!(link.ask(READ_PATIENCE, &renew).await, Ok(true)) {
                sleep(lease / 3).await;
                continue;
            }
        }
        // A store that is not reached says nothing of who has the run: the next line will find out.
        let asked = link.ask(READ_PATIENCE, &AskRun(run_id)).await;
        if let Ok(Some(run)) = asked
            && run.epoch != epoch
        {
            if let Some(held) = watched.upgrade() {
                held.taken_over
                    .get_or_init(|| super::mirrored_lease::named(&run.holder));
            }
            return;
        }
        sleep(if lease.is_zero() { LOOK } else { lease / 3 }).await;
    }
}

//! Following a run that another process writes. Invariant: reads the run and writes nothing in it; who stands still here costs its runner nothing.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::LaunchError;
use crate::journal::{
    DirectoryStore, Followed, Follower, Position, RunStore, Storage, Wakes, Woken,
};
use crate::run::{Event, RunId};
use crate::runner::be_present;

/// After a look that found something: twenty frames a second are as many as an eye wants.
const LOOKS_APART: Duration = Duration::from_millis(50);
/// After a look that found more, so long for each line, up to the most: nobody reads a hundred lines in a second, and fifty
/// watchers who drew them all would take the processors from the runner.
const LINE: Duration = Duration::from_millis(10);
const LOOKS_APART_MAX: Duration = Duration::from_secs(1);

/// Hears what was written.
pub(super) trait Listener {
    /// A line that is durable.
    fn hear(&mut self, followed: Followed<'_, Event>) -> Result<(), LaunchError>;

    /// All that a look found was heard.
    fn looked(&mut self) {}
}

/// A run that is followed, from its first line on.
pub(super) struct Following {
    store: DirectoryStore,
    run_id: RunId,
    follower: Follower,
    wakes: Wakes,
    /// Open while the holder shows this process as a watcher.
    presence: Option<UnixStream>,
    ended: bool,
}

impl Following {
    /// Follows a run of the store.
    pub fn of(store: &DirectoryStore, run_id: &RunId) -> Result<Self, LaunchError> {
        let root = Storage::root(&**store.storage()).to_owned();
        Ok(Self {
            follower: store.reader(run_id)?.follow(Position::start()),
            wakes: Wakes::of(&root.join(DirectoryStore::run_path(run_id))),
            store: store.clone(),
            run_id: run_id.clone(),
            presence: None,
            ended: false,
        })
    }

    /// Where the holder of the moment listens, if there can be a holder on this machine.
    pub fn socket(&self) -> Option<PathBuf> {
        crate::runner::socket(Storage::root(&**self.store.storage()), &self.run_id)
    }

    /// Hands over what was written since the last look; gives how many lines that were.
    pub fn look(&mut self, listener: &mut dyn Listener) -> Result<u64, LaunchError> {
        self.wakes.arm();
        let mut heard = Ok(());
        let seen = self.follower.each(|followed| {
            self.ended |= matches!(followed.entry.event, Event::RunSealed { .. });
            if heard.is_ok() {
                heard = listener.hear(followed);
            }
        });
        // What stands before damage was heard as well.
        listener.looked();
        heard?;
        Ok(seen?)
    }

    /// Follows until the run has its seal.
    pub fn follow(&mut self, listener: &mut dyn Listener) -> Result<(), LaunchError> {
        let mut seen = 1;
        loop {
            // A holder comes before what it writes: where nothing was written there is none to be found.
            if seen > 0 && self.presence.is_none() {
                self.presence = self.socket().and_then(|at| be_present(&at).ok());
            }
            seen = self.look(listener)?;
            if self.ended && self.store.is_sealed(&self.run_id)? {
                return Ok(());
            }
            if seen > 0 {
                thread::sleep(rest_after(seen));
            } else {
                self.wait()?;
            }
        }
    }

    /// Stays a watcher of a run that has ended until its holder is gone: who still looks at it is still shown.
    pub fn linger(self) {
        if let Some(mut holder) = self.presence {
            // However it ends, it has ended.
            let _ = io::copy(&mut holder, &mut io::sink());
        }
    }

    /// Sleeps until the journal may have grown.
    fn wait(&mut self) -> Result<(), LaunchError> {
        loop {
            let other = self.presence.as_ref().map(UnixStream::as_fd);
            let woken = self
                .wakes
                .wait(other)
                .map_err(|source| LaunchError::Output {
                    doing: "cannot wait for the journal",
                    source,
                })?;
            match (woken, &mut self.presence) {
                (Woken::Other, Some(holder)) => {
                    // The holder says nothing but that it has no room; either way, what it ends with is the end.
                    let mut said = [0; 256];
                    if !matches!(holder.read(&mut said), Ok(1..)) {
                        self.presence = None;
                    }
                }
                _ => return Ok(()),
            }
        }
    }
}

/// How long to rest after a look that found so many lines.
fn rest_after(seen: u64) -> Duration {
    let lines = u32::try_from(seen).unwrap_or(u32::MAX);
    LINE.saturating_mul(lines)
        .clamp(LOOKS_APART, LOOKS_APART_MAX)
}

#[cfg(test)]
mod tests {
    use super::rest_after;

    #[test]
    fn a_watcher_rests_the_longer_the_more_it_saw_and_never_long() {
        let rests = [1, 3, 60, 100, u64::MAX].map(|seen| rest_after(seen).as_millis());
        assert_eq!(rests, [50, 50, 600, 1_000, 1_000]);
    }
}

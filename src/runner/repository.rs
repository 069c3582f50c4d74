//! What the runner asks of a git repository; [`Repository`] has no method that writes.

use std::io;
use std::sync::Arc;
use std::thread;

use thiserror::Error;
use tokio::sync::oneshot;

use super::driver::Driver;
use super::target::Target;
use super::{RunnerError, is_shortage};
use crate::run::{Event, RepositoryLook, RepositoryMoved};

pub use crate::run::RepositoryState;

/// Why a repository cannot be looked at.
#[derive(Debug, Error)]
pub enum RepositoryError {
    /// git could not be run or said something else than expected.
    #[error("git: {0}")]
    Git(String),
    /// There is a work tree, and nothing was ever committed in it.
    #[error("{}", RepositoryState::NO_COMMIT)]
    NoCommit,
    /// No process could be started for it, because this machine gives no more: nothing is known of the repository.
    #[error("git: {0}")]
    Shortage(io::Error),
}

impl RepositoryError {
    /// git could not be run.
    pub fn not_run(error: io::Error) -> Self {
        if is_shortage(&error) {
            Self::Shortage(error)
        } else {
            Self::Git(format!("cannot run git: {error}"))
        }
    }
}

/// A git repository that can be read.
pub trait Repository: Send + Sync + 'static {
    /// HEAD, branches, tags and state of the work tree as git reports them now.
    fn look(&self) -> Result<RepositoryState, RepositoryError>;
}

/// What was seen, or why nothing could be; an error where only this machine had nothing left to look with.
pub(super) fn unless_shortage(
    looked: Result<RepositoryState, RepositoryError>,
) -> Result<Result<RepositoryState, String>, RunnerError> {
    match looked {
        Err(RepositoryError::Shortage(error)) => Err(RunnerError::Shortage(error)),
        looked => Ok(looked.map_err(|error| error.to_string())),
    }
}

/// Looks on a thread of its own; on this one where none can be started, which then waits for git.
async fn look_aside<R: Repository>(repository: Arc<R>) -> Result<RepositoryState, RepositoryError> {
    let (tell, told) = oneshot::channel();
    let looking = Arc::clone(&repository);
    let started = thread::Builder::new()
        .name("git".to_owned())
        // A runner that was left meanwhile asks no more.
        .spawn(move || drop(tell.send(looking.look())));
    match started {
        Ok(_) => told
            .await
            .unwrap_or_else(|_| Err(RepositoryError::Git("its thread ended".to_owned()))),
        Err(_) => repository.look(),
    }
}

impl<T: Target, R: Repository> Driver<T, R> {
    /// Looks at the repository that G0 saw, and records where it is not what was last seen of it.
    pub(super) async fn look_at_repository(&mut self) -> Result<(), RunnerError> {
        let repository = self.repository.clone();
        let run = self.recorder()?.run();
        let Some(pinned) = run.repository.as_deref().filter(|_| run.looks_again()) else {
            return Ok(());
        };
        let before = run.repository_found.as_deref().cloned();
        let before = before.unwrap_or_else(|| RepositoryLook::Seen(Box::new(pinned.clone())));
        // git may take as long as the work tree is large, and whoever leaves must not wait for it.
        let looked = if let Some(repository) = repository {
            look_aside(repository).await
        } else {
            let why = "this process was started without it".to_owned();
            Err(RepositoryError::Git(why))
        };
        let found = match unless_shortage(looked)? {
            Ok(state) => RepositoryLook::Seen(Box::new(state)),
            Err(why) => RepositoryLook::Unread(self.target.without_passwords(&why, false)),
        };
        let known = match (&before, &found) {
            (RepositoryLook::Seen(before), RepositoryLook::Seen(now)) => before.tells_the_same(now),
            (before, now) => before == now,
        };
        if !known {
            self.recorder()?
                .record(Event::RepositoryMoved(RepositoryMoved { found }))?;
        }
        Ok(())
    }

    /// Takes a pending approval back where the repository could not be looked at: what is not known is neither equal nor drift.
    pub(super) fn refuse_unread_repository(&mut self) -> Result<(), RunnerError> {
        let run = self.recorder()?.run();
        let Some(why) = run
            .repository_unread()
            .filter(|_| run.pending_approval().is_some())
        else {
            return Ok(());
        };
        let why = format!("The repository of the run could not be looked at: {why}");
        self.refuse_pending(&why)?;
        Err(RunnerError::RepositoryUnread(why))
    }
}

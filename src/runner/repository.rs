//! What the runner asks of a git repository; [`Repository`] has no method that writes.

use thiserror::Error;

use super::RunnerError;
use super::driver::Driver;
use super::target::Target;
use crate::run::{Event, RepositoryLook, RepositoryMoved};

pub use crate::run::RepositoryState;

/// Why a repository cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RepositoryError {
    /// git could not be run or said something else than expected.
    #[error("git: {0}")]
    Git(String),
}

/// A git repository that can be read.
pub trait Repository: Send + Sync + 'static {
    /// HEAD, branches, tags and state of the work tree as git reports them now.
    fn look(&self) -> Result<RepositoryState, RepositoryError>;
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
            tokio::task::spawn_blocking(move || repository.look()).await
        } else {
            let why = "this process was started without it".to_owned();
            Ok(Err(RepositoryError::Git(why)))
        };
        let found = match looked {
            Ok(Ok(state)) => RepositoryLook::Seen(Box::new(state)),
            Ok(Err(error)) => RepositoryLook::Unread(error.to_string()),
            Err(error) => RepositoryLook::Unread(error.to_string()),
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

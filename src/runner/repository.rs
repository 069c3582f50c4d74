//! What the runner asks of a git repository; [`Repository`] has no method that writes.

use thiserror::Error;

pub use crate::run::RepositoryState;

/// Why a repository cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RepositoryError {
    /// git could not be run or said something else than expected.
    #[error("git: {0}")]
    Git(String),
}

/// A git repository that can be read.
pub trait Repository: Send {
    /// HEAD, branches, tags and state of the work tree as git reports them now.
    fn look(&self) -> Result<RepositoryState, RepositoryError>;
}

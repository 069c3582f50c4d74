//! What the runner asks of a git repository. Invariant: reading only.

use thiserror::Error;

pub use crate::run::RepositoryState;

/// Why a repository cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RepositoryError {
    /// git could not be run or said something else than expected.
    #[error("git: {0}")]
    Git(String),
}

/// A repository to look at.
pub trait Repository: Send {
    /// What git says now.
    fn look(&self) -> Result<RepositoryState, RepositoryError>;
}

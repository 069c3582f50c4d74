//! Why a run could not be looked at. What does not hold in it is no error but a finding.

use thiserror::Error;

use crate::journal::JournalError;
use crate::runner::RunnerError;

/// Why `verify` could not look at a run.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// Its files cannot be read, or are of a newer format.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its side files cannot be made again.
    #[error(transparent)]
    Runner(#[from] RunnerError),
}

//! Why a run store did not do what it was asked.

use thiserror::Error;

/// Why a run store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It was not reached, or did not answer in time, also when asked again.
    #[error("the run store is not reached: {0}")]
    Unreachable(String),
    /// It answered that it will not: privileges, no tables, no room.
    #[error("the run store refuses: {0}")]
    Refused(String),
    /// Another process took the run over.
    #[error("the run was taken over by {0}")]
    TakenOver(String),
    /// The store has other lines than this process wrote.
    #[error("the run store has another journal of this run: {0}")]
    Forked(String),
    /// Its tables are of another version of drygate.
    #[error(
        "the tables of the run store have format {0}, and this drygate knows 1: use the drygate that fits"
    )]
    OtherFormat(i32),
    /// No thread could be started for it.
    #[error("this machine gives no thread for the run store: {0}")]
    Shortage(String),
}

//! How far long work has come. Invariant: it is counted, never estimated, and no fact of the run: it may be dropped.

/// How far a long read has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// `Grant matrix`, `Live units`.
    pub what: String,
    /// What is counted: `rows`, `answers`.
    pub noun: &'static str,
    /// So many so far.
    pub done: u64,
    /// So many expected, where known.
    pub total: Option<u64>,
}

//! What the page of a run is made from. Invariant: nothing that is not in the run's directory.

use thiserror::Error;

use crate::report::{ReportError, ReportInput};
use crate::run::{Event, History};
use crate::survey::{Digest, FactKey, UtcTime};

/// A note of a reviewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageNote {
    pub at: UtcTime,
    /// Who, an OS account.
    pub by: String,
    /// On which fact; `None`: on the whole run.
    pub fact: Option<FactKey>,
    pub text: String,
    /// Whether the run went on after it.
    pub is_stale: bool,
}

/// Everything that the page is made from.
pub struct PageInput<'a> {
    /// What the reports are made from.
    pub report: ReportInput<'a>,
    /// The run with its surveys.
    pub history: &'a History,
    /// The journal: number, time, event.
    pub events: &'a [(u64, UtcTime, &'a Event)],
    /// SHA-256 of the last line.
    pub head: Option<Digest>,
    /// Whether the run has its seal.
    pub sealed: bool,
    pub notes: &'a [PageNote],
    /// Lines of `hooks.jsonl`.
    pub hooks: &'a [String],
}

/// Why there is no page.
#[derive(Debug, Error)]
pub enum PageError {
    /// The run cannot be reported at all.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The template asks for what the view does not have.
    #[error("the page cannot be rendered: {0:#}")]
    Template(#[from] minijinja::Error),
}

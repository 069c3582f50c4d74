//! The input of the page: only what is in the directory of the run.

use thiserror::Error;

use crate::report::{ReportError, ReportInput};
use crate::run::{Event, History};
use crate::survey::{Digest, FactKey, UtcTime};

/// A note of a reviewer, for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageNote {
    /// When it was written.
    pub at: UtcTime,
    /// Who wrote it, as an OS account.
    pub by: String,
    /// The fact that it is about; `None`: the whole run.
    pub fact: Option<FactKey>,
    /// The text of the note.
    pub text: String,
    /// Whether the journal has lines that the reviewer had not seen.
    pub is_stale: bool,
}

/// Everything that a page is made from.
pub struct PageInput<'a> {
    /// The input of the reports.
    pub report: ReportInput<'a>,
    /// The folded run with its surveys.
    pub history: &'a History,
    /// What the page lists of the journal ([`super::is_listed`]): number, time and event of each line.
    pub listed: &'a [(u64, UtcTime, Event)],
    /// How many lines the journal has.
    pub records: u64,
    /// SHA-256 of the last line; `None`: the journal is empty.
    pub head: Option<Digest>,
    /// Whether the run is sealed.
    pub sealed: bool,
    /// The notes in their order.
    pub notes: &'a [PageNote],
    /// The lines of `hooks.jsonl`.
    pub hooks: &'a [String],
}

/// Why a page cannot be made.
#[derive(Debug, Error)]
pub enum PageError {
    /// The run cannot be reported at all.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The template uses a value that the view does not have.
    #[error("the page cannot be rendered: {0:#}")]
    Template(#[from] minijinja::Error),
}

//! Input and output types of the reports: `ReportInput`, `RenderedReport`, `ReportError`.

use thiserror::Error;

use crate::profile::Profile;
use crate::run::RunState;
use crate::survey::Digest;

/// What the reports of one run are made from.
pub struct ReportInput<'a> {
    /// The run, folded up to and including the `run_sealed` that is about to be written.
    pub run: &'a RunState,
    /// The profile that the run was made with.
    pub profile: &'a Profile,
    /// Reads a document behind a fact or the context by its digest; `None`: it is not among the blobs of the run.
    pub blobs: &'a dyn Fn(&Digest) -> Option<String>,
}

/// One report, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedReport {
    /// File name under `kb/`.
    pub name: String,
    /// The whole text, Markdown in UTF-8.
    pub text: String,
}

/// Why reports cannot be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The journal has no `run_created`.
    #[error("the run was never created, so there is nothing to report")]
    NotCreated,
    /// A template asks for what the view does not have.
    #[error("report {name} cannot be rendered: {source:#}")]
    Template {
        /// Name of the template.
        name: &'static str,
        /// The error of minijinja, with the line of the template.
        source: minijinja::Error,
    },
}

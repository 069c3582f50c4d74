//! Input and output types of the reports: `ReportInput`, `RenderedReport`, `ReportError`.

use serde::Serialize;
use thiserror::Error;

use crate::profile::Profile;
use crate::run::RunState;
use crate::survey::Digest;

/// The result of a full test run, as a file of the profile states it. DECLARED: nothing here ran it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FullDiscoverLine {
    pub passed: u64,
    pub failed: u64,
    /// The file, as the profile names it.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Age of the file in seconds when it was read.
    pub age_seconds: u64,
}

impl FullDiscoverLine {
    /// The result as `tests_declared` recorded it.
    pub fn recorded(run: &RunState) -> Option<Self> {
        let declared = run.declared_tests.as_ref()?;
        Some(Self {
            passed: declared.passed,
            failed: declared.failed,
            file: declared.file.clone(),
            sha256: declared.sha256.clone(),
            age_seconds: declared.age_s,
        })
    }
}

/// What the reports of one run are made from.
pub struct ReportInput<'a> {
    /// The run, folded up to and including the `run_sealed` that is about to be written.
    pub run: &'a RunState,
    /// The profile that the run was made with.
    pub profile: &'a Profile,
    /// Reads a document behind a fact or the context by its digest; `None`: it is not among the blobs of the run.
    pub blobs: &'a dyn Fn(&Digest) -> Option<String>,
    /// The full test run, where the profile names a result.
    pub full_discover: Option<FullDiscoverLine>,
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

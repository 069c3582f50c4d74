//! The 13 Markdown reports of a run, and one more with a change, rendered from templates, and their JSON twin. Invariant: a report is a function of
//! journal, profile and blobs alone, so `verify` can render it again and compare bytes (`ReportInput`; test
//! `the_same_run_gives_the_same_bytes_before_and_after_its_seal_is_written`).

mod approvals;
mod audit_rows;
mod commit_guard;
mod escape;
mod figures;
mod gates;
mod hooks;
mod input;
mod names;
mod proof;
mod proves;
mod rehearsal;
mod rehearsal_comment;
mod render;
mod repository;
mod summary;
mod surveys;
mod timeline;
mod twin;
mod view;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod json_tests;
#[cfg(test)]
mod tests;

pub use commit_guard::{CommitGuard, GuardedFile};
pub use escape::visible;
pub use figures::{counters, sidecar_state};
pub use input::{RenderedReport, ReportError, ReportInput};
pub use names::{TEMPLATE_VERSION, names};
pub use proof::judgement;
pub use rehearsal_comment::rehearsal_comment;
pub use render::render;
pub use summary::summary;
pub use twin::json_twin;
pub use view::view;

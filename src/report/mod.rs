//! What is handed over: 13 documents from templates and their JSON twin. Invariant: a report is a function of journal and blobs.

mod approvals;
mod audit_rows;
mod escape;
mod figures;
mod gates;
mod hooks;
mod input;
mod names;
mod proof;
mod proves;
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

pub use escape::visible;
pub use figures::{counters, sidecar_state};
pub use input::{FullDiscoverLine, RenderedReport, ReportError, ReportInput};
pub use names::{REPORTS, TEMPLATE_VERSION, names};
pub use proof::judgement;
pub use render::render;
pub use summary::summary;
pub use twin::json_twin;
pub use view::view;

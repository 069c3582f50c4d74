//! What a reviewer compares: two surveys fact by fact, and the documents behind them side by side.
//! Invariant: pure; it knows no clock, file, socket or thread. Held by tests/architecture.rs.

mod aligned_documents;
mod attribution;
mod build_comparison;
mod compared_side;
mod comparison;
mod fact;
mod predicted_units;
mod recheck;
mod rehearsed_rows;
mod review_note;
mod units;

pub use aligned_documents::{AlignedDocuments, explain_row};
pub use attribution::AttributionText;
pub use comparison::{AfterChange, Compare, Comparison, MethodChange, SideSource};
pub use fact::{Change, ComparedFact, SideValue};
pub use recheck::RecheckSurvey;
pub use rehearsed_rows::rehearsed_lines;
pub use review_note::ReviewNote;
pub use units::unit_lines;

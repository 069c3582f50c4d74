//! What a reviewer compares: two surveys fact by fact, and the documents behind them. Invariant: pure; made from the journal's events alone.

mod attribution;
mod build;
mod comparison;
mod fact;
mod opened;
mod predicted;
mod rechecked;
mod record;
mod seen;
mod units;

pub use comparison::{Compare, Comparison, MethodChange, SideSource};
pub use fact::{Change, ComparedFact, SideValue};
pub use opened::{AlignedDocuments, explain_row};
pub use rechecked::RecheckSurvey;
pub use record::{ComparisonRecord, DriftSeen, EvidenceSeen, SurveyRead};
pub use units::unit_lines;

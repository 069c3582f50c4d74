//! Gate checks, claims and forbidden-action detectors, and what `verify` recomputes of them. Pure; no verdict without the raw
//! values it was computed from.

#![deny(clippy::wildcard_enum_match_arm)]

mod after;
mod after_rows;
mod claims;
mod documents;
mod dry_seams;
mod feasibility;
#[cfg(test)]
mod fixture;
mod forbidden;
#[cfg(test)]
mod journal_fixture;
mod last_pass;
mod orchestration;
mod precheck;
mod predict;
mod recompute;
mod recompute_gates;
mod recompute_order;
mod recompute_raw;
mod repository_and_reports;
mod required;
mod result;
mod resume;
mod safety;
mod scope;
mod secrets;
mod sent_statements;
mod terms;

pub use after::{AfterMatcher, UnitAfter, UnitOutcome, UnitOutcomes, UnitsJudged};
pub use after_rows::{After, RowCounts, TableAfter, TableRows, after, row_words};
pub use claims::{claims, non_mutation};
pub use documents::{document_findings, ledger_finding};
pub use dry_seams::{DrySeams, g2};
pub use feasibility::{Feasibility, QueryCheck, g1, pinned_runs};
pub use forbidden::{Forbidden, forbidden, forbidden_rows};
pub use last_pass::last_pass_differences;
pub use orchestration::{G3_CHECKS, g3, g3_so_far};
pub use precheck::{SsotFile, g0, repository_at_g0, ssot_documents};
pub use predict::{predict, protected_tables, step_effect};
pub use recompute::{RecomputeFinding, Recomputed, Recomputer, recompute};
pub use recompute_raw::judged_by_own_values;
pub use repository_and_reports::{
    REPORTS, ReportRendering, main_and_tags_unchanged, report_file, reports_render,
};
pub use required::{CHECK_TABLE, not_the_checks_of, required_checks};
pub use result::{first_failure, result, result_name};
pub use resume::{ResumeResult, g4};
pub use safety::{FullDiscover, PROBES, ProbeResult, full_discover, g5, o4_targeted};
pub use scope::scope;
pub use secrets::{SecretScan, profile_findings, scan_for_secrets};
pub use terms::{approval_policy, run_budget};

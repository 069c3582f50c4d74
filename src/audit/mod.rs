//! Gate checks, claims and forbidden-action detectors, and what `verify` recomputes of them. Pure; no verdict without the raw
//! values it was computed from.

#![deny(clippy::wildcard_enum_match_arm)]

mod after;
mod after_rows;
mod as_simulated;
mod by_construction;
mod cannot_pass;
mod change_after;
mod claims;
mod context_pins;
mod detector_result;
mod documents;
mod dry_seams;
mod feasibility;
#[cfg(test)]
mod fixture;
mod forbidden;
#[cfg(test)]
mod journal_fixture;
mod last_pass;
#[cfg(test)]
mod moved_tests;
mod names_exist;
mod orchestration;
mod plain_reads;
mod precheck;
mod predict;
mod probes;
mod recompute;
mod recompute_beside;
mod recompute_gates;
mod recompute_order;
mod recompute_raw;
mod rehearsal;
mod repository_and_reports;
mod required;
mod result;
mod resume;
mod row_ledger;
mod safety;
mod scope;
mod secrets;
mod sent_statements;
mod sheet;
mod source_tables;
mod terms;

pub use after::{AfterMatcher, UnitAfter, UnitOutcome, UnitOutcomes, UnitsJudged};
pub use after_rows::{After, RowCounts, TableAfter, TableRows, after, row_words};
pub use by_construction::by_construction;
pub use cannot_pass::{cannot_pass, obstacles};
pub use change_after::{ChangeAfter, MovedFact};
pub use claims::{claims, non_mutation};
pub use context_pins::context_pins;
pub use documents::{KeptDocuments, document_findings, ledger_finding};
pub use dry_seams::{DrySeams, g2};
pub use feasibility::{Feasibility, QueryRuling, audit_holds, g1};
pub use forbidden::{Forbidden, forbidden, forbidden_rows};
pub use last_pass::{last_pass_differences, not_comparable};
pub use names_exist::names_exist;
pub use orchestration::{g3, g3_count, g3_so_far};
pub use plain_reads::{pinned_runs, recorded_rulings};
pub use precheck::{
    SsotFile, g0, recorded_ssot, repository_at_g0, repository_checks_ahead, ssot_digests,
    ssot_documents,
};
pub use predict::{predict, protected_tables, step_effect};
pub use probes::{first_waits, probe};
pub use recompute::{RecomputeFinding, Recomputed, Recomputer, recompute};
pub use recompute_gates::journalled_seams;
pub use recompute_raw::judged_by_own_values;
pub use repository_and_reports::{
    REPORTS, ReportRendering, main_and_tags_unchanged, report_file, reports_of, reports_render,
};
pub use required::{
    CHECK_TABLE, CHECK_TABLE_WITH_CHANGE, not_the_checks_of, required_checks, table_of,
};
pub use result::{first_failure, result, result_name};
pub use resume::{FreshFold, FreshResume, ResumeResult, g4};
pub use safety::{FullDiscover, PROBES, ProbeResult, full_discover, g5, probes_passed};
pub use scope::{is_excluded, nothing_asked, scope};
pub use secrets::{SecretScan, profile_findings, scan_for_secrets};
pub use sheet::evidence_sheet;
pub use terms::{approval_policy, check_table, run_budget, run_change};

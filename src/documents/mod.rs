//! The JSON documents that programs read: `--json`, standard input of hooks and the twin of the reports, one struct each.
//! Invariant: `assets/schemas` is made from these structs (test `schemas::the_committed_schemas_are_those_of_the_structs`).
//!
//! These are plain data: the code that has the values builds the document, and nothing here computes one. Times are RFC 3339 in
//! UTC, digests are SHA-256 in lower-case hex. What is absent is `null`, unless a member says that it is left out.

mod comparison;
mod evidence;
mod hook;
mod machine;
mod profile;
mod rehearsal;
mod report;
mod report_parts;
mod run;
mod run_files;
mod run_list;
mod schema_version;
mod survey;

#[cfg(test)]
mod journal_schema;
#[cfg(test)]
mod profile_reference;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod value_schemas;

pub use comparison::{ClaimMeasured, DiffDocument, DiffFact, DiffRow};
pub use evidence::{
    RecheckDocument, RecheckRefused, RecheckedSurvey, SurveyReference, VerifyDocument,
};
pub use hook::{HookDocument, HookTarget};
pub use machine::{ConfigDocument, DoctorDocument, DoctorLine, SettingRow};
pub use profile::{
    ProfileCheckDocument, ProfileHook, ProfileInitDocument, ProfileListDocument, ProfileRow,
    ProfileShowDocument,
};
pub use rehearsal::{RehearsalAgainst, RehearsalDocument};
pub use report::{
    CodeOutcome, DeclaredTestRuns, DeclaredTests, FactPair, GateReport, PrePost, PredictionReport,
    RehearsedChange, ReportDocument, ReportFile, ReportProfile, ReportTarget,
};
pub use report_parts::{
    ApprovalsReport, AuditRow, ChangeReport, DecisionReport, DriftReport, EventLine,
    EvidenceReport, HookReport, ReadsNotListed, RowReport, StopReport, TransactionReport,
    TransactionStatus,
};
pub use run::{
    ClaimDocument, Counters, FactValue, GateVerdict, NonMutationDocument, ReplayBand,
    ReplayDocument, ReplayMoment, RunDocument, RunReturn, SidecarDocument, SidecarState,
};
pub use run_files::{CastDocument, ExportDocument, ImportDocument, SvgDocument};
pub use run_list::{OtherRow, RemovedRow, RunApproval, RunsDocument, RunsEntry, RunsRow};
pub use schema_version::SchemaVersion;
pub use survey::{SurveyDocument, SurveyFact};

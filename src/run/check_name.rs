//! The names of the checks, as journals hold them.
//! Invariant: a name reads back as itself, and an unknown one keeps its text and means nothing (tests
//! `every_name_reads_back_as_itself_and_no_two_are_alike`, `a_name_of_another_version_keeps_its_text_and_means_nothing`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Gate;

/// One row a check: variant, name, the gate that has it, whether a profile may exclude it.
macro_rules! check_names {
    ($(#[doc = $doc:literal] $variant:ident = $name:literal, $gate:expr, $excludable:literal;)*) => {
        /// Which check it is.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum CheckName {
            $(
                #[doc = $doc]
                $variant,
            )*
            /// A name that this drygate does not know, from the journal of another version or from a profile. No code gives it a meaning.
            Other(String),
        }

        impl CheckName {
            /// Every check that is known, by gate.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in journals, reports and profiles: `role_is_read_only`.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// The gate that has it; `None`: no gate of a run has it.
            pub fn gate(&self) -> Option<Gate> {
                match self {
                    $(Self::$variant => $gate,)*
                    Self::Other(_) => None,
                }
            }

            /// Whether a profile may exclude it: what the claims A, B, D and E or the probes of G5 rest on never, nor what stands in for a whole gate.
            pub fn may_be_excluded(&self) -> bool {
                match self {
                    $(Self::$variant => $excludable,)*
                    Self::Other(_) => false,
                }
            }
        }
    };
}

check_names! {
    /// The profile was read; its name and SHA-256 are recorded.
    ProfileLoads = "profile_loads", Some(Gate::G0), true;
    /// Each SSOT document exists.
    SsotDocuments = "ssot_documents", Some(Gate::G0), true;
    /// There is a git work tree.
    RepositoryPresent = "repository_present", Some(Gate::G0), true;
    /// Branch, commit and subject of HEAD are known.
    BranchAndHead = "branch_and_head", Some(Gate::G0), true;
    /// The commits of `main` (else `master`) and of the feature branch are known.
    MainAndFeatureHeads = "main_and_feature_heads", Some(Gate::G0), true;
    /// Whether the work tree is clean was recorded; it need not be.
    WorkTreeRecorded = "work_tree_recorded", Some(Gate::G0), true;
    /// Never PASS: it stands alone in G1, as FAIL, where the target is unfit to be surveyed at all.
    DatabaseCanBeSurveyed = "database_can_be_surveyed", Some(Gate::G1), false;
    /// The server is PostgreSQL 13 or newer, and its identifier was read.
    ServerVersionAndSystemIdentifier = "server_version_and_system_identifier", Some(Gate::G1), true;
    /// The server is a standby where the profile asks for one.
    StandbyAsRequired = "standby_as_required", Some(Gate::G1), true;
    /// Session user, current user and surveyed role are the expected role.
    SessionRole = "session_role", Some(Gate::G1), false;
    /// No way to write was found (claim D).
    RoleIsReadOnly = "role_is_read_only", Some(Gate::G1), false;
    /// The survey's transaction was read only and REPEATABLE READ to its end.
    TransactionReadOnly = "transaction_read_only", Some(Gate::G1), false;
    /// `search_path` is empty.
    SearchPathEmpty = "search_path_empty", Some(Gate::G1), false;
    /// `row_security` is off.
    RowSecurityOff = "row_security_off", Some(Gate::G1), false;
    /// The session left no transaction id, no lock, no row and nothing else behind.
    SessionLeftNothing = "session_left_nothing", Some(Gate::G1), false;
    /// Each query of the profile was ruled to be a plain read.
    FactsArePlainReads = "facts_are_plain_reads", Some(Gate::G1), true;
    /// Each fact and both streams answered.
    FactsAnswer = "facts_answer", Some(Gate::G1), true;
    /// The facts digest is that of the facts.
    FactsDigestHolds = "facts_digest_holds", Some(Gate::G1), true;
    /// Each fact has the value that the profile expects of it.
    ExpectationsMet = "expectations_met", Some(Gate::G1), true;
    /// Each pinned function and the grant matrix has a value, and the declared one where one is declared.
    PinsMet = "pins_met", Some(Gate::G1), true;
    /// There is a live unit.
    CandidatesNotEmpty = "candidates_not_empty", Some(Gate::G1), true;
    /// What the audit of G6 looks at holds already now: nothing that is there at the pin fails it later.
    AuditHoldsAtPin = "audit_holds_at_pin", Some(Gate::G1), true;
    /// The context pins say `Mode.DRYRUN`.
    ModeDryrun = "mode_dryrun", Some(Gate::G2), true;
    /// The context pins say that execution is disabled.
    ExecutionDisabled = "execution_disabled", Some(Gate::G2), true;
    /// The signer is `StubSigning`.
    StubSigning = "stub_signing", Some(Gate::G2), true;
    /// The simulator's input digest is that of the pin.
    SimulatorInputIsSurvey = "simulator_input_is_survey", Some(Gate::G2), true;
    /// `context.json` reads back as it was written, and is a blob.
    ContextPinsWritten = "context_pins_written", Some(Gate::G2), true;
    /// The prediction was computed: no number of rows is beyond 64 bits.
    PredictionComputed = "prediction_computed", Some(Gate::G2), true;
    /// The storage layer wrote only below the data directory, by its own record.
    NothingWrittenOutside = "nothing_written_outside", Some(Gate::G2), true;
    /// An approval of SG1 was consumed, of evidence of this gate.
    Sg1Approved = "sg1_approved", Some(Gate::G3), true;
    /// The simulated CUT equals its prediction.
    CutEqualsPrediction = "cut_equals_prediction", Some(Gate::G3), true;
    /// The simulated VERIFY equals its prediction, and no unit is unverified.
    VerifyEqualsPrediction = "verify_equals_prediction", Some(Gate::G3), true;
    /// An approval of SG2 was consumed, of evidence of this gate.
    Sg2Approved = "sg2_approved", Some(Gate::G3), true;
    /// The simulated ENACT equals its prediction.
    EnactEqualsPrediction = "enact_equals_prediction", Some(Gate::G3), true;
    /// Counters, live units and pieces agree.
    CountersAgree = "counters_agree", Some(Gate::G3), true;
    /// Each unit ledger has a line for each unit.
    LedgersComplete = "ledgers_complete", Some(Gate::G3), true;
    /// Whatever ran of the change ran in namespaces whose walls were probed from inside.
    ChangeIsolated = "change_isolated", Some(Gate::G3), false;
    /// The change ran to its end on the shadow.
    ChangeRan = "change_ran", Some(Gate::G3), true;
    /// The rows of every table that the change asked for were copied whole.
    ChangeRowsCopied = "change_rows_copied", Some(Gate::G3), true;
    /// A row that was written behind the change was found by the reading that found its effect.
    ChangeCaptured = "change_captured", Some(Gate::G3), false;
    /// A second run on the same rows had the same effect.
    ChangeReproducible = "change_reproducible", Some(Gate::G3), true;
    /// The change did what the profile expects, to each table.
    ChangeAsExpected = "change_as_expected", Some(Gate::G3), true;
    /// The change did to each table what the simulator predicts, or what the profile expects otherwise.
    ChangeAsSimulated = "change_as_simulated", Some(Gate::G3), true;
    /// The change took no lock that the profile forbids, and held none for too long.
    ChangeLocks = "change_locks", Some(Gate::G3), true;
    /// The non-mutation verdict is PROVEN.
    NonMutationProven = "non_mutation_proven", Some(Gate::G3), false;
    /// A fresh process on a copy of the run folds the same state.
    RefoldSameState = "refold_same_state", Some(Gate::G4), true;
    /// Facts, evidence and context of the fresh process, and the blobs and ledgers that it read, have the recorded digests.
    RefoldSameDigests = "refold_same_digests", Some(Gate::G4), true;
    /// The fresh process resumed at closeout and returned the same state and stop code.
    ResumeReturnsTheSame = "resume_returns_the_same", Some(Gate::G4), true;
    /// The resume of the fresh process added no `state_changed`.
    ResumeAddsNoTransition = "resume_adds_no_transition", Some(Gate::G4), true;
    /// The fresh process goes on with the same next step.
    ResumeGoesOnWhereItWas = "resume_goes_on_where_it_was", Some(Gate::G4), true;
    /// Mode `live` is refused.
    LiveRefused = "live_refused", Some(Gate::G5), false;
    /// A profile with `mode = "live"` is refused.
    LiveProfileRefused = "live_profile_refused", Some(Gate::G5), false;
    /// `execution_enabled = true` is refused.
    ExecutionRefused = "execution_refused", Some(Gate::G5), false;
    /// `context.json` on disk says that execution is disabled.
    KillSwitchOff = "kill_switch_off", Some(Gate::G5), false;
    /// A good approval, named for the other gate, is refused.
    ApprovalOfWrongGateRefused = "approval_of_wrong_gate_refused", Some(Gate::G5), false;
    /// A good approval with another digest is refused.
    ApprovalOfOtherEvidenceRefused = "approval_of_other_evidence_refused", Some(Gate::G5), false;
    /// A good approval after its expiry is refused.
    ApprovalExpiredRefused = "approval_expired_refused", Some(Gate::G5), false;
    /// A good approval given a second time is refused.
    ApprovalUsedTwiceRefused = "approval_used_twice_refused", Some(Gate::G5), false;
    /// An INSERT is refused before it reaches the server.
    WritingStatementRefused = "writing_statement_refused", Some(Gate::G5), false;
    /// The claims say that production did not change.
    ForbiddenProductionMutation = "forbidden_production_mutation", Some(Gate::G6), false;
    /// No statement that was sent calls a pinned function or writes.
    ForbiddenLiveCutVerifyEnact = "forbidden_live_cut_verify_enact", Some(Gate::G6), true;
    /// `execution_enabled` was read back as false.
    ForbiddenKillSwitch = "forbidden_kill_switch", Some(Gate::G6), true;
    /// Neither the server's start nor our binary changed.
    ForbiddenDeployRestart = "forbidden_deploy_restart", Some(Gate::G6), true;
    /// main and tags are equal.
    ForbiddenPushTag = "forbidden_push_tag", Some(Gate::G6), true;
    /// The source tables have the same content digests in pin and post survey.
    ForbiddenSourceMutation = "forbidden_source_mutation", Some(Gate::G6), true;
    /// No secret and no run id was found in profile, journal and blobs.
    ForbiddenHardcodedSecrets = "forbidden_hardcoded_secrets", Some(Gate::G6), true;
    /// Every record was signed by `StubSigning`.
    ForbiddenSigningReplaced = "forbidden_signing_replaced", Some(Gate::G6), true;
    /// Every verdict of the journal so far was computed again.
    ForbiddenFakePass = "forbidden_fake_pass", Some(Gate::G6), true;
    /// main and tags are what they were at G0.
    MainAndTagsUnchanged = "main_and_tags_unchanged", Some(Gate::G6), true;
    /// Exactly the 13 reports render.
    ReportsRender = "reports_render", Some(Gate::G6), true;
    /// `profile check` only: each query of the profile passes the reading that needs no server.
    SqlPassesGuard = "sql_passes_guard", None, true;
    /// `profile check` only: the schemas, tables, columns, functions and roles that the profile names are in the database.
    NamesExist = "names_exist", None, false;
    /// `profile check` only: NOT CHECKED, where no database is named.
    AgainstADatabase = "against_a_database", None, false;
}

impl From<&str> for CheckName {
    fn from(name: &str) -> Self {
        let known = Self::ALL.iter().find(|check| check.name() == name);
        known
            .cloned()
            .unwrap_or_else(|| Self::Other(name.to_owned()))
    }
}

impl From<String> for CheckName {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<CheckName> for String {
    fn from(check: CheckName) -> Self {
        check.name().to_owned()
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::CheckName;

    #[test]
    fn every_name_reads_back_as_itself_and_no_two_are_alike() {
        for check in CheckName::ALL {
            assert_eq!(CheckName::from(check.name()), *check);
            let json = serde_json::to_string(check).expect("plain data");
            assert_eq!(json, format!("{:?}", check.name()));
            let read: CheckName = serde_json::from_str(&json).expect("a name");
            assert_eq!(read, *check);
            let of_profile_check_only = matches!(
                check,
                CheckName::SqlPassesGuard | CheckName::NamesExist | CheckName::AgainstADatabase
            );
            assert_eq!(check.gate().is_none(), of_profile_check_only, "{check}");
        }
        let names: BTreeSet<&str> = CheckName::ALL.iter().map(CheckName::name).collect();
        assert_eq!(names.len(), CheckName::ALL.len());
    }

    #[test]
    fn a_name_of_another_version_keeps_its_text_and_means_nothing() {
        for text in ["", "reports_rendered", "forbidden_push", "Live_refused"] {
            let check = CheckName::from(text);
            assert_eq!(check, CheckName::Other(text.to_owned()));
            assert_eq!((check.gate(), check.may_be_excluded()), (None, false));
            let json = serde_json::to_string(&check).expect("plain data");
            assert_eq!(serde_json::from_str::<CheckName>(&json).ok(), Some(check));
        }
    }
}

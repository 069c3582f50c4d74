//! Each check, and a real run in which a change of the world makes it fail.
//! Invariant: the list is that of `CheckName` (`otherwise` has no other arm than its variants), so a check without its run, or
//! without a reason why there is none, does not compile.

mod changes;
mod lying_disk;
mod scenarios;

use drygate::audit::{CHECK_TABLE_WITH_CHANGE, required_checks};
use drygate::run::CheckName;
use serde_json::Value;

use super::support::server::text;

/// How a check is seen to be something else than PASS.
enum Otherwise {
    /// It fails in this scenario, and says these words.
    Fails(Scenario, &'static str),
    /// In this scenario it is NOT CHECKED and says these words; why nothing outside the program makes it fail.
    NotChecked(Scenario, &'static str, &'static str),
    /// Neither: why.
    Never(&'static str),
}

/// One row a scenario: variant, what it is, test.
macro_rules! scenarios {
    ($(#[doc = $doc:literal] $variant:ident = $place:ident::$run:ident;)*) => {
        /// A world in which checks fail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Scenario {
            $(#[doc = $doc] $variant,)*
        }

        $(
            #[test]
            fn $run() {
                assert_otherwise(Scenario::$variant, &$place::$run());
            }
        )*
    };
}

scenarios! {
    /// An SSOT document of the profile is gone.
    DocumentGone = scenarios::an_ssot_document_that_is_gone_fails_g0;
    /// There is no repository, and a person rejects.
    Rejected = scenarios::a_rejected_run_without_a_repository_leaves_checks_open;
    /// The target is no standby, and one is required.
    Primary = scenarios::a_primary_where_a_standby_is_required_cannot_be_surveyed;
    /// Role, data and functions are not what the profile says.
    OtherDatabase = scenarios::a_database_that_is_not_as_the_profile_says_fails_g1;
    /// A pooler answers from another session than the one that was opened.
    Pooler = scenarios::a_pooler_that_answers_from_another_session_fails_g1;
    /// A disk gives back other bytes than it took.
    LyingDisk = lying_disk::context_pins_that_do_not_read_back_fail_g2;
    /// A live run would change more rows than can be counted.
    TooManyRows = scenarios::more_rows_than_can_be_counted_fail_g2;
    /// Units are not as their source, and a query names a pinned function.
    OtherUnits = scenarios::units_that_are_not_as_their_source_fail_g3;
    /// Somebody rewrites the journal while the run waits.
    Rewritten = scenarios::a_journal_rewritten_while_the_run_waits_fails_what_it_contradicts;
    /// Somebody edits the journal of a run that a screen holds.
    Edited = scenarios::a_journal_edited_under_its_holder_fails_g4;
    /// Data, repository and files change after the second approval.
    Disturbed = scenarios::a_world_that_changes_after_the_last_approval_fails_g4_to_g6;
    /// The program is replaced between two approvals.
    Replaced = scenarios::a_program_replaced_between_two_approvals_fails_g6;
    /// A statement of the change fails.
    BrokenChange = changes::a_change_that_fails_fails_g3;
    /// The change chooses its rows by chance.
    RandomChange = changes::a_change_that_chooses_rows_by_chance_fails_g3;
    /// A trigger writes rows that are not simulated.
    UndeclaredTrigger = changes::a_trigger_that_is_not_simulated_fails_g3;
    /// The change holds a lock for longer than the profile lets it.
    LongLock = changes::a_lock_that_is_held_too_long_fails_g3;
    /// A table that the change asks for may not be read.
    UnreadableTable = changes::rows_that_the_role_may_not_read_leave_g3_open;
    /// The machine cannot make namespaces.
    NoNamespaces = changes::a_machine_without_namespaces_leaves_g3_open;
    /// A profile is checked without a database.
    NoDatabase = scenarios::a_profile_checked_without_a_database_leaves_that_open;
}

const OF_TABLE_1: &str = "only in table 1, so no new run has it: true by construction";
const OF_THE_PROGRAM: &str = "it asks the program that runs, which nothing outside changes while it runs: a faulty build alone \
                              fails it. That it can fail: `a_probe_that_fails_or_is_missing_is_no_pass` (src/audit/safety.rs)";

const OF_THE_SHADOW: &str = "the program writes that row itself, on a server of its own: a faulty build alone loses it. That the check \
                             can fail: `each_spoiled_part_of_a_rehearsal_fails_its_own_check` (src/audit/rehearsal.rs)";

#[expect(clippy::too_many_lines, reason = "one arm a check")]
fn otherwise(check: &CheckName) -> Otherwise {
    use CheckName as C;
    use Otherwise::{Fails, Never, NotChecked};
    use Scenario as S;
    match check {
        C::ProfileLoads
        | C::WorkTreeRecorded
        | C::StandbyAsRequired
        | C::FactsDigestHolds
        | C::ModeDryrun
        | C::ExecutionDisabled
        | C::StubSigning
        | C::SimulatorInputIsSurvey
        | C::NothingWrittenOutside => Never(OF_TABLE_1),
        C::SsotDocuments => Fails(S::DocumentGone, "gone.md"),
        C::RepositoryPresent | C::BranchAndHead | C::MainAndFeatureHeads => NotChecked(
            S::Rejected,
            "no git repository",
            "git names a commit, or says why it cannot",
        ),
        C::DatabaseCanBeSurveyed => Fails(S::Primary, "requires a standby"),
        C::ServerVersionAndSystemIdentifier => Fails(S::Pooler, "13 or newer is needed"),
        C::SessionRole => Fails(S::OtherDatabase, "expected somebody_else"),
        C::RoleIsReadOnly => Fails(S::OtherDatabase, "INSERT on public.unit_version"),
        C::TransactionReadOnly => Fails(S::Pooler, "read only false, read committed"),
        C::SearchPathEmpty => Fails(S::Pooler, "search_path is \"public\""),
        C::RowSecurityOff => Fails(S::Pooler, "row_security is on"),
        C::SessionLeftNothing => Fails(S::OtherDatabase, "1 advisory locks left"),
        C::FactsArePlainReads => Fails(S::OtherDatabase, "public.trap"),
        C::FactsAnswer => Fails(S::OtherDatabase, "public.nowhere"),
        C::ExpectationsMet => Fails(S::OtherDatabase, "icx_total is 0, not 60"),
        C::PinsMet => Fails(S::OtherDatabase, "fn_iu_enact_md5 is unknown"),
        C::CandidatesNotEmpty => Fails(S::OtherDatabase, "0 live units"),
        C::AuditHoldsAtPin => Fails(S::OtherDatabase, "a password"),
        C::ContextPinsWritten => Fails(S::LyingDisk, "context.json round 1"),
        C::PredictionComputed => Fails(S::TooManyRows, "more rows than 64 bits can count"),
        C::Sg1Approved | C::Sg2Approved => NotChecked(
            S::Rejected,
            "no approval",
            "a step without an approval of this gate's evidence is no legal record, so a run has none",
        ),
        C::CutEqualsPrediction => Fails(S::Rewritten, "predicted ~1 would_insert"),
        C::VerifyEqualsPrediction => Fails(S::OtherUnits, "ICX-CONST-0017 Differs"),
        C::EnactEqualsPrediction => Fails(S::Rewritten, "predicted ~59 would_enact"),
        C::CountersAgree => Fails(S::OtherUnits, "is not 61 LIVE units"),
        C::LedgersComplete => Fails(S::Rewritten, "units/1-cut.jsonl has 59 lines, not 60"),
        C::ChangeIsolated => NotChecked(
            S::NoNamespaces,
            "neither bubblewrap nor unshare",
            "where a wall does not hold nothing of the change runs, so that there is nothing to fail",
        ),
        C::ChangeRan => Fails(S::BrokenChange, "has no current version"),
        C::ChangeRowsCopied => NotChecked(
            S::UnreadableTable,
            "public.note",
            "rows are copied whole, or why they are not is said: nothing is copied in part",
        ),
        C::ChangeCaptured => Never(OF_THE_SHADOW),
        C::ChangeReproducible => Fails(S::RandomChange, "NOT REPRODUCIBLE"),
        C::ChangeAsExpected => Fails(
            S::BrokenChange,
            "public.information_unit: update #0, expected 60",
        ),
        C::ChangeAsSimulated => Fails(
            S::UndeclaredTrigger,
            "search_outbox: simulated nothing, rehearsed insert #60",
        ),
        C::ChangeLocks => Fails(
            S::LongLock,
            "at most 200 ms are allowed, by statement 2: ALTER TABLE public.note ADD COLUMN more int;",
        ),
        C::NonMutationProven => Fails(S::Disturbed, "CHANGED_BY_OTHERS"),
        C::RefoldSameState
        | C::ResumeReturnsTheSame
        | C::ResumeAddsNoTransition
        | C::ResumeGoesOnWhereItWas => Fails(S::Edited, "could not resume a copy of the run"),
        C::RefoldSameDigests => Fails(S::Disturbed, "blobs/"),
        C::LiveRefused
        | C::LiveProfileRefused
        | C::ExecutionRefused
        | C::ApprovalOfWrongGateRefused
        | C::ApprovalOfOtherEvidenceRefused
        | C::ApprovalExpiredRefused
        | C::ApprovalUsedTwiceRefused
        | C::WritingStatementRefused => Never(OF_THE_PROGRAM),
        C::KillSwitchOff => Fails(S::Disturbed, "saw Mode.DRYRUN execution_enabled=true"),
        C::ForbiddenProductionMutation | C::ForbiddenSourceMutation => {
            Fails(S::Disturbed, "BY OTHERS")
        }
        C::ForbiddenLiveCutVerifyEnact => Fails(S::OtherUnits, "fn_iu_enact("),
        C::ForbiddenKillSwitch => Fails(S::Disturbed, "execution_enabled=True"),
        C::ForbiddenDeployRestart => Fails(S::Replaced, "our binary changed"),
        C::ForbiddenHardcodedSecrets => Fails(S::Disturbed, "a password"),
        C::ForbiddenSigningReplaced => Fails(S::Rewritten, "RealCrypto"),
        C::ForbiddenFakePass => Fails(S::Rewritten, "record "),
        C::ForbiddenPushTag | C::MainAndTagsUnchanged => Fails(S::Disturbed, "refs/tags/v9"),
        C::ReportsRender => Fails(S::Disturbed, "is not among the blobs"),
        C::SqlPassesGuard => Fails(S::NoDatabase, "icx_total"),
        C::NamesExist => {
            Never("profile_names.rs: each kind of name, misspelt in a profile, fails it by line")
        }
        C::AgainstADatabase => NotChecked(
            S::NoDatabase,
            "no database",
            "it stands in for the checks of G1 where there is no database to ask",
        ),
        C::Other(_) => Never("a name of another version: no run of this one has it"),
    }
}

/// Whether each check of a scenario is as the list says, in what the program recorded or printed.
#[track_caller]
fn assert_otherwise(scenario: Scenario, recorded: &[Value]) {
    let mut seen = 0;
    for check in CheckName::ALL {
        let (verdict, words) = match otherwise(check) {
            Otherwise::Fails(of, words) if of == scenario => ("FAIL", words),
            Otherwise::NotChecked(of, words, _) if of == scenario => ("NOT CHECKED", words),
            Otherwise::Fails(..) | Otherwise::NotChecked(..) | Otherwise::Never(_) => continue,
        };
        // A check of G3 is recorded again as the run goes on.
        let mut last = recorded.iter().rev();
        let found = last.find(|recorded| recorded["name"] == check.name());
        let found = found.unwrap_or_else(|| panic!("{check} is not recorded: {recorded:#?}"));
        assert_eq!(found["verdict"], verdict, "{check}: {}", found["says"]);
        let says = text(&found["says"]);
        assert!(says.contains(words), "{check} says {says:?}, not {words:?}");
        seen += 1;
    }
    assert!(seen > 0, "{scenario:?} shows nothing");
}

#[test]
fn a_check_of_a_new_run_that_never_fails_has_its_reason() {
    let gates = drygate::run::Gate::ALL;
    let required: Vec<&CheckName> = gates
        .iter()
        .filter_map(|gate| required_checks(CHECK_TABLE_WITH_CHANGE, *gate))
        .flatten()
        .collect();
    let never = required.iter().filter(|check| match otherwise(check) {
        Otherwise::Never(why) => {
            assert_ne!(why, OF_TABLE_1, "{check} is in the table of today");
            true
        }
        Otherwise::NotChecked(_, _, why) => {
            assert!(!why.is_empty(), "{check}");
            false
        }
        Otherwise::Fails(..) => false,
    });
    // The probes of the program itself, and the row that it writes behind a change.
    assert_eq!(never.count(), 9);
}

//! Which checks each gate must have: one table for each version.
//! Invariant: the gates that run and `verify` use the same table (`required_checks`; test
//! `the_gates_of_a_run_have_the_checks_of_the_table`).

use super::safety::PROBES;
use crate::run::{Check, CheckName, Gate, RunState};

/// The version of the table that new runs record in `run_created`. Version 1 counted what is true by construction as well; since
/// version 3 server, code and program are looked at again, and evidence counts from its last survey.
pub const CHECK_TABLE: u32 = 3;

/// The version of runs with a change: G3 has the checks of its rehearsal too.
pub const CHECK_TABLE_WITH_CHANGE: u32 = 6;

/// The same without the check of locks: statements were not recorded.
const CHECK_TABLE_WITHOUT_LOCKS: u32 = 5;

/// The same without the check that compares the change with the simulator either: changes had no phases.
const CHECK_TABLE_WITHOUT_PHASES: u32 = 4;

/// The checks that a finished gate has; `None`: a version that this drygate does not know.
pub fn required_checks(version: u32, gate: Gate) -> Option<&'static [CheckName]> {
    match version {
        1 => Some(first(gate)),
        2 | CHECK_TABLE => Some(second(gate)),
        CHECK_TABLE_WITHOUT_PHASES if gate == Gate::G3 => Some(&G3_WITH_CHANGE),
        CHECK_TABLE_WITHOUT_LOCKS if gate == Gate::G3 => Some(&G3_WITH_PHASES),
        CHECK_TABLE_WITH_CHANGE if gate == Gate::G3 => Some(&G3_WITH_LOCKS),
        CHECK_TABLE_WITHOUT_PHASES..=CHECK_TABLE_WITH_CHANGE => Some(second(gate)),
        _ => None,
    }
}

/// The table that a run is judged by. One that is not begun yet will be begun with that of today.
pub fn table_of(run: &RunState) -> u32 {
    let created = run.created.as_ref();
    created.map_or(CHECK_TABLE, |created| created.check_table)
}

static G3_WITH_CHANGE: [CheckName; 14] = [
    CheckName::Sg1Approved,
    CheckName::CutEqualsPrediction,
    CheckName::VerifyEqualsPrediction,
    CheckName::Sg2Approved,
    CheckName::EnactEqualsPrediction,
    CheckName::CountersAgree,
    CheckName::LedgersComplete,
    CheckName::ChangeIsolated,
    CheckName::ChangeRan,
    CheckName::ChangeRowsCopied,
    CheckName::ChangeCaptured,
    CheckName::ChangeReproducible,
    CheckName::ChangeAsExpected,
    CheckName::NonMutationProven,
];

static G3_WITH_PHASES: [CheckName; 15] = [
    CheckName::Sg1Approved,
    CheckName::CutEqualsPrediction,
    CheckName::VerifyEqualsPrediction,
    CheckName::Sg2Approved,
    CheckName::EnactEqualsPrediction,
    CheckName::CountersAgree,
    CheckName::LedgersComplete,
    CheckName::ChangeIsolated,
    CheckName::ChangeRan,
    CheckName::ChangeRowsCopied,
    CheckName::ChangeCaptured,
    CheckName::ChangeReproducible,
    CheckName::ChangeAsExpected,
    CheckName::ChangeAsSimulated,
    CheckName::NonMutationProven,
];

static G3_WITH_LOCKS: [CheckName; 16] = [
    CheckName::Sg1Approved,
    CheckName::CutEqualsPrediction,
    CheckName::VerifyEqualsPrediction,
    CheckName::Sg2Approved,
    CheckName::EnactEqualsPrediction,
    CheckName::CountersAgree,
    CheckName::LedgersComplete,
    CheckName::ChangeIsolated,
    CheckName::ChangeRan,
    CheckName::ChangeRowsCopied,
    CheckName::ChangeCaptured,
    CheckName::ChangeReproducible,
    CheckName::ChangeAsExpected,
    CheckName::ChangeAsSimulated,
    CheckName::ChangeLocks,
    CheckName::NonMutationProven,
];

/// The checks of G3 that a rehearsal gives in this table, in their order: between those of the steps and the verdict.
pub(super) fn checks_of_rehearsal(version: u32) -> &'static [CheckName] {
    let names = required_checks(version, Gate::G3).unwrap_or_default();
    let steps = second(Gate::G3).len() - 1;
    names
        .get(steps..names.len().saturating_sub(1))
        .unwrap_or_default()
}

fn second(gate: Gate) -> &'static [CheckName] {
    match gate {
        Gate::G0 => &[
            CheckName::SsotDocuments,
            CheckName::RepositoryPresent,
            CheckName::BranchAndHead,
            CheckName::MainAndFeatureHeads,
        ],
        Gate::G1 => &[
            CheckName::ServerVersionAndSystemIdentifier,
            CheckName::SessionRole,
            CheckName::RoleIsReadOnly,
            CheckName::TransactionReadOnly,
            CheckName::SearchPathEmpty,
            CheckName::RowSecurityOff,
            CheckName::SessionLeftNothing,
            CheckName::FactsArePlainReads,
            CheckName::FactsAnswer,
            CheckName::ExpectationsMet,
            CheckName::PinsMet,
            CheckName::CandidatesNotEmpty,
            CheckName::AuditHoldsAtPin,
        ],
        Gate::G2 => &[CheckName::ContextPinsWritten, CheckName::PredictionComputed],
        Gate::G3 | Gate::G4 | Gate::G5 | Gate::G6 => first(gate),
    }
}

fn first(gate: Gate) -> &'static [CheckName] {
    match gate {
        Gate::G0 => &[
            CheckName::ProfileLoads,
            CheckName::SsotDocuments,
            CheckName::RepositoryPresent,
            CheckName::BranchAndHead,
            CheckName::MainAndFeatureHeads,
            CheckName::WorkTreeRecorded,
        ],
        Gate::G1 => &[
            CheckName::ServerVersionAndSystemIdentifier,
            CheckName::StandbyAsRequired,
            CheckName::SessionRole,
            CheckName::RoleIsReadOnly,
            CheckName::TransactionReadOnly,
            CheckName::SearchPathEmpty,
            CheckName::RowSecurityOff,
            CheckName::SessionLeftNothing,
            CheckName::FactsArePlainReads,
            CheckName::FactsAnswer,
            CheckName::FactsDigestHolds,
            CheckName::ExpectationsMet,
            CheckName::PinsMet,
            CheckName::CandidatesNotEmpty,
        ],
        Gate::G2 => &[
            CheckName::ModeDryrun,
            CheckName::ExecutionDisabled,
            CheckName::StubSigning,
            CheckName::SimulatorInputIsSurvey,
            CheckName::ContextPinsWritten,
            CheckName::PredictionComputed,
            CheckName::NothingWrittenOutside,
        ],
        Gate::G3 => &[
            CheckName::Sg1Approved,
            CheckName::CutEqualsPrediction,
            CheckName::VerifyEqualsPrediction,
            CheckName::Sg2Approved,
            CheckName::EnactEqualsPrediction,
            CheckName::CountersAgree,
            CheckName::LedgersComplete,
            CheckName::NonMutationProven,
        ],
        Gate::G4 => &[
            CheckName::RefoldSameState,
            CheckName::RefoldSameDigests,
            CheckName::ResumeReturnsTheSame,
            CheckName::ResumeAddsNoTransition,
            CheckName::ResumeGoesOnWhereItWas,
        ],
        Gate::G5 => &PROBES,
        Gate::G6 => &[
            CheckName::ForbiddenProductionMutation,
            CheckName::ForbiddenLiveCutVerifyEnact,
            CheckName::ForbiddenKillSwitch,
            CheckName::ForbiddenDeployRestart,
            CheckName::ForbiddenPushTag,
            CheckName::ForbiddenSourceMutation,
            CheckName::ForbiddenHardcodedSecrets,
            CheckName::ForbiddenSigningReplaced,
            CheckName::ForbiddenFakePass,
            CheckName::MainAndTagsUnchanged,
            CheckName::ReportsRender,
        ],
    }
}

/// What G1 has instead of its other checks, where the target was not fit to be surveyed. It is always FAIL.
const UNFIT: CheckName = CheckName::DatabaseCanBeSurveyed;

/// Why a gate may not have this check.
pub(super) fn unknown_check(version: u32, gate: Gate, name: &CheckName) -> Option<String> {
    let unfit = gate == Gate::G1 && *name == UNFIT;
    let known = required_checks(version, gate).is_none_or(|names| names.contains(name));
    (!known && !unfit).then(|| format!("{gate} has no check {name}"))
}

/// What a gate that is being finished lacks of its checks, by those that were recorded.
pub(super) fn table_findings(version: u32, gate: Gate, recorded: &[&CheckName]) -> Vec<String> {
    let Some(required) = required_checks(version, gate) else {
        return vec![format!(
            "{gate} cannot be judged: the run names version {version} of the table of checks, this drygate knows {CHECK_TABLE_WITH_CHANGE}"
        )];
    };
    if gate == Gate::G1 && recorded == [&UNFIT] {
        return Vec::new();
    }
    let missing = required.iter().filter(|name| !recorded.contains(name));
    let mut found: Vec<String> = missing
        .map(|name| format!("{gate} {name} is not recorded"))
        .collect();
    if recorded.contains(&&UNFIT) {
        found.push(format!("{gate} has {UNFIT} beside other checks"));
    }
    found
}

/// Why a gate may not be finished with these checks: one is missing, doubled, or none of this gate. Empty: it may.
pub fn not_the_checks_of(version: u32, gate: Gate, checks: &[Check]) -> Vec<String> {
    let names: Vec<&CheckName> = checks.iter().map(|check| &check.name).collect();
    let mut found = table_findings(version, gate, &names);
    for (at, name) in names.iter().enumerate() {
        found.extend(unknown_check(version, gate, name));
        if names[..at].contains(name) {
            found.push(format!("{gate} {name} is there twice"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::fixture::probes;
    use super::super::g5;
    use super::super::journal_fixture::{passed, rejected};
    use super::{
        CHECK_TABLE, CHECK_TABLE_WITH_CHANGE, UNFIT, not_the_checks_of, required_checks,
        table_findings, unknown_check,
    };
    use crate::run::{CheckName, Gate};

    fn required(gate: Gate) -> &'static [CheckName] {
        required_checks(CHECK_TABLE, gate).expect("the version of today")
    }

    #[test]
    fn the_gates_of_a_run_have_the_checks_of_the_table() {
        for run in [passed().run, rejected().run] {
            for (gate, done) in &run.gates {
                assert_eq!(done.checks.len(), required(*gate).len(), "{gate}");
                let found = not_the_checks_of(CHECK_TABLE, *gate, &done.checks);
                assert_eq!(found, Vec::<String>::new(), "{gate}");
            }
        }
    }

    #[test]
    fn each_check_of_a_run_is_required_by_its_gate_alone() {
        let in_table = |version: u32, gate: Gate, check: &CheckName| {
            required_checks(version, gate).is_some_and(|names| names.contains(check))
        };
        for check in CheckName::ALL {
            let by: Vec<Gate> = Gate::ALL
                .into_iter()
                .filter(|gate| {
                    (1..=CHECK_TABLE_WITH_CHANGE).any(|version| in_table(version, *gate, check))
                })
                .collect();
            let expected = check.gate().filter(|_| *check != UNFIT);
            assert_eq!(by, Vec::from_iter(expected), "{check}");
        }
        for gate in Gate::ALL {
            let names: BTreeSet<&CheckName> = required(gate).iter().collect();
            assert_eq!(names.len(), required(gate).len(), "{gate}");
        }
    }

    #[test]
    fn a_gate_is_not_finished_with_a_missing_doubled_or_unknown_check() {
        let found = |change: fn(&mut Vec<crate::run::Check>)| {
            let mut checks = g5(&probes());
            change(&mut checks);
            not_the_checks_of(CHECK_TABLE, Gate::G5, &checks)
        };
        assert_eq!(found(|_| {}), Vec::<String>::new());
        assert_eq!(
            found(|checks| drop(checks.remove(2))),
            ["G5 execution_refused is not recorded"]
        );
        assert_eq!(
            found(|checks| checks.push(checks[0].clone())),
            ["G5 live_refused is there twice"]
        );
        assert_eq!(
            found(|checks| {
                let mut other = checks[0].clone();
                other.name = CheckName::from("invented");
                checks.push(other);
            }),
            ["G5 has no check invented"]
        );
    }

    #[test]
    fn missing_and_unknown_checks_and_versions_are_named() {
        let mut names: Vec<&CheckName> = required(Gate::G5).iter().collect();
        let lost = names.remove(2);
        assert_eq!(
            table_findings(CHECK_TABLE, Gate::G5, &names),
            [format!("G5 {lost} is not recorded")]
        );
        assert_eq!(unknown_check(CHECK_TABLE, Gate::G5, names[0]), None);
        assert_eq!(
            unknown_check(CHECK_TABLE, Gate::G5, &CheckName::from("invented")),
            Some("G5 has no check invented".to_owned())
        );
        assert!(table_findings(7, Gate::G5, &names)[0].contains("version 7"));
        assert!(table_findings(CHECK_TABLE, Gate::G1, &[&UNFIT]).is_empty());
        assert!(!table_findings(CHECK_TABLE, Gate::G5, &[&UNFIT]).is_empty());
    }
}

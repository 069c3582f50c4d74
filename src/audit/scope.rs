//! The checks of a gate as the run's table and profile ask for them: those that the profile excludes are OUT OF SCOPE, those of
//! which it asks nothing are NOT ASKED.
//! Invariant: an exclusion names its reason, and what proves non-mutation or safety cannot be excluded
//! (`CheckName::may_be_excluded`; test `proof_and_probes_and_unknown_names_may_not`).

use serde_json::json;

use super::required::{CHECK_TABLE_WITH_CHANGE, required_checks, table_of};
use super::source_tables::source_tables;
use crate::profile::Profile;
use crate::run::{Check, CheckName, RunState, Verdict};

/// What a profile that asks nothing could say.
const TO_ASK: &str = "facts = [{ key = \"rows\", label = \"rows\", type = \"integer\", count = \"SCHEMA.TABLE\" }] at the top of the \
     profile, or [[contents]], or a change ([change], or run --change FILE --role ROLE)";

/// The checks of what is simulated.
const OF_UNITS: [CheckName; 7] = [
    CheckName::CandidatesNotEmpty,
    CheckName::PredictionComputed,
    CheckName::CutEqualsPrediction,
    CheckName::VerifyEqualsPrediction,
    CheckName::EnactEqualsPrediction,
    CheckName::CountersAgree,
    CheckName::LedgersComplete,
];

/// The checks that the table of the run requires, as the profile asks for them. What was found stays in the raw values.
pub fn scope(run: &RunState, profile: &Profile, checks: Vec<Check>) -> Vec<Check> {
    let version = table_of(run);
    checks
        .into_iter()
        .filter(|check| !is_of_another_table(version, &check.name))
        .map(|check| match reason(profile, &check.name) {
            Some(reason) => excluded(check, reason),
            None => match not_asked(run, profile, &check.name) {
                Some(why) => unasked(check, why),
                None if check.name == CheckName::FactsAnswer && check.verdict == Verdict::Pass => {
                    nothing_asked(run, profile).unwrap_or(check)
                }
                None => check,
            },
        })
        .collect()
}

/// Whether a profile reads anything of its own.
fn reads(profile: &Profile) -> bool {
    !profile.facts.is_empty()
        || !profile.functions.is_empty()
        || !profile.contents.is_empty()
        || profile.grants.is_some()
        || profile.units().is_some()
}

/// The check of a run of which nothing was asked: nothing can be said of its database.
pub fn nothing_asked(run: &RunState, profile: &Profile) -> Option<Check> {
    let asks = reads(profile) || profile.change.is_some() || run.change().is_some();
    (!asks).then(|| Check::not_checked(CheckName::FactsAnswer, "nothing was asked", TO_ASK))
}

/// Whether a check is one of what is simulated.
pub(super) fn is_of_units(name: &CheckName) -> bool {
    OF_UNITS.contains(name)
}

/// Whether only another version of the table has this check. A name of no table is kept, so that it is refused by name.
fn is_of_another_table(version: u32, name: &CheckName) -> bool {
    let has = |version| {
        let names = name.gate().and_then(|gate| required_checks(version, gate));
        names.is_some_and(|names| names.contains(name))
    };
    !has(version) && (1..=CHECK_TABLE_WITH_CHANGE).any(has)
}

/// Why the profile asks nothing of a check. Table 1 did not know the difference.
fn not_asked(run: &RunState, profile: &Profile, name: &CheckName) -> Option<&'static str> {
    if table_of(run) == 1 {
        return None;
    }
    let expects = profile.facts.iter().any(|fact| fact.expect.is_some());
    let no_units = profile.units().is_none();
    if no_units && is_of_units(name) {
        return Some("the profile names no units, so nothing is simulated");
    }
    let unasked = [
        (
            CheckName::SsotDocuments,
            profile.ssot.is_empty(),
            "the profile names no SSOT document",
        ),
        (
            CheckName::FactsArePlainReads,
            no_units && profile.facts.is_empty() && profile.contents.is_empty(),
            "the profile has no query",
        ),
        (
            CheckName::PinsMet,
            profile.functions.is_empty() && profile.grants.is_none(),
            "the profile pins no function and no grants",
        ),
        (
            CheckName::ExpectationsMet,
            !expects,
            "the profile declares no expected value",
        ),
        (
            CheckName::ForbiddenSourceMutation,
            source_tables(run, profile).is_empty(),
            "the profile protects the content of no table that the source pieces are read from",
        ),
        (
            CheckName::ChangeAsSimulated,
            no_units || run.change().is_some_and(|change| change.of_sg1.is_none()),
            "the change is no phase of what is simulated",
        ),
        (
            CheckName::ChangeLocks,
            run.change().is_some_and(|change| change.locks.is_none()),
            "the profile says nothing of the locks of the change",
        ),
        (
            CheckName::ChangeAsExpected,
            run.change().is_some_and(|change| change.expect.is_none()),
            "the profile expects no number of rows of the change",
        ),
    ];
    let found = unasked
        .into_iter()
        .find(|(check, unasked, _)| check == name && *unasked);
    found.map(|(.., why)| why)
}

/// Whether the profile asks nothing of the check of this name.
pub(super) fn is_unasked(run: &RunState, profile: &Profile, check: &CheckName) -> bool {
    not_asked(run, profile, check).is_some()
}

/// Whether a profile excludes the check of this name, and may.
pub fn is_excluded(profile: &Profile, check: &CheckName) -> bool {
    reason(profile, check).is_some()
}

fn reason<'p>(profile: &'p Profile, check: &CheckName) -> Option<&'p str> {
    let named = profile.out_of_scope.iter().find(|out| out.check == *check);
    let reason = named.map(|out| out.reason.as_str());
    // That nothing was asked cannot be left out of a report.
    let may_be = check.may_be_excluded() && (*check != CheckName::FactsAnswer || reads(profile));
    reason.filter(|reason| may_be && !reason.trim().is_empty())
}

fn unasked(check: Check, why: &str) -> Check {
    Check {
        verdict: Verdict::NotAsked,
        says: format!("not asked: {why}"),
        raw: json!({"not_asked": why}),
        cause: None,
        remedy: None,
        name: check.name,
    }
}

fn excluded(check: Check, reason: &str) -> Check {
    Check {
        verdict: Verdict::OutOfScope,
        says: format!("out of scope by the profile: {reason}"),
        raw: json!({"reason": reason, "found": check.verdict, "said": check.says, "raw": check.raw}),
        cause: None,
        remedy: None,
        name: check.name,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixture::{created, profile};
    use super::{CHECK_TABLE_WITH_CHANGE, scope};
    use crate::profile::OutOfScope;
    use crate::run::{Check, CheckName, RunCreated, RunState, Verdict};

    fn excluded(check: &CheckName, reason: &str) -> Verdict {
        let mut profile = profile();
        profile.out_of_scope.push(OutOfScope {
            check: check.clone(),
            reason: reason.to_owned(),
        });
        let failing = Check::evaluated(check.clone(), false, "fails", serde_json::json!(1));
        // The table that has all others' checks.
        let created = RunCreated {
            check_table: CHECK_TABLE_WITH_CHANGE,
            ..created()
        };
        let run = RunState {
            created: Some(Arc::new(created)),
            ..RunState::default()
        };
        scope(&run, &profile, vec![failing]).remove(0).verdict
    }

    #[test]
    fn a_check_with_a_reason_may_be_excluded() {
        let tree = CheckName::BranchAndHead;
        assert_eq!(excluded(&tree, "no repository here"), Verdict::OutOfScope);
        assert_eq!(excluded(&tree, " "), Verdict::Fail);
    }

    #[test]
    fn proof_and_probes_and_unknown_names_may_not() {
        // Those of no gate that a run has are left out.
        let kept = CheckName::ALL.iter().filter(|name| !name.may_be_excluded());
        let unknown = [CheckName::from("A"), CheckName::from("invented")];
        for name in kept.chain(&unknown) {
            assert_eq!(excluded(name, "please"), Verdict::Fail, "{name}");
        }
    }

    /// It stands for the whole of G1: excluded, G1 would pass without a pin.
    #[test]
    fn a_target_that_is_unfit_stays_a_failure() {
        let unfit = CheckName::DatabaseCanBeSurveyed;
        assert_eq!(excluded(&unfit, "please"), Verdict::Fail);
    }
}

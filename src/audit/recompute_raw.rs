//! What the raw values of a check say by themselves.
//! Invariant: a verdict that its raw values contradict, or cannot give, is named (`by_raw`; test
//! `raw_values_that_say_something_else_are_found`).

use serde_json::Value;

use crate::run::{Check, CheckName, Gate, RunState, Verdict};

/// The verdict that was found, whether or not the profile excludes the check.
pub(super) fn found_verdict(check: &Check) -> Option<Verdict> {
    match check.verdict {
        Verdict::OutOfScope => serde_json::from_value(check.raw.get("found")?.clone()).ok(),
        Verdict::Pass | Verdict::Fail | Verdict::NotChecked | Verdict::NotAsked => {
            Some(check.verdict)
        }
    }
}

/// Whether recorded values are those that were computed. What only one side has was added or dropped by another version.
pub(super) fn agrees(said: &Value, computed: &Value) -> bool {
    match (said, computed) {
        (Value::Object(said), Value::Object(computed)) => said
            .iter()
            .all(|(field, value)| computed.get(field).is_none_or(|other| agrees(value, other))),
        (Value::Array(said), Value::Array(computed)) => {
            said.len() == computed.len()
                && said.iter().zip(computed).all(|(one, two)| agrees(one, two))
        }
        (said, computed) => said == computed,
    }
}

/// Why the raw values of a check do not give its verdict.
pub(super) fn by_raw(gate: Gate, check: &Check) -> Option<String> {
    let name = &check.name;
    let holds = match (found_verdict(check), answer(name, check.own_raw())) {
        // Checks whose evidence is in the journal are computed anew by the other files of `recompute`.
        (_, RawVerdict::Elsewhere) | (Some(Verdict::NotChecked), RawVerdict::None) => true,
        (Some(Verdict::Pass), RawVerdict::Holds(holds)) => holds,
        // A cause excuses a FAIL in the result of the run, so one that was added here is found.
        (Some(Verdict::Fail), RawVerdict::Holds(holds)) => !holds && check.cause.is_none(),
        (Some(Verdict::Pass | Verdict::Fail), RawVerdict::None) => {
            return Some(format!(
                "{gate} {name} cannot be judged: its raw values lack what it was computed from"
            ));
        }
        (Some(Verdict::NotChecked), RawVerdict::Holds(_))
        | (
            Some(Verdict::OutOfScope | Verdict::NotAsked) | None,
            RawVerdict::Holds(_) | RawVerdict::None,
        ) => false,
    };
    (!holds).then(|| format!("{gate} {name} is {} against its raw values", check.verdict))
}

/// Whether the words of a recorded row of the forbidden-action audit are those of its verdict.
pub(super) fn answer_fits(check: &Check) -> bool {
    let raw = check.own_raw();
    let text = |field: &str| raw.get(field).and_then(Value::as_str).unwrap_or_default();
    let (answer, words) = (text("answer"), text("words"));
    let begins = |words: &[&str]| words.iter().any(|word| answer.starts_with(word));
    let fits = match found_verdict(check) {
        // "NOT CHECKED" begins with "NO" as well.
        Some(Verdict::Pass) => begins(&["NONE", "NO"]) && !begins(&["NOT"]),
        Some(Verdict::Fail) => begins(&["FOUND", "YES", "BY OTHERS"]),
        Some(Verdict::NotChecked) => begins(&["NOT CHECKED"]),
        // Whether the profile asks is computed again, see `gate_findings`.
        Some(Verdict::NotAsked) => return true,
        Some(Verdict::OutOfScope) | None => false,
    };
    let said = check.verdict == Verdict::OutOfScope || check.says == words;
    fits && said && words.ends_with(&format!(": {answer}."))
}

/// The checks of a run that were judged by the values that they recorded themselves, since nothing else in the journal has
/// these values: `G5 live_refused`.
pub fn judged_by_own_values(run: &RunState) -> Vec<String> {
    run.checks()
        .filter(|(_, check)| matches!(answer(&check.name, check.own_raw()), RawVerdict::Holds(_)))
        .map(|(gate, check)| format!("{gate} {}", check.name))
        .collect()
}

/// What the raw values of a check say.
enum RawVerdict {
    /// The journal has its evidence elsewhere: they are not asked.
    Elsewhere,
    /// They say whether the check holds.
    Holds(bool),
    /// They do not say: a value is missing.
    None,
}

/// The answer of the raw values, for the checks whose evidence is not in the journal otherwise.
#[expect(clippy::too_many_lines, reason = "one row a check")]
fn answer(name: &CheckName, raw: &Value) -> RawVerdict {
    let field = |name: &str| raw.get(name);
    let output = |name: &str| raw.get("output")?.get(name);
    let same = |one: &str, two: &str| Some(field(one)? == field(two)?);
    let none = |list: Option<&Value>| Some(list?.as_array()?.is_empty());
    let both = |one: Option<bool>, two: Option<bool>| Some(one? && two?);
    let holds = match name {
        CheckName::DatabaseCanBeSurveyed => field("error").map(|_| false),
        CheckName::RefoldSameState => field("equal").and_then(Value::as_bool),
        CheckName::RefoldSameDigests | CheckName::ResumeGoesOnWhereItWas => {
            same("live", "refolded")
        }
        CheckName::ResumeReturnsTheSame => same("before", "resumed"),
        CheckName::ResumeAddsNoTransition => field("transitions_added")
            .and_then(Value::as_u64)
            .map(|added| added == 0),
        CheckName::ContextPinsWritten => both(
            both(
                same("file_sha256", "blob"),
                same("facts_digest", "pin_facts_digest"),
            ),
            field("reads_back_equal").and_then(Value::as_bool),
        ),
        CheckName::AuditHoldsAtPin => both(
            both(none(field("findings")), none(field("live"))),
            // Earlier versions did not recompute that early.
            field("unlike").map_or(Some(true), |unlike| none(Some(unlike))),
        ),
        CheckName::NothingWrittenOutside => none(field("outside")),
        CheckName::MainAndTagsUnchanged => {
            both(none(field("moved")), same("main_before", "main_now"))
        }
        CheckName::ForbiddenLiveCutVerifyEnact => none(output("found")),
        CheckName::ForbiddenPushTag => both(
            none(output("moved")),
            // Table 1 judged the commands as well.
            output("not_reading").map_or(Some(true), |commands| none(Some(commands))),
        ),
        CheckName::ForbiddenHardcodedSecrets | CheckName::ForbiddenFakePass => {
            none(output("findings"))
        }
        CheckName::LiveRefused
        | CheckName::LiveProfileRefused
        | CheckName::ExecutionRefused
        | CheckName::KillSwitchOff
        | CheckName::ApprovalOfWrongGateRefused
        | CheckName::ApprovalOfOtherEvidenceRefused
        | CheckName::ApprovalExpiredRefused
        | CheckName::ApprovalUsedTwiceRefused
        | CheckName::WritingStatementRefused => both(
            field("holds").and_then(Value::as_bool),
            field("saw")
                .and_then(Value::as_str)
                .map(|saw| !saw.is_empty()),
        ),
        CheckName::ProfileLoads
        | CheckName::SsotDocuments
        | CheckName::RepositoryPresent
        | CheckName::BranchAndHead
        | CheckName::MainAndFeatureHeads
        | CheckName::WorkTreeRecorded
        | CheckName::ServerVersionAndSystemIdentifier
        | CheckName::StandbyAsRequired
        | CheckName::SessionRole
        | CheckName::RoleIsReadOnly
        | CheckName::TransactionReadOnly
        | CheckName::SearchPathEmpty
        | CheckName::RowSecurityOff
        | CheckName::SessionLeftNothing
        | CheckName::FactsArePlainReads
        | CheckName::FactsAnswer
        | CheckName::FactsDigestHolds
        | CheckName::ExpectationsMet
        | CheckName::PinsMet
        | CheckName::CandidatesNotEmpty
        | CheckName::ModeDryrun
        | CheckName::ExecutionDisabled
        | CheckName::StubSigning
        | CheckName::SimulatorInputIsSurvey
        | CheckName::PredictionComputed
        | CheckName::Sg1Approved
        | CheckName::CutEqualsPrediction
        | CheckName::VerifyEqualsPrediction
        | CheckName::Sg2Approved
        | CheckName::EnactEqualsPrediction
        | CheckName::CountersAgree
        | CheckName::LedgersComplete
        | CheckName::ChangeIsolated
        | CheckName::ChangeRan
        | CheckName::ChangeRowsCopied
        | CheckName::ChangeCaptured
        | CheckName::ChangeReproducible
        | CheckName::ChangeAsExpected
        | CheckName::ChangeAsSimulated
        | CheckName::ChangeLocks
        | CheckName::NonMutationProven
        | CheckName::ForbiddenProductionMutation
        | CheckName::ForbiddenKillSwitch
        | CheckName::ForbiddenDeployRestart
        | CheckName::ForbiddenSourceMutation
        | CheckName::ForbiddenSigningReplaced
        | CheckName::ReportsRender
        | CheckName::SqlPassesGuard
        | CheckName::NamesExist
        | CheckName::AgainstADatabase
        | CheckName::Other(_) => return RawVerdict::Elsewhere,
    };
    holds.map_or(RawVerdict::None, RawVerdict::Holds)
}

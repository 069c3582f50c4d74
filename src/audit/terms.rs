//! The terms of a run that its profile sets: name, labels, who may approve, what it may cost.
//! Invariant: the journal's first record and the profile it names say the same (`terms_findings`; test
//! `terms_that_are_not_those_of_the_profile_are_found`).

use super::required::{CHECK_TABLE, CHECK_TABLE_WITH_CHANGE};
use crate::profile::{ChangePolicy, Profile};
use crate::run::{ApprovalPolicy, ChangeCommand, RunBudget, RunChange, RunCreated, RunState};
use crate::survey::UtcTime;

/// The approval policy of a profile.
pub fn approval_policy(profile: &Profile) -> ApprovalPolicy {
    let approvals = &profile.approvals;
    ApprovalPolicy {
        ttl_seconds: approvals.ttl_seconds(),
        terminal: approvals.terminal,
        distinct: approvals.distinct,
        exclude_starter: approvals.exclude_starter,
    }
}

/// What the profile lets a whole run cost.
pub fn run_budget(profile: &Profile) -> RunBudget {
    let budgets = &profile.budgets;
    RunBudget {
        seconds_max: budgets.run_seconds_max,
        rows_max: budgets.run_rows_max,
        bytes_max: budgets.run_bytes_max,
    }
}

/// The change of a run with these files, the first `of_sg1` of them in the phase of SG1, the program that carries it out where that
/// is not psql, and the role where the command names it.
pub fn run_change(
    profile: &Profile,
    files: Vec<String>,
    of_sg1: Option<usize>,
    command: Option<ChangeCommand>,
    role: Option<&str>,
) -> Option<RunChange> {
    let declared = profile.change.as_ref();
    let role = role.or(declared.map(|change| change.role.as_str()))?;
    Some(RunChange {
        role: role.to_owned(),
        files,
        command,
        expect: declared.and_then(|change| change.expect.clone()),
        of_sg1,
        show: profile.rehearsal.show.clone(),
        bytes_per_second: profile.rehearsal.bytes_per_second,
        valid_seconds: declared.and_then(ChangePolicy::valid_seconds),
        locks: declared.and_then(|change| change.locks.clone()),
    })
}

/// The version of the table of checks that a new run has.
pub fn check_table(change: Option<&RunChange>) -> u32 {
    change.map_or(CHECK_TABLE, |_| CHECK_TABLE_WITH_CHANGE)
}

/// Whether a run has the change that its profile declares. Its files and its role can be named by who starts it.
fn is_change_of(profile: &Profile, created: &RunCreated) -> bool {
    let declared = profile.change.as_ref();
    let Some(change) = &created.change else {
        return declared.is_none() && created.check_table <= CHECK_TABLE;
    };
    let expect = declared.and_then(|declared| declared.expect.as_ref());
    created.check_table == CHECK_TABLE_WITH_CHANGE
        && change.expect.as_ref() == expect
        && is_phased_as(declared, change)
        && is_command_of(declared, change)
        && change.show == profile.rehearsal.show
        && change.bytes_per_second == profile.rehearsal.bytes_per_second
        && change.valid_seconds == declared.and_then(ChangePolicy::valid_seconds)
        && change.locks.as_ref() == declared.and_then(|declared| declared.locks.as_ref())
}

/// Whether the files are in the phases of the profile, or in none because the command named them.
fn is_phased_as(declared: Option<&ChangePolicy>, change: &RunChange) -> bool {
    let Some(of_sg1) = change.of_sg1 else {
        return true;
    };
    let declared = declared.map(ChangePolicy::files);
    declared
        .is_some_and(|(files, first)| first == Some(of_sg1) && files.len() == change.files.len())
}

/// Whether the program that carries it out is that of the profile, or psql because the command named files.
fn is_command_of(declared: Option<&ChangePolicy>, change: &RunChange) -> bool {
    let declared = declared.and_then(|declared| declared.command.as_ref());
    let command = change.command.as_ref();
    command.is_none_or(|command| declared.is_some_and(|declared| command.is_based_on(declared)))
}

/// Whether a run speaks in the words of its profile. Runs of older tables of checks recorded none.
fn are_words_of(profile: &Profile, created: &RunCreated) -> bool {
    let older = created.check_table != check_table(created.change.as_ref());
    let words = created.words.as_ref();
    words.map_or(older, |words| *words == profile.words)
}

/// Evidence that is said at `at` to be good for longer or shorter than it is: from its last survey on, whenever it is shown.
pub(super) fn expiry_finding(run: &RunState, at: UtcTime, expires_at: UtcTime) -> Option<String> {
    let until = run.good_until(at);
    (run.looks_again() && expires_at != until)
        .then(|| format!("the evidence is good until {until} by its last survey, not {expires_at}"))
}

/// The terms of the first record that are not those of the profile: whoever loosens them afterwards is found.
pub(super) fn terms_findings(profile: &Profile, created: &RunCreated) -> Vec<String> {
    let terms = [
        ("the name of the profile", created.profile == profile.name),
        (
            "the prefix of the result",
            created.result_prefix == profile.result_prefix,
        ),
        (
            "whether units are simulated",
            created.without_units == profile.units().is_none(),
        ),
        (
            "the labels of the gates",
            created.gate_labels == profile.gate_labels(created.change.is_some()),
        ),
        ("the words", are_words_of(profile, created)),
        (
            "who may approve, and for how long",
            created.approvals == approval_policy(profile),
        ),
        (
            "the change and what is expected of it",
            is_change_of(profile, created),
        ),
        (
            "what the run may cost",
            created.budget == run_budget(profile),
        ),
    ];
    let unlike = terms.into_iter().filter(|(_, same)| !same);
    unlike
        .map(|(what, _)| format!("{what} is not that of the run's profile"))
        .collect()
}

//! The terms of a run that its profile sets: name, labels, who may approve, what it may cost.
//! Invariant: the journal's first record and the profile it names say the same (`terms_findings`; test
//! `terms_that_are_not_those_of_the_profile_are_found`).

use crate::profile::Profile;
use crate::run::{ApprovalPolicy, RunBudget, RunCreated, RunState};
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

/// Evidence that is said at `at` to be good for longer or shorter than it is: from its last survey on, whenever it is shown.
pub(super) fn expiry_finding(run: &RunState, at: UtcTime, expires_at: UtcTime) -> Option<String> {
    let until = run.good_until(at);
    (run.looks_again() && expires_at != until)
        .then(|| format!("the evidence is good until {until} by its last survey, not {expires_at}"))
}

/// The terms of the first record that are not those of the profile: whoever loosens them afterwards is found.
pub(super) fn terms_findings(profile: &Profile, created: &RunCreated) -> Vec<String> {
    let labels = [profile.labels.sg1.clone(), profile.labels.sg2.clone()];
    let terms = [
        ("the name of the profile", created.profile == profile.name),
        (
            "the prefix of the result",
            created.result_prefix == profile.result_prefix,
        ),
        ("the labels of the gates", created.gate_labels == labels),
        (
            "who may approve, and for how long",
            created.approvals == approval_policy(profile),
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

//! The repository as G0 saw it, for the section "Code outcome" of report 07. Read back from the recorded checks; what no check
//! recorded is NOT CHECKED.

use crate::audit::repository_at_g0;
use crate::documents::CodeOutcome;
use crate::run::{CheckName, Gate, RunState};

/// The first 7 digits of a commit, as git abbreviates it.
fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// The section "Code outcome": short commits as in the source report; 01 has the whole ones.
pub(super) fn code_outcome(run: &RunState) -> CodeOutcome {
    let seen = repository_at_g0(run);
    // Git was asked and has none: a detached HEAD, no main, no feature branch.
    let absent = if seen.is_some() {
        "None"
    } else {
        "NOT CHECKED"
    };
    let or_absent = |value: Option<String>| value.unwrap_or_else(|| absent.to_owned());
    let seen = seen.as_ref();
    let commit = seen.map(|seen| format!("{} {}", short(&seen.head), seen.subject));
    let main = seen.and_then(|seen| seen.main.as_ref());
    let feature = seen.and_then(|seen| seen.feature_head.as_deref());
    CodeOutcome {
        commit: or_absent(commit),
        branch: or_absent(seen.and_then(|seen| seen.branch.clone())),
        main_unchanged: main_unchanged(run),
        heads: vec![
            format!(
                "main_HEAD={}",
                or_absent(main.map(|(_, commit)| short(commit)))
            ),
            format!("feature_HEAD={}", or_absent(feature.map(short))),
        ],
    }
}

/// The verdict of the check of G6 that compares main and tags with G0.
fn main_unchanged(run: &RunState) -> String {
    let gate = run.gates.get(&Gate::G6);
    gate.and_then(|gate| {
        gate.checks
            .iter()
            .find(|check| check.name == CheckName::MainAndTagsUnchanged)
    })
    .map_or_else(
        || "NOT CHECKED".to_owned(),
        |check| check.verdict.to_string(),
    )
}

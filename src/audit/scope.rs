//! Checks that the profile excludes. Invariant: an exclusion names its reason, and what proves non-mutation or safety cannot be excluded.

use serde_json::json;

use super::safety::PROBES;
use crate::profile::Profile;
use crate::run::{Check, Verdict};

/// The checks through which the claims A, B, D and E count.
const CLAIM_CHECKS: [&str; 8] = [
    "role_is_read_only",
    "session_role",
    "session_left_nothing",
    "transaction_read_only",
    "row_security_off",
    "search_path_empty",
    "non_mutation_proven",
    "forbidden_production_mutation",
];

/// Whether a profile may exclude the check of this name.
pub fn may_exclude(check: &str) -> bool {
    !CLAIM_CHECKS.contains(&check)
        && !PROBES.contains(&check)
        && !["A", "B", "C", "D", "E"].contains(&check)
}

/// The checks with those that the profile excludes turned into OUT OF SCOPE. What was found stays in the raw values.
pub fn scope(profile: &Profile, checks: Vec<Check>) -> Vec<Check> {
    let reason = |name: &str| {
        profile
            .out_of_scope
            .iter()
            .find(|out| out.check == name && may_exclude(name) && !out.reason.trim().is_empty())
            .map(|out| out.reason.clone())
    };
    checks
        .into_iter()
        .map(|check| match reason(&check.name) {
            Some(reason) => excluded(check, &reason),
            None => check,
        })
        .collect()
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

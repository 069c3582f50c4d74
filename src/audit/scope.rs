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
    checks
        .into_iter()
        .map(|check| match reason(profile, &check.name) {
            Some(reason) => excluded(check, reason),
            None => check,
        })
        .collect()
}

/// Whether a profile excludes the check of this name, and may.
pub(super) fn is_excluded(profile: &Profile, check: &str) -> bool {
    reason(profile, check).is_some()
}

fn reason<'p>(profile: &'p Profile, check: &str) -> Option<&'p str> {
    let named = profile.out_of_scope.iter().find(|out| out.check == check);
    let reason = named.map(|out| out.reason.as_str());
    reason.filter(|reason| may_exclude(check) && !reason.trim().is_empty())
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
    use super::super::PROBES;
    use super::super::fixture::profile;
    use super::{may_exclude, scope};
    use crate::profile::OutOfScope;
    use crate::run::{Check, Verdict};

    fn excluded(check: &str, reason: &str) -> Verdict {
        let mut profile = profile();
        profile.out_of_scope.push(OutOfScope {
            check: check.to_owned(),
            reason: reason.to_owned(),
        });
        let failing = Check::evaluated(check, false, "fails", serde_json::json!(1));
        scope(&profile, vec![failing]).remove(0).verdict
    }

    #[test]
    fn a_check_with_a_reason_may_be_excluded() {
        assert_eq!(
            excluded("work_tree_recorded", "no repository here"),
            Verdict::OutOfScope
        );
        assert_eq!(excluded("work_tree_recorded", " "), Verdict::Fail);
    }

    #[test]
    fn proof_and_probes_may_not() {
        for name in PROBES.into_iter().chain([
            "role_is_read_only",
            "non_mutation_proven",
            "session_left_nothing",
            "A",
        ]) {
            assert!(!may_exclude(name), "{name}");
            assert_eq!(excluded(name, "please"), Verdict::Fail, "{name}");
        }
    }
}

//! Checks that the profile excludes: OUT OF SCOPE.
//! Invariant: an exclusion names its reason, and what proves non-mutation or safety cannot be excluded
//! (`CheckName::may_be_excluded`; test `proof_and_probes_and_unknown_names_may_not`).

use serde_json::json;

use crate::profile::Profile;
use crate::run::{Check, CheckName, Verdict};

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
pub(super) fn is_excluded(profile: &Profile, check: &CheckName) -> bool {
    reason(profile, check).is_some()
}

fn reason<'p>(profile: &'p Profile, check: &CheckName) -> Option<&'p str> {
    let named = profile.out_of_scope.iter().find(|out| out.check == *check);
    let reason = named.map(|out| out.reason.as_str());
    reason.filter(|reason| check.may_be_excluded() && !reason.trim().is_empty())
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
    use super::super::fixture::profile;
    use super::scope;
    use crate::profile::OutOfScope;
    use crate::run::{Check, CheckName, Verdict};

    fn excluded(check: &CheckName, reason: &str) -> Verdict {
        let mut profile = profile();
        profile.out_of_scope.push(OutOfScope {
            check: check.clone(),
            reason: reason.to_owned(),
        });
        let failing = Check::evaluated(check.clone(), false, "fails", serde_json::json!(1));
        scope(&profile, vec![failing]).remove(0).verdict
    }

    #[test]
    fn a_check_with_a_reason_may_be_excluded() {
        let tree = CheckName::WorkTreeRecorded;
        assert_eq!(excluded(&tree, "no repository here"), Verdict::OutOfScope);
        assert_eq!(excluded(&tree, " "), Verdict::Fail);
    }

    #[test]
    fn proof_and_probes_and_unknown_names_may_not() {
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

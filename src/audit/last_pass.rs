//! What differs between the pin and the last PASS.
//! Invariant: a difference of profile, prediction or any fact is never left out (test `nothing_that_differs_is_left_out`).

use crate::run::{ApprovalPolicy, LastPass, LastPassDifference, PassedChange, RunCreated};
use crate::simulate::PredictedEffect;
use crate::survey::{
    BESIDE, Digest, EvidenceFormat, Fact, FactKey, NAME_RESOLUTION, Sides, Survey,
    content_of_two_formats, is_surroundings, reads_surroundings,
};

/// Every difference between a last PASS and a run with its pin: who may approve (`policy`, `policy_file`) first, because all
/// else is judged by them, then the facts in the pin's order, then `profile`, `change` and `prediction`.
pub fn last_pass_differences(
    last: &LastPass,
    created: &RunCreated,
    pin: &Survey,
    change: &PassedChange,
    predicted: Option<&PredictedEffect>,
) -> Vec<LastPassDifference> {
    let then = |key: &FactKey| last.facts.iter().find(|fact| fact.key == *key);
    let gone = last
        .facts
        .iter()
        .filter(|fact| pin.fact(fact.key.as_str()).is_none());
    let keys: Vec<&FactKey> = pin.facts.iter().chain(gone).map(|f| &f.key).collect();
    let mut differences = Vec::new();
    let other = |key: &str, before: String, now: String| {
        (before != now).then(|| LastPassDifference {
            key: FactKey::new(key),
            then: Some(before),
            now: Some(now),
            lines: None,
        })
    };
    let file =
        |digest: &Option<Digest>| digest.as_ref().map_or("none".to_owned(), Digest::to_string);
    // A copy that does not say who could approve is not known to be equal.
    let asked = last.approvals.as_ref();
    differences.extend(other(
        "policy",
        asked.map_or("not recorded".to_owned(), ApprovalPolicy::asks),
        created.approvals.asks(),
    ));
    differences.extend(other(
        "policy_file",
        file(&last.policy_sha256),
        file(&created.policy_sha256),
    ));
    let unread_then = !reads_surroundings(&last.facts);
    for key in keys {
        // An older drygate did not read what is around the rows: no value of then can differ.
        if unread_then && is_surroundings(key) {
            continue;
        }
        let now = pin
            .fact(key.as_str())
            .and_then(|fact| fact.observed.value());
        let before = then(key).and_then(|fact| fact.observed.value());
        // Two unknown values are not known to be equal.
        if now.is_none() || now != before {
            differences.push(LastPassDifference {
                key: key.clone(),
                then: before.map(str::to_owned),
                now: now.map(str::to_owned),
                lines: None,
            });
        }
    }
    differences.extend(other(
        "profile",
        last.profile_sha256.to_string(),
        created.profile_sha256.to_string(),
    ));
    // The same bytes under another name are the same change.
    if let Some(then) = last.change.as_ref().filter(|then| !then.is_as(change)) {
        differences.push(LastPassDifference {
            key: FactKey::new("change"),
            then: Some(then.words()),
            now: Some(change.words()),
            lines: None,
        });
    }
    differences.extend(other(
        "prediction",
        last.predicted.as_ref().map_or_else(not_asked, words),
        predicted.map_or_else(not_asked, words),
    ));
    differences
}

/// The facts that say nothing of each other because they were digested in two evidence formats: contents, the grant matrix
/// where its lines differ, and facts that one of the formats does not have.
pub fn not_comparable(
    formats: Sides<EvidenceFormat>,
    before: &[Fact],
    after: &[Fact],
    grants: Option<&str>,
) -> Vec<FactKey> {
    if formats.before == formats.after {
        return Vec::new();
    }
    let of = |facts: &'_ [Fact], key: &FactKey| facts.iter().position(|fact| fact.key == *key);
    let gone = before.iter().filter(|fact| of(after, &fact.key).is_none());
    let all = after.iter().chain(gone);
    let two_formats = |fact: &&Fact| match (of(before, &fact.key), of(after, &fact.key)) {
        (Some(one), Some(two)) => {
            let (one, two) = (before[one].observed.value(), after[two].observed.value());
            let known = one.is_some() && two.is_some() && one != two;
            content_of_two_formats(fact.kind, one, two)
                || (known && grants == Some(fact.key.as_str()))
        }
        _ => true,
    };
    all.filter(two_formats)
        .map(|fact| fact.key.clone())
        .collect()
}

/// The facts that say nothing of each other because they were read for changes of two roles: what a name means to a role, and all else.
pub(super) fn read_for_another_role(last: &LastPass, change: &PassedChange) -> Vec<FactKey> {
    let then = last.change.as_ref();
    if then.is_none_or(|then| then.role == change.role) {
        return Vec::new();
    }
    [NAME_RESOLUTION, BESIDE].map(FactKey::new).into()
}

fn not_asked() -> String {
    "not asked".to_owned()
}

fn words(effect: &PredictedEffect) -> String {
    let touched: Vec<String> = effect
        .touched()
        .map(|table| format!("{} {}", table.table, table.words()))
        .collect();
    if touched.is_empty() {
        "nothing".to_owned()
    } else {
        touched.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{change, created, live, profile, simulation, survey};
    use super::super::predict;
    use super::not_comparable;
    use super::{last_pass_differences, read_for_another_role};
    use crate::run::{ApprovalPolicy, ChangeFile, LastPass, PassedChange};
    use crate::simulate::PredictedEffect;
    use crate::survey::{
        BESIDE, Digest, EvidenceFormat, Fact, FactKey, NAME_RESOLUTION, Sides, UtcTime,
    };

    fn last() -> LastPass {
        let survey = survey(1);
        LastPass {
            run_id: "ictr-20261115T090112Z-11c0ffee"
                .parse()
                .expect("well formed"),
            sealed_at: UtcTime::from_unix_micros(0),
            facts_digest: survey.facts_digest,
            facts: survey.facts,
            profile_sha256: Digest::of("profile"),
            change: Some(PassedChange::default()),
            predicted: predict(&profile(), &simulation()),
            approvals: Some(ApprovalPolicy::default()),
            policy_sha256: None,
            evidence_format: EvidenceFormat::NEWEST,
        }
    }

    fn keys(last: &LastPass) -> Vec<String> {
        let (pin, predicted) = (survey(2), predict(&profile(), &simulation()));
        let (change, predicted) = (PassedChange::default(), predicted.as_ref());
        let found = last_pass_differences(last, &created(), &pin, &change, predicted);
        found.into_iter().map(|d| d.key.to_string()).collect()
    }

    #[test]
    fn across_formats_contents_are_not_comparable_and_all_else_is() {
        let (mut one, mut two) = (survey(1), survey(2));
        change(&mut one, "unit_version", live(&"a".repeat(64)));
        change(
            &mut two,
            "unit_version",
            live(&format!("v2:{}", "a".repeat(64))),
        );
        change(&mut two, "icx_draft", live("7"));
        let (before, after) = (EvidenceFormat::One, EvidenceFormat::Two);
        let profile = profile();
        let grants = profile.grants_key();
        let across = |one: &[Fact], two: &[Fact]| {
            not_comparable(Sides::new(before, after), one, two, grants)
        };
        let keys = |found: Vec<FactKey>| -> Vec<String> {
            found.iter().map(ToString::to_string).collect()
        };
        assert_eq!(keys(across(&one.facts, &two.facts)), ["unit_version"]);
        change(&mut two, "grant_matrix_sha", live(&"b".repeat(64)));
        two.facts.retain(|fact| fact.key.as_str() != "icx_total");
        assert_eq!(
            keys(across(&one.facts, &two.facts)),
            ["grant_matrix_sha", "unit_version", "icx_total"]
        );
        let same = Sides::new(after, after);
        assert_eq!(not_comparable(same, &one.facts, &two.facts, grants), []);
    }

    #[test]
    fn nothing_that_differs_is_left_out() {
        assert_eq!(keys(&last()), Vec::<String>::new());
        for fact in &last().facts {
            let mut other = survey(1);
            change(&mut other, fact.key.as_str(), live("else"));
            let differs = LastPass {
                facts: other.facts,
                ..last()
            };
            assert_eq!(keys(&differs), [fact.key.to_string()]);
            let mut lost = last();
            lost.facts.retain(|f| f.key != fact.key);
            assert_eq!(keys(&lost), [fact.key.to_string()]);
        }
        let profile = LastPass {
            profile_sha256: Digest::zero(),
            ..last()
        };
        assert_eq!(keys(&profile), ["profile"]);
        let laxer = LastPass {
            approvals: Some(ApprovalPolicy {
                distinct: true,
                ..ApprovalPolicy::default()
            }),
            policy_sha256: Some(Digest::zero()),
            profile_sha256: Digest::zero(),
            ..last()
        };
        assert_eq!(keys(&laxer), ["policy", "policy_file", "profile"]);
        let unsaid = LastPass {
            approvals: None,
            ..last()
        };
        assert_eq!(keys(&unsaid), ["policy"]);
        let file = |path: &str, text: &str| ChangeFile {
            path: path.to_owned(),
            sha256: Digest::of(text),
        };
        let of_role = |role: &str, files: Vec<ChangeFile>| PassedChange {
            role: Some(role.to_owned()),
            files,
        };
        let change = of_role("migrator", vec![file("/a/0042.sql", "DELETE")]);
        let changed = LastPass {
            change: Some(change.clone()),
            ..last()
        };
        assert_eq!(keys(&changed), ["change"]);
        assert!(change.is_as(&of_role("migrator", vec![file("/b/other.sql", "DELETE")])));
        assert!(!change.is_as(&of_role("migrator", vec![file("/a/0042.sql", "UPDATE")])));
        assert!(!change.is_as(&of_role("owner", change.files.clone())));
        let reread = read_for_another_role(&changed, &PassedChange::default());
        assert_eq!(reread, [NAME_RESOLUTION, BESIDE].map(FactKey::new));
        assert_eq!(read_for_another_role(&changed, &change), []);
        // Of a copy that does not say it nothing is known.
        let unsaid_change = LastPass {
            change: None,
            ..last()
        };
        assert_eq!(keys(&unsaid_change), Vec::<String>::new());
        let predicted = LastPass {
            predicted: Some(PredictedEffect::default()),
            ..last()
        };
        assert_eq!(keys(&predicted), ["prediction"]);
    }
}

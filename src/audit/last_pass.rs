//! What differs between the pin and the last PASS.
//! Invariant: a difference of profile, prediction or any fact is never left out (test `nothing_that_differs_is_left_out`).

use crate::run::{ApprovalPolicy, LastPass, LastPassDifference, RunCreated};
use crate::simulate::PredictedEffect;
use crate::survey::{Digest, FactKey, Survey};

/// Every difference between a last PASS and a run with its pin: who may approve (`policy`, `policy_file`) first, because all
/// else is judged by them, then the facts in the pin's order, then `profile`, then `prediction`.
pub fn last_pass_differences(
    last: &LastPass,
    created: &RunCreated,
    pin: &Survey,
    predicted: &PredictedEffect,
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
    for key in keys {
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
    differences.extend(other(
        "prediction",
        words(&last.predicted),
        words(predicted),
    ));
    differences
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
    use super::last_pass_differences;
    use crate::run::{ApprovalPolicy, LastPass};
    use crate::simulate::PredictedEffect;
    use crate::survey::{Digest, UtcTime};

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
            predicted: predict(&profile(), &simulation()),
            approvals: Some(ApprovalPolicy::default()),
            policy_sha256: None,
        }
    }

    fn keys(last: &LastPass) -> Vec<String> {
        let (pin, predicted) = (survey(2), predict(&profile(), &simulation()));
        let found = last_pass_differences(last, &created(), &pin, &predicted);
        found.into_iter().map(|d| d.key.to_string()).collect()
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
        let predicted = LastPass {
            predicted: PredictedEffect::default(),
            ..last()
        };
        assert_eq!(keys(&predicted), ["prediction"]);
    }
}

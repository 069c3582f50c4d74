//! What a survey lists beside the change, computed again.
//! Invariant: a fact is judged by the rule that its key and the profile give it, by no other (`beside_findings`).

use super::recompute::keys;
use crate::profile::Profile;
use crate::run::{RunState, SurveyPurpose, SurveyTaken};
use crate::survey::{DriftRule, Fact, differences, reads_surroundings};

/// What a survey lists beside the change, and the rules by which its facts are judged, against pin and profile.
pub(super) fn beside_findings(
    run: &RunState,
    profile: Option<&Profile>,
    taken: &SurveyTaken,
) -> Vec<String> {
    let mut found = Vec::new();
    let survey = &taken.survey;
    let pin = run
        .pin
        .as_ref()
        .filter(|_| taken.purpose != SurveyPurpose::Pin);
    let again = pin.map_or_else(Vec::new, |pin| differences(pin, survey).beside);
    if keys(&again) != keys(&taken.beside) {
        found.push(
            "what is listed beside is not what the survey differs in from the pin".to_owned(),
        );
    }
    if let Some(profile) = profile {
        let new = reads_surroundings(&survey.facts);
        let rule = |fact: &Fact| {
            if new {
                DriftRule::of(
                    fact.key.as_str(),
                    profile.grants_key(),
                    profile.drift.strict,
                )
            } else {
                // Before there was anything but the facts of the profile every difference was drift.
                DriftRule::Any
            }
        };
        let other = survey.facts.iter().filter(|fact| fact.drift != rule(fact));
        found.extend(
            other.map(|fact| format!("{} is judged by another rule than the profile's", fact.key)),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{profile, survey};
    use super::beside_findings;
    use crate::run::{RunState, SurveyPurpose, SurveyTaken};
    use crate::survey::{
        Digest, DriftRule, Fact, FactKey, Live, Observed, SurveyChanges, differences,
    };
    use std::sync::Arc;

    fn around(key: &str, value: &str, rule: DriftRule) -> Fact {
        Fact {
            key: FactKey::new(key),
            observed: Observed::Live(Live::new(Digest::of(value).to_string())),
            drift: rule,
            ..survey(1).facts[0].clone()
        }
    }

    /// A pin and a survey after it, which differ in what is beside.
    fn pair(rule: DriftRule) -> (RunState, SurveyTaken) {
        let read = |n: u64, value: &str| {
            let mut read = survey(n);
            for fact in &mut read.facts {
                fact.drift = DriftRule::of(fact.key.as_str(), profile().grants_key(), false);
            }
            read.facts.push(around("objects.beside", value, rule));
            Arc::new(read)
        };
        let run = RunState {
            pin: Some(read(1, "then")),
            ..RunState::default()
        };
        let now = read(2, "now");
        let SurveyChanges { beside, .. } = differences(&read(1, "then"), &now);
        let taken = SurveyTaken {
            purpose: SurveyPurpose::ApproveSg1,
            survey: now,
            simulation: Some(Arc::default()),
            beside,
        };
        (run, taken)
    }

    #[test]
    fn what_is_beside_is_found_again_and_nothing_else_is_believed() {
        let (run, taken) = pair(DriftRule::Beside);
        assert_eq!(taken.beside.len(), 1);
        let found = |taken: &SurveyTaken| beside_findings(&run, Some(&profile()), taken);
        assert_eq!(found(&taken), Vec::<String>::new());
        let unlisted = SurveyTaken {
            beside: Vec::new(),
            ..taken.clone()
        };
        assert_eq!(found(&unlisted).len(), 1, "not listed");
        let mut strict = profile();
        strict.drift.strict = true;
        assert!(!beside_findings(&run, Some(&strict), &taken).is_empty());
        let (run, lenient) = pair(DriftRule::Any);
        assert!(!beside_findings(&run, Some(&profile()), &lenient).is_empty());
    }
}

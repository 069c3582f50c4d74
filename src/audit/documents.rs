//! The documents behind facts and steps, computed again from the blobs: the part of `verify` that needs more than the journal.
//! A value whose document gives another one is a finding; a document that is named and missing too.

use md5::{Digest as _, Md5};

use super::RecomputeFinding;
use crate::profile::Profile;
use crate::run::{Event, EvidenceTaken, SurveyPurpose, SurveyTaken};
use crate::simulate::{Simulation, StepCounts, UnitDecision, UnitVerification};
use crate::survey::{Digest, Fact, Hasher, Survey};

/// What does not follow from the documents of a journal. `document` finds a blob's text, `None` if it is not there.
pub fn document_findings<'e>(
    profile: Option<&Profile>,
    events: impl IntoIterator<Item = (u64, &'e Event)>,
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Vec<RecomputeFinding> {
    let mut findings = Vec::new();
    for (seq, event) in events {
        let found = match event {
            Event::RunCreated(created) => missing("the profile", &created.profile_sha256, document),
            Event::SurveyTaken(SurveyTaken {
                purpose, survey, ..
            }) => survey_findings(profile, *purpose, survey, document),
            Event::EvidenceTaken(EvidenceTaken {
                evidence, sheet, ..
            }) => {
                let last = sheet.last_pass.as_ref().map(|(_, _, blob)| blob);
                let last = last.map(|blob| missing("the copy of the last PASS", blob, document));
                let mut found = missing("the evidence sheet", evidence, document);
                found.extend(last.into_iter().flatten());
                found
            }
            Event::RunResumed(_)
            | Event::TornTailSetAside(_)
            | Event::GateStarted(_)
            | Event::CheckRecorded(_)
            | Event::GateFinished(_)
            | Event::TransactionOpened(_)
            | Event::TransactionClosed(_)
            | Event::TransactionUnseen(_)
            | Event::StatementsRecorded(_)
            | Event::ContextPinned(_)
            | Event::EffectPredicted(_)
            | Event::UnitsProgressed(_)
            | Event::StateChanged(_)
            | Event::StopRaised(_)
            | Event::EvidenceShown(_)
            | Event::ApprovalRecorded(_)
            | Event::ApprovalRefused(_)
            | Event::LiveRead(_)
            | Event::ChangesAttributed(_)
            | Event::DriftFound(_)
            | Event::EvidenceRenewed(_)
            | Event::InvocationReturned(_)
            | Event::NonMutationJudged(_)
            | Event::TestsDeclared(_)
            | Event::ProgramReplaced(_)
            | Event::HookStarted(_)
            | Event::HookRan(_)
            | Event::RunSealed(_) => Vec::new(),
        };
        findings.extend(found.into_iter().map(|what| RecomputeFinding { seq, what }));
    }
    findings
}

fn missing(
    what: &str,
    digest: &Digest,
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Vec<String> {
    let there = document(digest).is_some();
    let finding = || format!("{what} is not among the blobs: {digest}");
    (!there).then(finding).into_iter().collect()
}

/// The documents of pin and post survey are kept in any case, those of others where they drifted.
fn survey_findings(
    profile: Option<&Profile>,
    purpose: SurveyPurpose,
    survey: &Survey,
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Vec<String> {
    let kept = matches!(purpose, SurveyPurpose::Pin | SurveyPurpose::Post);
    let mut found = Vec::new();
    for fact in &survey.facts {
        let Some(reference) = &fact.document else {
            continue;
        };
        match document(&reference.sha256) {
            Some(text) => found.extend(fact_finding(profile, fact, &text)),
            None if kept => found.push(format!(
                "the document of {} is not among the blobs: {}",
                fact.key, reference.sha256
            )),
            None => {}
        }
    }
    found
}

fn fact_finding(profile: Option<&Profile>, fact: &Fact, text: &str) -> Option<String> {
    let profile = profile?;
    let key = fact.key.as_str();
    let lines = text.lines().count() as u64;
    let value = if profile.contents.iter().any(|content| content.key == key) {
        if fact.rows != Some(lines) {
            return Some(format!(
                "{key} has {lines} rows by its document, not {:?}",
                fact.rows
            ));
        }
        let mut hasher = Hasher::new();
        text.lines().for_each(|line| hasher.field(line));
        hasher.finish().to_string()
    } else if profile.grants.key == key {
        Digest::of(text).to_string()
    } else if profile.functions.iter().any(|function| function.key == key) {
        let hash: [u8; 16] = Md5::digest(text).into();
        format!("{:032x}", u128::from_be_bytes(hash))
    } else {
        return None;
    };
    (fact.observed.value() != Some(value.as_str()))
        .then(|| format!("{key} is {value} by its document, not {}", fact.value()))
}

/// Why a unit ledger does not give the counts of its step. `lines` are those of the ledger.
pub fn ledger_finding<'l>(
    lines: impl IntoIterator<Item = &'l str>,
    counts: &StepCounts,
) -> Option<String> {
    let mut simulation = Simulation::default();
    for (at, line) in lines.into_iter().enumerate() {
        let Ok(decision) = serde_json::from_str::<UnitDecision>(line) else {
            return Some(format!("line {} is no decision", at + 1));
        };
        // A unit that is only predicted cannot have a live state.
        if decision.verify == UnitVerification::AsCut && decision.state.is_some() {
            return Some(format!("line {} is cut and live at once", at + 1));
        }
        simulation.add(&decision);
    }
    (simulation.counts != *counts)
        .then(|| "its decisions do not give the counts of its step".to_owned())
}

#[cfg(test)]
mod tests {
    use super::ledger_finding;
    use crate::simulate::StepCounts;
    use crate::survey::Simulated;

    #[test]
    fn a_ledger_must_give_the_counts_of_its_step() {
        let line = r#"{"key":"U-1","cut":"already_present","verify":"equal","enact":"would_enact","state":"draft"}"#;
        let counts = StepCounts {
            already_present: Simulated::new(1),
            verified: Simulated::new(1),
            would_enact: Simulated::new(1),
            ..StepCounts::default()
        };
        assert_eq!(ledger_finding([line], &counts), None);
        assert!(ledger_finding([line, line], &counts).is_some());
        assert!(ledger_finding(["{}"], &counts).is_some());
    }
}

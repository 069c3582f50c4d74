//! What of a journal can be compared: every survey, evidence and drift. Invariant: filled by `apply` alone, in the order of the journal.

use std::sync::Arc;

use crate::run::{
    ApprovalGate, DriftFound, Event, EvidenceSheet, EvidenceTaken, SurveyPurpose, SurveyTaken,
};
use crate::survey::{Attribution, Digest, FactChange, Survey, UtcTime};

/// A full survey of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyRead {
    /// What it was taken for.
    pub purpose: SurveyPurpose,
    /// The survey.
    pub survey: Arc<Survey>,
    /// When it was journalled.
    pub at: UtcTime,
}

/// Evidence that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRecord {
    /// Gate.
    pub gate: ApprovalGate,
    /// Digest of the sheet.
    pub digest: Digest,
    /// The sheet.
    pub sheet: Arc<EvidenceSheet>,
    /// When.
    pub at: UtcTime,
    /// How many surveys there were before it.
    pub surveys_before: usize,
}

/// A drift that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftRecord {
    /// Gate whose approval it voided; `None`: at closeout.
    pub gate: Option<ApprovalGate>,
    /// What differs.
    pub changes: Vec<FactChange>,
    /// Nonce of the transaction that found it.
    pub nonce: String,
    /// When.
    pub at: UtcTime,
}

/// Everything that can be put side by side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComparisonRecord {
    /// Surveys, in order.
    pub surveys: Vec<SurveyRead>,
    /// Evidence, in order.
    pub evidence: Vec<EvidenceRecord>,
    /// Drifts, in order.
    pub drifts: Vec<DriftRecord>,
    /// What was measured about who changed the facts, in order.
    pub attributions: Vec<Attribution>,
}

impl ComparisonRecord {
    /// Takes the next event.
    pub fn apply(&mut self, at: UtcTime, event: &Event) {
        match event {
            Event::SurveyTaken(SurveyTaken {
                purpose, survey, ..
            }) => {
                self.surveys.push(SurveyRead {
                    purpose: *purpose,
                    survey: survey.clone(),
                    at,
                });
            }
            Event::EvidenceTaken(EvidenceTaken {
                gate,
                evidence,
                sheet,
                ..
            }) => self.evidence.push(EvidenceRecord {
                gate: *gate,
                digest: evidence.clone(),
                sheet: sheet.clone(),
                at,
                surveys_before: self.surveys.len(),
            }),
            Event::DriftFound(DriftFound { gate, drift, nonce }) => self.drifts.push(DriftRecord {
                gate: *gate,
                changes: drift.clone(),
                nonce: nonce.clone(),
                at,
            }),
            Event::ChangesAttributed(found) => self.attributions.push((**found).clone()),
            _ => {}
        }
    }

    /// The last survey that became a pin.
    pub fn pin(&self) -> Option<&SurveyRead> {
        self.last(SurveyPurpose::Pin)
    }

    /// The post survey.
    pub fn post(&self) -> Option<&SurveyRead> {
        self.last(SurveyPurpose::Post)
    }

    /// The survey that was read in this transaction.
    pub fn of_nonce(&self, nonce: &str) -> Option<&SurveyRead> {
        let mut surveys = self.surveys.iter();
        surveys.find(|read| read.survey.snapshot.nonce == nonce)
    }

    /// Who changed what the survey of this transaction found changed, as far as that was measured.
    pub fn attribution_of(&self, nonce: &str) -> Option<&Attribution> {
        let mut found = self.attributions.iter().rev();
        found.find(|found| found.nonce == nonce)
    }

    /// The last evidence of a gate.
    pub fn evidence_of(&self, gate: ApprovalGate) -> Option<&EvidenceRecord> {
        self.evidence.iter().rev().find(|seen| seen.gate == gate)
    }

    /// The last drift that voided an approval of a gate.
    pub fn drift_of(&self, gate: ApprovalGate) -> Option<&DriftRecord> {
        let mut drifts = self.drifts.iter().rev();
        drifts.find(|drift| drift.gate == Some(gate))
    }

    fn last(&self, purpose: SurveyPurpose) -> Option<&SurveyRead> {
        let mut surveys = self.surveys.iter().rev();
        surveys.find(|read| read.purpose == purpose)
    }
}

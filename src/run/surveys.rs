//! Every survey, sheet, drift and attribution of a run, in the order of its journal: what the diff screen compares.

use std::sync::Arc;

use super::{ApprovalGate, Event, EvidenceSheet, SurveyPurpose};
use crate::survey::{Attribution, Digest, FactChange, Survey, UtcTime};

/// A full survey of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyRead {
    /// What it was taken for.
    pub purpose: SurveyPurpose,
    /// The survey with its facts.
    pub survey: Arc<Survey>,
    /// What it differs in from the pin of that time beside the change.
    pub beside: Vec<FactChange>,
    /// When it was journalled.
    pub at: UtcTime,
}

/// Evidence that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRecord {
    /// The gate it was taken for.
    pub gate: ApprovalGate,
    /// Digest of the sheet.
    pub digest: Digest,
    /// The evidence sheet.
    pub sheet: Arc<EvidenceSheet>,
    /// Time of the event.
    pub at: UtcTime,
    /// How many surveys there were before it.
    pub surveys_before: usize,
}

/// A drift that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftRecord {
    /// Gate whose approval it voided; `None`: at closeout.
    pub gate: Option<ApprovalGate>,
    /// The facts that differ from the pin.
    pub changes: Vec<FactChange>,
    /// Nonce of the transaction that found it.
    pub nonce: String,
    /// Time of the event.
    pub at: UtcTime,
}

/// The surveys of a run, and what was shown and found on their ground.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surveys {
    /// Full surveys, in order of the journal. Of those that were taken while the run waits the first after each evidence, the
    /// last, and those that a drift names.
    pub surveys: Vec<SurveyRead>,
    /// Evidence, in order of the journal.
    pub evidence: Vec<EvidenceRecord>,
    /// Drifts, in order of the journal.
    pub drifts: Vec<DriftRecord>,
    /// What was measured about who changed the facts, in order.
    pub attributions: Vec<Attribution>,
}

impl Surveys {
    /// Keeps what this event brings. Copies what is shared only where it changes.
    pub(super) fn take(this: &mut Arc<Self>, at: UtcTime, event: &Event) {
        match event {
            Event::SurveyTaken(taken) => {
                let this = Arc::make_mut(this);
                this.drop_superseded();
                this.surveys.push(SurveyRead {
                    purpose: taken.purpose,
                    survey: taken.survey.clone(),
                    beside: taken.beside.clone(),
                    at,
                });
            }
            Event::EvidenceTaken(taken) => {
                let surveys_before = this.surveys.len();
                Arc::make_mut(this).evidence.push(EvidenceRecord {
                    gate: taken.gate,
                    digest: taken.evidence.clone(),
                    sheet: taken.sheet.clone(),
                    at,
                    surveys_before,
                });
            }
            Event::DriftFound(found) => Arc::make_mut(this).drifts.push(DriftRecord {
                gate: found.gate,
                changes: found.drift.clone(),
                nonce: found.nonce.clone(),
                at,
            }),
            Event::ChangesAttributed(found) => {
                Arc::make_mut(this).attributions.push((**found).clone());
            }
            Event::RunCreated(_)
            | Event::RunResumed(_)
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
            | Event::EvidenceRenewed(_)
            | Event::InvocationReturned(_)
            | Event::NonMutationJudged(_)
            | Event::TestsDeclared(_)
            | Event::ProgramReplaced(_)
            | Event::RepositoryMoved(_)
            | Event::ChangeRead(_)
            | Event::ChangeMoved(_)
            | Event::CopyListed(_)
            | Event::ChangeRehearsed(_)
            | Event::HookStarted(_)
            | Event::HookRan(_)
            | Event::RunSealed(_) => {}
        }
    }

    /// Drops the last survey where the next one takes its place: it was taken while the run waits, is not the first after the
    /// evidence that waits, and nothing refers to it. Surveys of very many partitions are long.
    fn drop_superseded(&mut self) {
        let (Some(last), Some(evidence)) = (self.surveys.last(), self.evidence.last()) else {
            return;
        };
        let nonce = &last.survey.snapshot.nonce;
        if last.purpose == SurveyPurpose::Again
            && evidence.surveys_before + 1 < self.surveys.len()
            && self.drifts.iter().all(|drift| drift.nonce != *nonce)
        {
            self.attributions.retain(|found| found.nonce != *nonce);
            self.surveys.pop();
        }
    }

    /// The last survey that became a pin.
    pub fn pin(&self) -> Option<&SurveyRead> {
        self.last(SurveyPurpose::Pin)
    }

    /// The last post survey.
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

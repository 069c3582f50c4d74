//! What lay before whoever decided. Invariant: it is the fold of the lines before the decision; whether a sheet was on a screen is told by the journal.

use std::sync::Arc;

use super::{Recording, ReplayError};
use crate::run::{
    ApprovalGate, ApprovalRecorded, Decision, Event, EvidenceShown, History, LiveRead, Person,
};
use crate::survey::{Digest, UtcTime};

/// A decision, and the run right before it.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The run right before.
    pub history: Arc<History>,
    /// Gate.
    pub gate: ApprovalGate,
    /// What was decided.
    pub decision: Decision,
    /// Digest that was decided on.
    pub evidence: Digest,
    /// Who.
    pub by: Person,
    /// When.
    pub at: UtcTime,
    /// The sheet that was open, if one was.
    pub sheet: Option<ShownSheet>,
}

/// A sheet as it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownSheet {
    /// When the facts were read again for it.
    pub equal_at: UtcTime,
    /// Columns and rows of the terminal, where they were recorded.
    pub size: Option<(u16, u16)>,
}

impl Recording {
    /// The decision at line `seq`, or the last one before it.
    pub fn decision(&mut self, seq: u64) -> Result<Option<Decided>, ReplayError> {
        let place = self.tip().timeline().decision(seq).map(|mark| mark.seq);
        let Some(place) = place else {
            return Ok(None);
        };
        let entry = self
            .entry(place)?
            .map(|entry| (entry.at, entry.event.clone()));
        let Some((
            at,
            Event::ApprovalRecorded(ApprovalRecorded {
                gate,
                decision,
                evidence,
                by,
                ..
            }),
        )) = entry
        else {
            return Ok(None);
        };
        let sheet = match decision {
            Decision::Approve => self.sheet_before(place, &evidence, &by)?,
            Decision::Reject | Decision::Withdraw => None,
        };
        let history = self.at(place.saturating_sub(1))?.clone();
        Ok(Some(Decided {
            history,
            gate,
            decision,
            evidence,
            by,
            at,
            sheet,
        }))
    }

    /// The sheet of this evidence that this process had opened, with the read that made it READY.
    fn sheet_before(
        &mut self,
        mut seq: u64,
        evidence: &Digest,
        approver: &Person,
    ) -> Result<Option<ShownSheet>, ReplayError> {
        let mut equal_at = None;
        while seq > 0 {
            seq -= 1;
            match self.entry(seq)?.map(|entry| &entry.event) {
                Some(Event::LiveRead(LiveRead {
                    read_at,
                    changed,
                    complete: true,
                    failed: None,
                })) if changed.is_empty() && equal_at.is_none() => equal_at = Some(*read_at),
                Some(Event::EvidenceShown(EvidenceShown {
                    evidence: shown,
                    by,
                    ..
                })) if shown == evidence && by.pid == approver.pid && by.uid == approver.uid => {
                    return Ok(equal_at.map(|equal_at| ShownSheet {
                        equal_at,
                        size: None,
                    }));
                }
                Some(Event::EvidenceTaken(_)) | None => return Ok(None),
                Some(_) => {}
            }
        }
        Ok(None)
    }
}

//! What was on record when a person decided: the fold of the lines before the decision, and whether the sheet was open, as far
//! as the journal has it.

use std::sync::Arc;

use super::{Recording, ReplayError};
use crate::run::{
    ApprovalGate, ApprovalRecorded, Decision, Event, EvidenceShown, History, LiveRead, Person,
    TerminalSize,
};
use crate::survey::{Digest, UtcTime};

/// A recorded decision, and the run as it was right before it.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The fold of all lines before the decision.
    pub history: Arc<History>,
    /// The gate that was decided on.
    pub gate: ApprovalGate,
    /// Whether it was approved, rejected or withdrawn.
    pub decision: Decision,
    /// Digest of the evidence that was decided on.
    pub evidence: Digest,
    /// The person who decided.
    pub by: Person,
    /// When the decision was recorded.
    pub at: UtcTime,
    /// The sheet that was open; `None`: a rejection, a withdrawal, or a decision without a sheet.
    pub sheet: Option<ShownSheet>,
}

/// An evidence sheet as it was when it became READY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownSheet {
    /// When all facts were read again for it and were equal to the pin.
    pub equal_at: UtcTime,
    /// Size of the terminal; `None`: the journal does not record it.
    pub size: Option<TerminalSize>,
}

impl Recording {
    /// The decision at line `seq`, or the last one before it; `None`: nobody had decided by then.
    pub fn decision(&mut self, seq: u64) -> Result<Option<Decided>, ReplayError> {
        // The timeline knows all decisions by their lines; the event itself is read from the journal.
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

    /// The sheet of this evidence that the approving process had open, with the equal read that made it READY;
    /// `None`: it had none open.
    fn sheet_before(
        &mut self,
        mut seq: u64,
        evidence: &Digest,
        approver: &Person,
    ) -> Result<Option<ShownSheet>, ReplayError> {
        // Backwards from the decision: the first equal read that is met is the last one before it.
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
                // Account and process id together: another process of the same person may have had the sheet open as well.
                Some(Event::EvidenceShown(EvidenceShown {
                    evidence: shown,
                    by,
                    size,
                    ..
                })) if shown == evidence && by.pid == approver.pid && by.uid == approver.uid => {
                    return Ok(equal_at.map(|equal_at| ShownSheet {
                        equal_at,
                        size: *size,
                    }));
                }
                // Older lines are about other evidence.
                Some(Event::EvidenceTaken(_)) | None => return Ok(None),
                Some(_) => {}
            }
        }
        Ok(None)
    }
}

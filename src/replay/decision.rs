//! What was on record when a person decided: the fold of the lines before the decision, and whether the sheet was open, as far
//! as the journal has it.

use super::{Recording, ReplayError};
use crate::run::{
    ApprovalRecorded, Decision, DecisionContext, Event, EvidenceShown, LiveRead, Person,
    TerminalSize,
};
use crate::survey::{Digest, UtcTime};

impl Recording {
    /// The decision at line `seq`, or the last one before it; `None`: nobody had decided by then.
    pub fn decision(&mut self, seq: u64) -> Result<Option<DecisionContext>, ReplayError> {
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
            Decision::Approve => self.equal_read_before(place, &evidence, &by)?,
            Decision::Reject | Decision::Withdraw => None,
        };
        let history = self.at(place.saturating_sub(1))?.clone();
        Ok(Some(DecisionContext {
            history,
            gate,
            decision,
            evidence,
            by,
            at,
            equal_at: sheet.map(|(equal_at, _)| equal_at),
            size: sheet.and_then(|(_, size)| size),
        }))
    }

    /// When the facts were read for the sheet of this evidence that the approving process had open, and were equal, and the size
    /// of its terminal; `None`: it had none open.
    fn equal_read_before(
        &mut self,
        mut seq: u64,
        evidence: &Digest,
        approver: &Person,
    ) -> Result<Option<(UtcTime, Option<TerminalSize>)>, ReplayError> {
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
                    return Ok(equal_at.map(|equal_at| (equal_at, *size)));
                }
                // Older lines are about other evidence.
                Some(Event::EvidenceTaken(_)) | None => return Ok(None),
                Some(_) => {}
            }
        }
        Ok(None)
    }
}

//! A head of the journal that somebody kept elsewhere. A directory that was rolled back or rewritten as a whole verifies; against
//! such a head it does not.

use super::Verified;
use crate::run::{JournalHead, KeptHead};

/// Looks for the kept head while the journal is read.
#[derive(Debug)]
pub(super) struct KeptHeadSearch<'k> {
    kept: &'k KeptHead,
    found: Option<JournalHead>,
    /// The line that has its number and another digest.
    in_its_place: Option<JournalHead>,
}

impl<'k> KeptHeadSearch<'k> {
    pub(super) fn new(kept: &'k KeptHead) -> Self {
        Self {
            kept,
            found: None,
            in_its_place: None,
        }
    }

    /// Looks at the next line.
    pub(super) fn look(&mut self, line: &JournalHead) {
        if self.kept.is(line) {
            self.found = Some(line.clone());
        } else if self.kept.seq == Some(line.seq) {
            self.in_its_place = Some(line.clone());
        }
    }

    /// Where the journal has the line, everything up to it is what it was when its head was kept.
    pub(super) fn finish(self, verified: &mut Verified) {
        let kept = &self.kept.sha256;
        let finding = match (self.kept.seq, self.in_its_place) {
            _ if self.found.is_some() => {
                verified.kept_head = self.found;
                return;
            }
            (Some(seq), Some(line)) => {
                let (number, now) = (seq.saturating_add(1), line.sha256);
                format!(
                    "journal.jsonl, line {number}: it was {kept} when its head was kept, and is {now} now"
                )
            }
            (Some(seq), None) => {
                let number = seq.saturating_add(1);
                format!("journal.jsonl: ends before line {number}, whose head was kept: {kept}")
            }
            (None, _) => format!("journal.jsonl: no line is the head that was kept: {kept}"),
        };
        verified.findings.push(finding);
    }
}

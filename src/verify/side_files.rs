//! Notes, hook records and outcomes. What is wrong with these files says nothing against the run; but a line of them that saw a head which
//! the journal does not have speaks against one of the two.

use std::path::Path;
use std::sync::Arc;

use super::Verified;
use crate::journal::{HookRecord, HookRecords, JournalError, Outcomes, Reviews, Storage};
use crate::run::JournalHead;
use crate::survey::Digest;

/// The heads of the journal that the lines of side files have seen.
#[derive(Debug, Default)]
pub(super) struct SideFileHeads {
    /// Where each was seen, in words; those that the journal has are taken out.
    missing: Vec<(String, JournalHead)>,
}

impl SideFileHeads {
    /// Reads the side files of a run, and says what is wrong with them.
    pub(super) fn read(
        storage: &Arc<dyn Storage>,
        run: &Path,
        verified: &mut Verified,
    ) -> Result<Self, JournalError> {
        let reviews = Reviews::new(storage.clone(), run);
        let hooks = HookRecords::new(storage.clone(), run);
        let outcomes = Outcomes::new(storage.clone(), run);
        let damage = [reviews.damage()?, hooks.damage()?, outcomes.damage()?];
        let said = damage.iter().flatten().map(ToString::to_string);
        verified.beside.extend(said);
        let mut missing = Vec::new();
        let mut saw = |file: &str, nth: usize, what: &str, seq: u64, sha256: &Digest| {
            let place = format!("{file}, line {}: the head that {what}", nth + 1);
            let sha256 = sha256.clone();
            missing.push((place, JournalHead { seq, sha256 }));
        };
        for (nth, entry) in lines(reviews.read())?.iter().enumerate() {
            let (seq, sha256) = entry.event.head();
            saw("reviews.jsonl", nth, "the note saw", seq, sha256);
        }
        for (nth, entry) in lines(outcomes.read())?.iter().enumerate() {
            let (seq, sha256) = entry.event.head();
            saw("outcomes.jsonl", nth, "it was found for", seq, sha256);
        }
        for (nth, entry) in lines(hooks.read())?.into_iter().enumerate() {
            if let HookRecord::HookStarted {
                head_seq: seq,
                head_sha256: sha256,
                ..
            } = entry.event
            {
                saw("hooks.jsonl", nth, "the hook was told", seq, &sha256);
            }
        }
        Ok(Self { missing })
    }

    /// Looks at the next line of the journal.
    pub(super) fn look(&mut self, line: &JournalHead) {
        self.missing.retain(|(_, seen)| seen != line);
    }

    /// Names the heads that no line had.
    pub(super) fn finish(self, verified: &mut Verified) {
        let named = self.missing.into_iter().map(|(place, seen)| {
            let JournalHead { seq, sha256 } = seen;
            format!("{place}, seq {seq} {sha256}, is not in this journal")
        });
        verified.findings.extend(named);
    }
}

/// The lines of a file that chains; one that does not was named.
fn lines<T>(read: Result<Vec<T>, JournalError>) -> Result<Vec<T>, JournalError> {
    match read {
        Err(JournalError::Corrupt(_)) => Ok(Vec::new()),
        read => read,
    }
}

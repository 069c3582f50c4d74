//! The rejection sheet as a state machine of keys and time.
//! Invariant: no rejection without a reason that was typed on the open sheet (test `a_reason_is_required_and_typed`).

use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;

use crate::run::ApprovalGate;
use crate::survey::Digest;

/// Characters less than 5 ms apart are a paste.
const BURST: Duration = Duration::from_millis(5);
/// Time without a key before the first character counts: what was typed for the screen before is not part of the reason.
const SILENCE: Duration = Duration::from_millis(250);
/// Longest reason in bytes.
const REASON_MAX: usize = 2_000;

/// An open rejection sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectSheet {
    /// The gate that is rejected.
    pub gate: ApprovalGate,
    /// The digest that is rejected.
    pub evidence: Digest,
    /// The reason, as typed so far.
    pub reason: String,
    /// What the sheet says of the last keys.
    pub remark: Option<&'static str>,
    /// The rejection is on its way.
    pub sent: bool,
    last_input: Duration,
    began: bool,
    in_burst: bool,
}

impl RejectSheet {
    /// Opens the sheet at `now`.
    pub fn open(gate: ApprovalGate, evidence: Digest, now: Duration) -> Self {
        Self {
            gate,
            evidence,
            reason: String::new(),
            remark: None,
            sent: false,
            last_input: now,
            began: false,
            in_burst: false,
        }
    }

    /// A bracketed paste: dropped whole.
    pub fn pasted(&mut self, at: Duration) {
        self.last_input = at;
        self.in_burst = true;
        self.remark = Some("The paste was dropped: type the reason.");
    }

    /// Takes a typed character, up to [`REASON_MAX`].
    pub fn character(&mut self, c: char, at: Duration) {
        if self.is_dropped(at) {
            return;
        }
        self.remark = None;
        if !self.sent && self.reason.len() + c.len_utf8() <= REASON_MAX {
            self.reason.push(c);
        }
    }

    /// Takes the last letter back, with its marks.
    pub fn backspace(&mut self, at: Duration) {
        if !self.is_dropped(at)
            && !self.sent
            && let Some((start, _)) = self.reason.grapheme_indices(true).next_back()
        {
            self.reason.truncate(start);
        }
    }

    /// Enter: whether to reject.
    pub fn enter(&mut self, at: Duration) -> bool {
        if self.is_dropped(at) || self.sent {
            return false;
        }
        if self.reason.trim().is_empty() {
            self.remark = Some("A reason is required.");
            return false;
        }
        self.sent = true;
        true
    }

    fn is_dropped(&mut self, at: Duration) -> bool {
        let gap = at.saturating_sub(self.last_input);
        self.last_input = at;
        if !self.began {
            if gap < SILENCE {
                self.remark = Some("What was typed before the sheet was READY was dropped.");
                return true;
            }
            self.began = true;
            return false;
        }
        if gap >= BURST {
            self.in_burst = false;
            return false;
        }
        // The first character of the burst was taken before the burst could be seen.
        if !self.in_burst && !self.sent {
            self.reason.pop();
        }
        self.in_burst = true;
        self.remark = Some("Characters under 5 ms apart are a paste: all of them were dropped.");
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RejectSheet;
    use crate::run::ApprovalGate;
    use crate::survey::Digest;

    #[test]
    fn a_reason_is_required_and_typed() {
        let ms = Duration::from_millis;
        let mut sheet = RejectSheet::open(ApprovalGate::SG1, Digest::zero(), ms(0));
        sheet.character('x', ms(10));
        assert!(sheet.reason.is_empty(), "typed ahead");
        assert!(!sheet.enter(ms(400)));
        for (nth, c) in "né".chars().enumerate() {
            sheet.character(c, ms(500 + 60 * nth as u64));
        }
        sheet.character('a', ms(900));
        sheet.character('b', ms(901));
        sheet.character('c', ms(902));
        assert_eq!(
            sheet.reason, "né",
            "the burst went with its first character"
        );
        assert!(sheet.enter(ms(1500)));
        assert!(!sheet.enter(ms(1600)));
    }
}

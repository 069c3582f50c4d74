//! The rejection sheet as a state machine of keys and time.
//! Invariant: no rejection without a reason that was typed or pasted on the open sheet, and none by an Enter that came with it
//! (tests `a_reason_is_required_and_typed`, `a_pasted_reason_is_taken_and_confirms_nothing`).

use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;

use crate::run::ApprovalGate;
use crate::survey::Digest;

/// Characters less than 5 ms apart are a paste.
const BURST: Duration = Duration::from_millis(5);
/// Time without a key before the first character counts: what was typed for the screen before is not part of the reason.
const SILENCE: Duration = Duration::from_millis(250);
/// How long after a paste Enter counts: a text that brings its own Enter comes faster.
const PAUSE: Duration = Duration::from_millis(700);
const TOO_EARLY: &str = "What was typed before the sheet was READY was dropped.";
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
    /// When a paste came, or the last Enter too soon after it.
    pasted_at: Option<Duration>,
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
            pasted_at: None,
        }
    }

    /// A bracketed paste, which the terminal marks as such: it is part of the reason, as far as it fits.
    pub fn pasted(&mut self, text: &str, at: Duration) {
        let gap = at.saturating_sub(self.last_input);
        self.last_input = at;
        if self.sent {
            return;
        }
        if !self.began && gap < SILENCE {
            self.remark = Some(TOO_EARLY);
            return;
        }
        self.began = true;
        // Who copies a line copies its end too.
        let text = text.trim_end_matches(['\r', '\n']);
        let room = REASON_MAX.saturating_sub(self.reason.len());
        let fitting = &text[..text.floor_char_boundary(room)];
        self.reason.push_str(fitting);
        self.remark = Some(if fitting.len() < text.len() {
            "The reason is full (2,000 bytes): the end of the paste was left out."
        } else {
            "Pasted. Read it before you confirm."
        });
        // Characters that follow at once are of no hand. They take nothing of the paste with them.
        self.in_burst = true;
        self.pasted_at = Some(at);
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
        let pasted = self.pasted_at.take();
        if pasted.is_some_and(|pasted| at.saturating_sub(pasted) < PAUSE) && !self.sent {
            self.pasted_at = Some(at);
            self.last_input = at;
            self.remark = Some("That came with the paste: read the reason, then confirm.");
            return false;
        }
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
                self.remark = Some(TOO_EARLY);
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

    #[test]
    fn a_pasted_reason_is_taken_and_confirms_nothing() {
        let ms = Duration::from_millis;
        let open = || RejectSheet::open(ApprovalGate::SG1, Digest::zero(), ms(0));
        let mut sheet = open();
        sheet.pasted("early", ms(100));
        assert_eq!(sheet.reason, "", "pasted for the screen before");
        sheet.pasted("see OPS-7:\n\u{1b}[2Jlocks\r\n", ms(400));
        assert_eq!(sheet.reason, "see OPS-7:\n\u{1b}[2Jlocks");
        // The Enter of the paste, however slow, and the ones after it.
        for (at, what) in [
            (402, "a burst"),
            (460, "paced"),
            (1100, "again"),
            (1790, "still"),
        ] {
            assert!(!sheet.enter(ms(at)), "{what}");
        }
        sheet.character('!', ms(2_000));
        assert_eq!(sheet.reason, "see OPS-7:\n\u{1b}[2Jlocks!");
        assert!(sheet.enter(ms(2_500)));
        sheet.pasted("more", ms(4_000));
        assert_eq!(sheet.reason, "see OPS-7:\n\u{1b}[2Jlocks!", "on its way");

        let mut sheet = open();
        sheet.character('x', ms(400));
        sheet.pasted(&"é".repeat(3_000), ms(800));
        assert_eq!(sheet.reason.len(), 1_999, "whole characters");
        assert!(sheet.remark.is_some_and(|remark| remark.contains("full")));
        assert!(sheet.enter(ms(1_500)));
    }
}

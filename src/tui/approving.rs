//! The approval sheet as a machine of keys and time. Invariant: it approves only when READY, only by six right characters typed one by one, and only once.

use std::time::Duration;

use crate::run::ApprovalGate;
use crate::survey::{Digest, UtcTime};

/// How long the sheet must have been on screen.
const ON_SCREEN: Duration = Duration::from_secs(1);
/// How long no key must have come.
const SILENCE: Duration = Duration::from_millis(250);
/// Characters closer than this are a paste.
const BURST: Duration = Duration::from_millis(5);
/// Characters to type.
pub const TO_TYPE: usize = 6;

/// What has become of the survey that the sheet asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnSurvey {
    /// Asked for; not yet journalled that the sheet was shown.
    Asked,
    /// The sheet is journalled as shown; the facts are being read.
    Reading,
    /// All facts are those of the evidence.
    Equal(UtcTime),
    /// So many facts moved.
    Moved(usize),
    /// The facts could not be read.
    Failed(String),
}

/// What the sheet says of the last keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// Keys came before READY.
    EarlyDropped,
    /// A paste or burst came.
    BurstDropped,
    /// Enter before six characters.
    TooShort,
    /// The screen changed its size, or came back.
    ArmsAgain,
}

/// What a key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The sheet may have changed.
    Stays,
    /// All six are right and Enter was pressed: approve.
    Approve,
}

/// How far the sheet has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Arming,
    Ready,
    Sent,
}

/// An open sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveSheet {
    /// Gate.
    pub gate: ApprovalGate,
    /// The digest on the sheet.
    pub evidence: Digest,
    /// First line on screen.
    pub top: usize,
    /// The right characters typed so far.
    pub typed: String,
    /// A wrong one in the place after them.
    pub wrong: Option<char>,
    /// Its own survey.
    pub survey: OwnSurvey,
    /// What it says of the last keys.
    pub remark: Option<Remark>,
    phase: Phase,
    end_shown: bool,
    armed_from: Duration,
    last_input: Option<Duration>,
    in_burst: bool,
}

impl ApproveSheet {
    /// Opens the sheet at `now`.
    pub fn open(gate: ApprovalGate, evidence: Digest, now: Duration) -> Self {
        Self {
            gate,
            evidence,
            top: 0,
            typed: String::new(),
            wrong: None,
            survey: OwnSurvey::Asked,
            remark: None,
            phase: Phase::Arming,
            end_shown: false,
            armed_from: now,
            last_input: None,
            in_burst: false,
        }
    }

    /// The sheet as it stood when Enter approved: READY, all six typed. For looking at.
    pub fn decided(gate: ApprovalGate, evidence: Digest, equal_at: UtcTime) -> Self {
        Self {
            typed: evidence.last_six().to_owned(),
            survey: OwnSurvey::Equal(equal_at),
            phase: Phase::Ready,
            end_shown: true,
            ..Self::open(gate, evidence, Duration::ZERO)
        }
    }

    /// Whether characters count.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether the approval is on its way.
    pub fn is_sent(&self) -> bool {
        self.phase == Phase::Sent
    }

    /// Whether the last line has been on screen.
    pub fn end_was_shown(&self) -> bool {
        self.end_shown
    }

    /// Says that the last line is on screen.
    pub fn show_end(&mut self) {
        self.end_shown = true;
    }

    /// The screen changed its size or came back from a suspension: arming starts again and nothing typed stays.
    pub fn disarm(&mut self, now: Duration) {
        if self.is_sent() {
            return;
        }
        self.phase = Phase::Arming;
        self.end_shown = false;
        self.armed_from = now;
        self.typed.clear();
        self.wrong = None;
        self.remark = Some(Remark::ArmsAgain);
    }

    /// Its survey went on. A sheet whose facts moved is never READY again.
    pub fn surveyed(&mut self, survey: OwnSurvey) {
        if !self.is_sent() && !matches!(survey, OwnSurvey::Equal(_)) {
            self.phase = Phase::Arming;
            self.typed.clear();
            self.wrong = None;
        }
        self.survey = survey;
    }

    /// Becomes READY when everything holds at `now`.
    pub fn arm(&mut self, now: Duration) {
        if self.ready_at().is_some_and(|at| at <= now) {
            self.phase = Phase::Ready;
            self.in_burst = false;
        }
    }

    /// When it becomes READY if nothing happens; `None`: it does not by waiting alone, or is.
    pub fn ready_at(&self) -> Option<Duration> {
        if self.phase != Phase::Arming || !self.end_shown {
            return None;
        }
        if !matches!(self.survey, OwnSurvey::Equal(_)) {
            return None;
        }
        let silent = self.last_input.map_or(Duration::ZERO, |at| at + SILENCE);
        Some((self.armed_from + ON_SCREEN).max(silent))
    }

    /// A key other than a character or Enter: silence starts anew, a burst goes on.
    pub fn other_key(&mut self, at: Duration) {
        self.last_input = Some(at);
    }

    /// A key that the terminal repeats by itself: nothing, but not silence.
    pub fn repeated(&mut self, at: Duration) {
        self.other_key(at);
    }

    /// A bracketed paste.
    pub fn pasted(&mut self, at: Duration) {
        self.last_input = Some(at);
        self.in_burst = true;
        self.remark = Some(Remark::BurstDropped);
    }

    /// Takes the last character back.
    pub fn backspace(&mut self, at: Duration) {
        let burst = self.note_input(at);
        if self.is_ready() && !burst && self.wrong.take().is_none() {
            self.typed.pop();
        }
    }

    /// A character.
    pub fn character(&mut self, c: char, at: Duration) {
        let burst = self.note_input(at);
        if self.phase == Phase::Arming {
            self.remark = Some(Remark::EarlyDropped);
        }
        if burst || !self.is_ready() {
            return;
        }
        self.remark = None;
        self.wrong = None;
        if self.typed.len() == TO_TYPE {
            return;
        }
        if self.evidence.last_six().chars().nth(self.typed.len()) == Some(c) {
            self.typed.push(c);
        } else {
            self.wrong = Some(c);
        }
    }

    /// Enter.
    pub fn enter(&mut self, at: Duration) -> Outcome {
        let burst = self.note_input(at);
        if self.phase == Phase::Arming {
            self.remark = Some(Remark::EarlyDropped);
        }
        if burst || !self.is_ready() {
            return Outcome::Stays;
        }
        if self.typed != self.evidence.last_six() || self.wrong.is_some() {
            self.remark = Some(Remark::TooShort);
            return Outcome::Stays;
        }
        self.phase = Phase::Sent;
        Outcome::Approve
    }

    /// The approval could not be sent.
    pub fn unsent(&mut self) {
        self.phase = Phase::Ready;
    }

    /// Notes a key at `at`; true if it belongs to a burst, whose first character is then taken back too.
    fn note_input(&mut self, at: Duration) -> bool {
        let close = self
            .last_input
            .is_some_and(|last| at.saturating_sub(last) < BURST);
        self.last_input = Some(at);
        if !close {
            self.in_burst = false;
            return false;
        }
        if !self.in_burst && self.is_ready() && self.wrong.take().is_none() {
            self.typed.pop();
        }
        self.in_burst = true;
        if self.is_ready() {
            self.remark = Some(Remark::BurstDropped);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ApproveSheet, Outcome, OwnSurvey, Remark};
    use crate::run::ApprovalGate;
    use crate::survey::{Digest, UtcTime};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn ready() -> (ApproveSheet, Vec<char>) {
        let digest = Digest::of("evidence");
        let six = digest.last_six().chars().collect();
        let mut sheet = ApproveSheet::open(ApprovalGate::SG2, digest, ms(0));
        sheet.show_end();
        sheet.surveyed(OwnSurvey::Equal(UtcTime::from_unix_micros(0)));
        sheet.arm(ms(999));
        assert!(!sheet.is_ready());
        sheet.arm(ms(1000));
        assert!(sheet.is_ready());
        (sheet, six)
    }

    #[test]
    fn six_right_characters_and_enter_approve_once() {
        let (mut sheet, six) = ready();
        let mut at = 1100;
        for c in six {
            sheet.character(c, ms(at));
            at += 5;
        }
        assert_eq!(sheet.enter(ms(at)), Outcome::Approve);
        assert_eq!(sheet.enter(ms(at + 50)), Outcome::Stays);
    }

    #[test]
    fn a_burst_is_dropped_with_its_first_character() {
        let (mut sheet, six) = ready();
        sheet.character(six[0], ms(1100));
        for (nth, c) in six.iter().skip(1).enumerate() {
            sheet.character(*c, ms(2000 + nth as u64));
        }
        assert_eq!(sheet.typed, six[0].to_string());
        assert_eq!(sheet.enter(ms(2006)), Outcome::Stays);
        assert_eq!(sheet.remark, Some(Remark::BurstDropped));
    }

    #[test]
    fn a_wrong_character_costs_nothing() {
        let (mut sheet, six) = ready();
        sheet.character('z', ms(1100));
        assert_eq!(sheet.wrong, Some('z'));
        assert_eq!(sheet.enter(ms(1200)), Outcome::Stays);
        sheet.character(six[0], ms(1300));
        assert_eq!((sheet.typed.len(), sheet.wrong), (1, None));
    }

    #[test]
    fn nothing_counts_before_ready() {
        let (_, six) = ready();
        let mut sheet = ApproveSheet::open(ApprovalGate::SG2, Digest::of("evidence"), ms(0));
        for (nth, c) in six.iter().enumerate() {
            sheet.character(*c, ms(100 * nth as u64));
        }
        assert_eq!(sheet.enter(ms(700)), Outcome::Stays);
        assert!(sheet.typed.is_empty());
        sheet.surveyed(OwnSurvey::Equal(UtcTime::from_unix_micros(0)));
        assert_eq!(sheet.ready_at(), None, "the last line was not shown");
        sheet.show_end();
        assert_eq!(sheet.ready_at(), Some(ms(1000)));
        sheet.other_key(ms(900));
        assert_eq!(sheet.ready_at(), Some(ms(1150)));
    }

    #[test]
    fn a_resize_starts_again() {
        let (mut sheet, six) = ready();
        sheet.character(six[0], ms(1100));
        sheet.disarm(ms(1200));
        assert!(!sheet.is_ready() && sheet.typed.is_empty());
        sheet.show_end();
        assert_eq!(sheet.ready_at(), Some(ms(2200)));
    }

    #[test]
    fn moved_facts_never_become_ready() {
        let (mut sheet, _) = ready();
        sheet.surveyed(OwnSurvey::Moved(2));
        sheet.arm(ms(90_000));
        assert!(!sheet.is_ready());
    }
}

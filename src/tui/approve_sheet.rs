//! The approval sheet as a state machine of keys and time: ARMING, READY, SENT.
//! Invariant: `ApproveSheet::enter` approves only when READY, by exactly six right characters typed one by one and an Enter
//! after a pause, and only once (tests below, and tests/screens/flows.rs).

use std::time::Duration;

use super::open_text::OpenText;
use crate::planted::{PlantedBug, planted};
use crate::run::ApprovalGate;
use crate::survey::{Digest, UtcTime};

/// Minimum time on screen before READY: 1 s.
const ON_SCREEN: Duration = Duration::from_secs(1);
/// Time without a key before READY: 250 ms.
const SILENCE: Duration = Duration::from_millis(250);
/// Characters less than 5 ms apart are a paste.
const BURST: Duration = Duration::from_millis(5);
/// How long no key must have come before Enter counts: a text that brings its own Enter comes faster.
pub const PAUSE: Duration = Duration::from_millis(700);
/// A timer that goes off later than this found the program standing still: keys may wait in the terminal that came meanwhile.
const STALL: Duration = Duration::from_millis(100);
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
pub enum SheetRemark {
    /// Keys came before READY.
    EarlyDropped,
    /// A paste or burst came.
    BurstDropped,
    /// Enter before six right characters, or after more than six.
    NotSix,
    /// Enter without a pause before it.
    NoPause,
    /// The screen changed its size, or came back.
    ArmsAgain,
}

/// State of the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Arming,
    Ready,
    Sent,
}

/// An open approval sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveSheet {
    /// The gate that is asked about.
    pub gate: ApprovalGate,
    /// Digest of the evidence on the sheet.
    pub evidence: Digest,
    /// First line on screen.
    pub top: usize,
    /// The right characters typed so far.
    pub typed: String,
    /// What stands after them and is wrong: one character in the place of a right one, or all beyond the sixth.
    pub wrong: String,
    /// State of the full survey that the sheet asked for.
    pub survey: OwnSurvey,
    /// What it says of the last keys.
    pub remark: Option<SheetRemark>,
    /// The page that is read in its place; `None`: the sheet is on screen.
    reading: Option<OpenText>,
    phase: Phase,
    /// Since when the sheet says READY, or goes on after a stall; a key from before was typed without seeing that.
    ready_since: Duration,
    /// Since when it says that Enter approves; an Enter from before was pressed without seeing that.
    enter_since: Option<Duration>,
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
            wrong: String::new(),
            survey: OwnSurvey::Asked,
            remark: None,
            reading: None,
            phase: Phase::Arming,
            ready_since: now,
            enter_since: None,
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
            enter_since: Some(Duration::ZERO),
            end_shown: true,
            ..Self::open(gate, evidence, Duration::ZERO)
        }
    }

    /// Whether characters count.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether Enter approves now.
    pub fn enter_counts(&self) -> bool {
        self.is_ready() && self.enter_since.is_some()
    }

    /// Whether exactly the six right characters stand there.
    pub fn is_complete(&self) -> bool {
        self.typed == self.evidence.last_six() && self.wrong.is_empty()
    }

    /// Characters typed beyond the sixth.
    pub fn surplus(&self) -> usize {
        match self.typed.len() {
            TO_TYPE => self.wrong.chars().count(),
            _ => 0,
        }
    }

    /// Whether the approval is on its way.
    pub fn is_sent(&self) -> bool {
        self.phase == Phase::Sent
    }

    /// Whether the last line has been on screen.
    pub fn end_was_shown(&self) -> bool {
        self.end_shown
    }

    /// Notes that the last line is on screen.
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
        self.clear_typed();
        self.remark = Some(SheetRemark::ArmsAgain);
    }

    /// The page that is read in its place; `None`: the sheet is on screen.
    pub fn reading(&self) -> Option<&OpenText> {
        self.reading.as_ref()
    }

    /// Shows a page in its place, or the sheet again. Either way it arms anew, and not before it is on screen.
    pub fn read(&mut self, page: Option<OpenText>, now: Duration) {
        if self.is_sent() {
            return;
        }
        self.reading = page;
        self.disarm(now);
        self.other_key(now);
    }

    /// Scrolls or turns the page that is read.
    pub fn read_on(&mut self, page: OpenText, now: Duration) {
        self.reading = Some(page);
        self.other_key(now);
    }

    /// Its survey went on. A sheet whose facts moved is never READY again.
    pub fn surveyed(&mut self, survey: OwnSurvey) {
        if !self.is_sent() && !matches!(survey, OwnSurvey::Equal(_)) {
            self.phase = Phase::Arming;
            self.clear_typed();
        }
        self.survey = survey;
    }

    fn clear_typed(&mut self) {
        self.typed.clear();
        self.wrong.clear();
        self.enter_since = None;
    }

    /// Lets more count when its time has come at `now`: first READY, then Enter. After a stall the pause before Enter begins
    /// anew.
    pub fn arm(&mut self, now: Duration) {
        let Some(at) = self.counts_at().filter(|at| *at <= now) else {
            return;
        };
        if self.phase == Phase::Arming {
            self.phase = Phase::Ready;
            self.ready_since = now;
            self.in_burst = false;
        } else if now.saturating_sub(at) > STALL {
            self.ready_since = now;
        } else {
            self.enter_since = Some(now);
        }
    }

    /// When more counts if nothing happens: the sheet becomes READY, or Enter approves. `None`: never by waiting alone.
    pub fn counts_at(&self) -> Option<Duration> {
        let rest = |pause| self.last_input.map_or(Duration::ZERO, |at| at + pause);
        match self.phase {
            Phase::Arming if self.end_shown && matches!(self.survey, OwnSurvey::Equal(_)) => {
                Some((self.armed_from + ON_SCREEN).max(rest(SILENCE)))
            }
            Phase::Ready if self.is_complete() && self.enter_since.is_none() => {
                Some((self.ready_since + PAUSE).max(rest(PAUSE)))
            }
            _ => None,
        }
    }

    /// A key other than a character or Enter: silence starts anew, a burst goes on.
    pub fn other_key(&mut self, at: Duration) {
        self.last_input = Some(at);
        self.enter_since = None;
    }

    /// A key that the terminal repeats by itself: nothing, but not silence.
    pub fn repeated(&mut self, at: Duration) {
        self.other_key(at);
    }

    /// A bracketed paste: dropped whole.
    pub fn pasted(&mut self, at: Duration) {
        self.other_key(at);
        self.in_burst = true;
        self.remark = Some(SheetRemark::BurstDropped);
    }

    /// Takes the last character back.
    pub fn backspace(&mut self, at: Duration) {
        if self.takes(at) {
            self.take_back();
        }
    }

    /// Takes a typed character.
    pub fn character(&mut self, c: char, at: Duration) {
        if !self.takes(at) {
            return;
        }
        self.remark = None;
        if self.typed.len() == TO_TYPE {
            self.wrong.push(c);
            return;
        }
        self.wrong.clear();
        if self.evidence.last_six().chars().nth(self.typed.len()) == Some(c) {
            self.typed.push(c);
        } else {
            self.wrong.push(c);
        }
    }

    /// Takes Enter. `true`: it approves, and the sheet is SENT.
    pub fn enter(&mut self, at: Duration) -> bool {
        // Before `takes`, which sets `enter_since` back.
        let counts = self.enter_since.is_some_and(|since| since <= at);
        if !self.takes(at) {
            return false;
        }
        if !self.is_complete() {
            self.remark = Some(SheetRemark::NotSix);
            return false;
        }
        if !counts {
            self.remark = Some(SheetRemark::NoPause);
            return false;
        }
        self.phase = Phase::Sent;
        true
    }

    /// The approval could not be sent.
    pub fn unsent(&mut self) {
        self.phase = Phase::Ready;
    }

    /// Notes a key that came at `at`. False: it is dropped, for it came too early or in a burst, whose first key is then taken
    /// back too.
    fn takes(&mut self, at: Duration) -> bool {
        let is_close = self
            .last_input
            .is_some_and(|last| at.saturating_sub(last) < BURST)
            && !planted(PlantedBug::AcceptPaste);
        let waited = at < self.ready_since && !planted(PlantedBug::NoInputDrain);
        let is_early = self.phase == Phase::Arming || waited;
        self.other_key(at);
        if is_early {
            self.remark = Some(SheetRemark::EarlyDropped);
        }
        // The first character of a burst was taken before the burst could be seen.
        if is_close && self.is_ready() {
            if !self.in_burst {
                self.take_back();
            }
            self.remark = Some(SheetRemark::BurstDropped);
        }
        self.in_burst = is_close;
        self.is_ready() && !is_early && !is_close
    }

    fn take_back(&mut self) {
        if self.wrong.pop().is_none() {
            self.typed.pop();
        }
    }
}

#[cfg(test)]
#[path = "approve_sheet_tests.rs"]
mod tests;

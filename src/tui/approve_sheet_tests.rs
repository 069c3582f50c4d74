//! The approval sheet under keys and time: what approves, and what never does.

use std::time::Duration;

use super::{ApproveSheet, OwnSurvey, SheetRemark};
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

/// Types the six, `gap` apart, the first at 1100 ms; gives when the last came.
fn type_six(sheet: &mut ApproveSheet, six: &[char], gap: u64) -> u64 {
    let mut at = 1100;
    for (nth, c) in six.iter().enumerate() {
        at = 1100 + gap * nth as u64;
        sheet.arm(ms(at));
        sheet.character(*c, ms(at));
    }
    at
}

#[test]
fn six_right_characters_and_enter_after_a_pause_approve_once() {
    let (mut sheet, six) = ready();
    let last = type_six(&mut sheet, &six, 5);
    assert_eq!(sheet.counts_at(), Some(ms(last + 700)));
    sheet.arm(ms(last + 699));
    assert!(!sheet.enter_counts());
    sheet.arm(ms(last + 700));
    assert!(sheet.enter_counts());
    assert!(sheet.enter(ms(last + 701)));
    assert!(!sheet.enter(ms(last + 1500)));
}

#[test]
fn text_that_brings_its_enter_does_not_approve() {
    for gap in 5..=699 {
        let (mut sheet, six) = ready();
        let mut at = type_six(&mut sheet, &six, gap);
        // However many lines end the text: each Enter begins the pause anew.
        for _ in 0..50 {
            at += gap;
            sheet.arm(ms(at));
            assert!(!sheet.enter(ms(at)), "{gap} ms");
        }
        assert_eq!(sheet.remark, Some(SheetRemark::NoPause));
        sheet.arm(ms(at + 700));
        assert!(sheet.enter(ms(at + 700)));
    }
}

#[test]
fn any_key_begins_the_pause_anew() {
    let keys: [fn(&mut ApproveSheet); 4] = [
        |sheet| sheet.other_key(ms(1799)),
        |sheet| sheet.repeated(ms(1799)),
        |sheet| sheet.pasted(ms(1799)),
        |sheet| {
            sheet.character('z', ms(1790));
            sheet.backspace(ms(1799));
        },
    ];
    for press in keys {
        let (mut sheet, six) = ready();
        type_six(&mut sheet, &six, 10);
        press(&mut sheet);
        sheet.arm(ms(2498));
        assert!(!sheet.enter(ms(2498)));
    }
}

#[test]
fn a_key_counts_by_when_it_came_not_by_when_it_is_handled() {
    let (mut sheet, six) = ready();
    let last = type_six(&mut sheet, &six, 20);
    // The screen stood still, and Enter waited for it meanwhile: handled late, or even read late.
    sheet.arm(ms(5000));
    assert!(!sheet.enter(ms(last + 20)));
    sheet.arm(ms(9000));
    assert!(!sheet.enter(ms(9001)));
    sheet.arm(ms(9701));
    assert!(sheet.enter(ms(9702)));
    let mut sheet = ApproveSheet::open(ApprovalGate::SG2, Digest::of("evidence"), ms(0));
    sheet.show_end();
    sheet.surveyed(OwnSurvey::Equal(UtcTime::from_unix_micros(0)));
    sheet.arm(ms(5000));
    sheet.character(six[0], ms(900));
    assert!(sheet.typed.is_empty(), "typed before READY was said");
}

#[test]
fn more_than_six_are_not_six() {
    let (mut sheet, six) = ready();
    let last = type_six(&mut sheet, &six, 100);
    for (nth, c) in "zz9".chars().enumerate() {
        sheet.character(c, ms(last + 100 * (1 + nth as u64)));
    }
    assert_eq!((sheet.wrong.as_str(), sheet.surplus()), ("zz9", 3));
    sheet.arm(ms(9000));
    assert!(!sheet.enter_counts());
    assert!(!sheet.enter(ms(9000)));
    assert_eq!(sheet.remark, Some(SheetRemark::NotSix));
    for nth in 1..=3 {
        sheet.backspace(ms(9000 + 100 * nth));
    }
    assert!(sheet.is_complete());
    sheet.arm(ms(10_000));
    assert!(sheet.enter(ms(10_000)));
}

#[test]
fn a_burst_is_dropped_with_its_first_character() {
    let (mut sheet, six) = ready();
    sheet.character(six[0], ms(1100));
    for (nth, c) in six.iter().skip(1).enumerate() {
        sheet.character(*c, ms(2000 + nth as u64));
    }
    assert_eq!(sheet.typed, six[0].to_string());
    assert!(!sheet.enter(ms(2006)));
    assert_eq!(sheet.remark, Some(SheetRemark::BurstDropped));
}

#[test]
fn a_wrong_character_costs_nothing() {
    let (mut sheet, six) = ready();
    sheet.character('z', ms(1100));
    assert_eq!(sheet.wrong, "z");
    assert!(!sheet.enter(ms(1200)));
    sheet.character(six[0], ms(1300));
    assert_eq!((sheet.typed.len(), sheet.wrong.as_str()), (1, ""));
}

#[test]
fn nothing_counts_before_ready() {
    let (_, six) = ready();
    let mut sheet = ApproveSheet::open(ApprovalGate::SG2, Digest::of("evidence"), ms(0));
    for (nth, c) in six.iter().enumerate() {
        sheet.character(*c, ms(100 * nth as u64));
    }
    assert!(!sheet.enter(ms(700)));
    assert!(sheet.typed.is_empty());
    sheet.surveyed(OwnSurvey::Equal(UtcTime::from_unix_micros(0)));
    assert_eq!(sheet.counts_at(), None, "the last line was not shown");
    sheet.show_end();
    assert_eq!(sheet.counts_at(), Some(ms(1000)));
    sheet.other_key(ms(900));
    assert_eq!(sheet.counts_at(), Some(ms(1150)));
}

#[test]
fn a_resize_starts_again() {
    let (mut sheet, six) = ready();
    sheet.character(six[0], ms(1100));
    sheet.disarm(ms(1200));
    assert!(!sheet.is_ready() && sheet.typed.is_empty());
    sheet.show_end();
    assert_eq!(sheet.counts_at(), Some(ms(2200)));
}

#[test]
fn moved_facts_never_become_ready() {
    let (mut sheet, _) = ready();
    sheet.surveyed(OwnSurvey::Moved(2));
    sheet.arm(ms(90_000));
    assert!(!sheet.is_ready());
}

/// A clock that runs only when a test lets it, numbers that look random and are the same each time, and the timer of the event
/// loop.
struct Hand {
    sheet: ApproveSheet,
    now: u64,
    state: u64,
    approvals: u32,
}

impl Hand {
    /// A sheet that is READY since one second.
    fn new(seed: u64) -> Self {
        let (sheet, _) = ready();
        Self {
            sheet,
            now: 2_000,
            state: seed.wrapping_mul(2).wrapping_add(1),
            approvals: 0,
        }
    }

    /// A number from `low` to `high`, both of them too.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        // xorshift64*
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        low + (self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % (high - low + 1)
    }

    /// Lets time go on; timers go off when they are due, or up to 20 ms late.
    fn wait(&mut self, pause: u64, latest: u64) {
        let end = self.now + pause;
        while let Some(due) = self.sheet.counts_at() {
            let late = self.between(0, latest);
            let at = due + ms(late);
            if at > ms(end) {
                break;
            }
            self.sheet.arm(at);
        }
        self.now = end;
    }

    fn press(&mut self, c: char) {
        let at = ms(self.now);
        if c == '\r' {
            self.approvals += u32::from(self.sheet.enter(at));
        } else {
            self.sheet.character(c, at);
        }
    }
}

#[test]
fn a_thousand_pastes_approve_nothing() {
    let digest = Digest::of("evidence");
    let six = digest.last_six();
    let texts = [
        format!("{six}\r"),
        format!("{six}\r\r\r"),
        format!("\r{six}\r"),
        format!("{six}{six}\r"),
        format!("{six}  \r"),
        format!("{digest}\r"),
        format!("zz{six}\r"),
        format!("{six}\rapprove\r{six}\r"),
    ];
    let mut outcomes = [0_u32; 2];
    for nth in 0..1_000_u64 {
        let text = &texts[usize::try_from(nth).expect("small") % texts.len()];
        let mut hand = Hand::new(nth);
        let gap = 1 + nth % 60;
        let bracketed = nth % 5 == 0;
        if bracketed {
            // The terminal sends what is between the brackets as one; Enters may come behind it.
            hand.sheet.pasted(ms(hand.now));
        }
        for c in text.chars().filter(|c| !bracketed || *c == '\r') {
            // Half of them pace evenly, the others from nothing to twice the gap, at most 60 ms.
            let pause = match nth % 2 {
                0 => gap,
                _ => hand.between(0, (2 * gap).min(60)),
            };
            hand.wait(pause, 20);
            hand.press(c);
        }
        assert_eq!(hand.approvals, 0, "paste {nth}: {text:?}, {gap} ms");
        outcomes[usize::from(bracketed)] += 1;
    }
    assert_eq!(outcomes, [800, 200]);
}

#[test]
fn two_hundred_typings_are_all_taken() {
    let digest = Digest::of("evidence");
    for nth in 0..200_u64 {
        let mut hand = Hand::new(nth);
        // From 30 ms a character, which few can, to 400 ms, evenly and not.
        let gap = 30 + nth * 370 / 199;
        for c in digest.last_six().chars() {
            let pause = match nth % 2 {
                0 => gap,
                _ => hand.between(30, 400),
            };
            hand.wait(pause, 0);
            hand.press(c);
        }
        hand.wait(700, 0);
        hand.press('\r');
        assert_eq!(hand.approvals, 1, "typing {nth}, {gap} ms");
    }
}

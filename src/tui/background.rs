//! Whether the terminal's background is light: asked once with OSC 11, and answered when the terminal likes.
//! Invariant: nothing waits for the answer before it draws, and no part of it is ever a key (test
//! `the_answer_of_the_terminal_is_no_key`). A screen that is left waits for it no longer than [`LATE`] after the question
//! (`a_question_is_waited_for_only_while_an_answer_may_come`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyModifiers};

/// The question: what is the background colour?
pub(super) const QUERY: &[u8] = b"\x1b]11;?\x1b\\";
/// Keys that an answer has at the most: `]11;rgba:ffff/ffff/ffff/ffff` and its end.
const ANSWER_MAX: usize = 32;
/// Time within which the keys of one answer come, 200 ms. What took longer was typed.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_millis(200);

/// Time after the question (2 s) from which on no answer is expected any more: a terminal answers as soon as it reads, so this is the way
/// there and back over the slowest link.
const LATE: Duration = Duration::from_secs(2);
/// Time that an answer gets which has not come when the screen is left, 100 ms.
const AT_THE_END: Duration = Duration::from_millis(100);

/// When the terminal was asked, until it has answered; shared by the terminal and the input thread.
#[derive(Debug, Clone, Default)]
pub struct BackgroundQuery(Arc<Mutex<Option<Instant>>>);

impl BackgroundQuery {
    /// The question was sent.
    pub(super) fn asked(&self) {
        *self.since() = Some(Instant::now());
    }

    /// Whether the answer has not come.
    pub(super) fn is_open(&self) -> bool {
        self.since().is_some()
    }

    /// How long an answer that has not come may still be waited for when the screen is left; `None`: it has come, or nobody asked.
    pub(super) fn time_left(&self) -> Option<Duration> {
        self.since().map(|asked| time_left(asked.elapsed()))
    }

    fn answered(&self) {
        *self.since() = None;
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same, so long after the question.
fn time_left(since: Duration) -> Duration {
    LATE.saturating_sub(since).min(AT_THE_END)
}

/// A key with the time that it was read at.
pub(super) type TimedEvent = (Event, Duration);

/// What became of the keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sorted {
    /// They may be an answer, and are kept until that is known.
    Kept,
    /// They are keys.
    Keys(Vec<TimedEvent>),
    /// They were the answer: whether the background is light.
    Background(bool),
}

/// Sorts the answer out of the keys: the reader of keys does not know it and takes it for typing.
#[derive(Debug)]
pub(super) struct AnswerFilter {
    query: BackgroundQuery,
    kept: Vec<TimedEvent>,
}

impl AnswerFilter {
    /// A filter for the answer to this question.
    pub(super) fn new(query: BackgroundQuery) -> Self {
        Self {
            query,
            kept: Vec::new(),
        }
    }

    /// Whether keys are kept that may turn out to be none of an answer.
    pub(super) fn keeps(&self) -> bool {
        !self.kept.is_empty()
    }

    /// The keys that are kept: no more came of an answer.
    pub(super) fn give_up(&mut self) -> Vec<TimedEvent> {
        std::mem::take(&mut self.kept)
    }

    /// Takes the next key.
    pub(super) fn take(&mut self, event: Event, at: Duration) -> Sorted {
        if !self.query.is_open() {
            return Sorted::Keys(vec![(event, at)]);
        }
        let key = event.as_key_event();
        let is = |c: char, modifier: KeyModifiers| {
            key.is_some_and(|key| key.code == KeyCode::Char(c) && key.modifiers == modifier)
        };
        // The reader of keys reads ESC and a character as the character with Alt.
        let begins = is(']', KeyModifiers::ALT);
        let ends = is('\\', KeyModifiers::ALT) || is('g', KeyModifiers::CONTROL);
        let typed = key.is_some_and(|key| {
            matches!(key.code, KeyCode::Char(_)) && (key.modifiers - KeyModifiers::SHIFT).is_empty()
        });
        let first = self.kept.first().map(|(_, first)| *first);
        let goes_on = first.is_some_and(|first| {
            self.kept.len() < ANSWER_MAX && at.saturating_sub(first) < ANSWER_WITHIN
        });
        self.kept.push((event, at));
        match first {
            None if begins => return Sorted::Kept,
            Some(_) if goes_on && typed => return Sorted::Kept,
            Some(_) if goes_on && ends => {}
            _ => return Sorted::Keys(self.give_up()),
        }
        let characters = self.kept.iter().filter_map(|(event, _)| {
            let key = event.as_key_event()?;
            key.code.as_char()
        });
        let text: String = characters.collect();
        match is_light(&text[1..text.len() - 1]) {
            Some(light) => {
                self.kept.clear();
                self.query.answered();
                Sorted::Background(light)
            }
            None => Sorted::Keys(self.give_up()),
        }
    }
}

/// Whether `11;rgb:ffff/ffff/ffff` is nearer to white than to black; `None`: it is no such text.
fn is_light(answer: &str) -> Option<bool> {
    let colour = answer.strip_prefix("11;")?;
    let parts = colour
        .strip_prefix("rgb:")
        .or(colour.strip_prefix("rgba:"))?;
    let part = |hex: &str| {
        let value = u32::from_str_radix(hex, 16).ok()?;
        // One to four digits: a share of the largest value with so many.
        let digits = u32::try_from(hex.len())
            .ok()
            .filter(|n| (1..=4).contains(n))?;
        Some(value * 1_000 / (16_u32.pow(digits) - 1))
    };
    let parts: Option<Vec<u32>> = parts.split('/').map(part).collect();
    let parts = parts.filter(|parts| (3..=4).contains(&parts.len()))?;
    // How much each colour adds to what the eye calls bright (ITU-R BT.709), in thousandths.
    let bright = 213 * parts[0] + 715 * parts[1] + 72 * parts[2];
    Some(bright >= 500_000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

    use super::{AnswerFilter, BackgroundQuery, Sorted, is_light, time_left};

    fn key(c: char, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
    }

    /// The keys that the reader makes of an answer.
    fn answer(text: &str) -> Vec<Event> {
        let mut keys = vec![key(']', KeyModifiers::ALT)];
        keys.extend(text.chars().map(|c| key(c, KeyModifiers::NONE)));
        keys.push(key('\\', KeyModifiers::ALT));
        keys
    }

    fn sorted(filter: &mut AnswerFilter, keys: Vec<Event>, step_ms: u64) -> (usize, Option<bool>) {
        let (mut passed, mut light) = (0, None);
        for (nth, event) in keys.into_iter().enumerate() {
            match filter.take(event, Duration::from_millis(step_ms * nth as u64)) {
                Sorted::Kept => {}
                Sorted::Keys(keys) => passed += keys.len(),
                Sorted::Background(is_light) => light = Some(is_light),
            }
        }
        (passed, light)
    }

    fn asked() -> AnswerFilter {
        let query = BackgroundQuery::default();
        query.asked();
        AnswerFilter::new(query)
    }

    #[test]
    fn the_answer_of_the_terminal_is_no_key() {
        for (text, light) in [
            ("11;rgb:ffff/ffff/ffff", true),
            ("11;rgb:1e1e/1e1e/1e1e", false),
            ("11;rgba:f0/f0/e0/ff", true),
        ] {
            let mut filter = asked();
            assert_eq!(sorted(&mut filter, answer(text), 1), (0, Some(light)));
            // It comes once: from here on every key is one.
            let again = answer(text);
            let count = again.len();
            assert_eq!(sorted(&mut filter, again, 1), (count, None));
        }
    }

    #[test]
    fn what_is_typed_is_no_answer() {
        let mut filter = AnswerFilter::new(BackgroundQuery::default());
        let keys = answer("11;rgb:0/0/0");
        let count = keys.len();
        assert_eq!(
            sorted(&mut filter, keys.clone(), 1),
            (count, None),
            "not asked"
        );
        assert_eq!(sorted(&mut asked(), keys, 50), (count, None), "by a hand");
        let keys = answer("11;rgb:zz/0/0");
        let count = keys.len();
        assert_eq!(sorted(&mut asked(), keys, 1), (count, None), "no colour");
        let mut filter = asked();
        let began = filter.take(key(']', KeyModifiers::ALT), Duration::ZERO);
        assert_eq!((began, filter.keeps()), (Sorted::Kept, true));
        assert_eq!(filter.give_up().len(), 1);
    }

    #[test]
    fn a_question_is_waited_for_only_while_an_answer_may_come() {
        let ms = Duration::from_millis;
        for (since, left) in [(0, 100), (1_000, 100), (1_950, 50), (2_000, 0), (9_000, 0)] {
            assert_eq!(time_left(ms(since)), ms(left), "{since} ms after it");
        }
        let query = BackgroundQuery::default();
        assert_eq!(query.time_left(), None, "nobody asked");
        query.asked();
        assert!(query.time_left().is_some());
        query.answered();
        assert_eq!(query.time_left(), None, "it came");
    }

    #[test]
    fn a_colour_is_light_or_dark() {
        assert_eq!(is_light("11;rgb:fdf6/e3e3/d5d5"), Some(true));
        assert_eq!(is_light("11;rgb:00/2b/36"), Some(false));
        assert_eq!(is_light("10;rgb:ff/ff/ff"), None);
        assert_eq!(is_light("11;rgb:ff/ff"), None);
    }
}

//! How whoever only looks on shares a processor with a run. Invariant: what is given away at one go is made up for before more is given.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// A runner that the disk woke sleeps again within less: who takes longer has work of its own, and would take all there is.
const LONG: Duration = Duration::from_millis(1);
/// So many times as long nothing more is given.
const MADE_UP: u32 = 20;

/// Lets whoever waits for this processor go first, as long as that is short.
///
/// A kernel lets a thread that runs go on for some milliseconds before it looks who waits, and a runner sleeps some eight times
/// for each record until the disk has it: without this it waits behind whoever looks on. To step aside for one who never
/// sleeps costs a whole turn each time, which is why it is then done for a twentieth of the time at most.
#[derive(Debug, Default)]
pub(super) struct Courtesy {
    not_before: Cell<Option<Instant>>,
}

impl Courtesy {
    /// To be called every few tens of microseconds of work.
    pub fn step_aside(&self) {
        self.give(Instant::now, thread::yield_now);
    }

    fn give(&self, now: impl Fn() -> Instant, turn: impl FnOnce()) {
        let began = now();
        if self.not_before.get().is_some_and(|until| began < until) {
            return;
        }
        turn();
        let away = now() - began;
        let until = (away >= LONG).then(|| began + away + away * MADE_UP);
        self.not_before.set(until);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::Courtesy;

    /// What is given away while so much work is done in pieces, where each turn of the others takes so long; and how often.
    fn given(work: Duration, piece: Duration, turn: Duration) -> (Duration, u32) {
        let (courtesy, began) = (Courtesy::default(), Instant::now());
        let (passed, away, turns) = (
            Cell::new(Duration::ZERO),
            Cell::new(Duration::ZERO),
            Cell::new(0),
        );
        let mut done = Duration::ZERO;
        while done < work {
            done += piece;
            passed.set(passed.get() + piece);
            courtesy.give(
                || began + passed.get(),
                || {
                    passed.set(passed.get() + turn);
                    away.set(away.get() + turn);
                    turns.set(turns.get() + 1);
                },
            );
        }
        (away.get(), turns.get())
    }

    #[test]
    fn one_who_sleeps_soon_goes_first_each_time() {
        let (work, piece) = (Duration::from_millis(100), Duration::from_micros(20));
        assert_eq!(given(work, piece, Duration::from_micros(60)).1, 5_000);
        assert_eq!(given(work, piece, Duration::ZERO).1, 5_000);
    }

    #[test]
    fn one_who_never_sleeps_gets_a_twentieth() {
        let (work, piece) = (Duration::from_secs(1), Duration::from_micros(20));
        for turn in [1, 3, 25].map(Duration::from_millis) {
            let (away, turns) = given(work, piece, turn);
            assert!(away <= work / 20 + turn, "{away:?} in turns of {turn:?}");
            assert!(turns > 1, "others are asked again");
        }
    }
}

//! When a read that others kept us from is tried again, in a transaction of its own: locks and conflicts belong to the old snapshot.
//! Invariant: no try begins whose wait for a lock could end later than 10 s after the first (`pause_for_lock`).

use std::time::{Duration, Instant};

use crate::profile::Timeouts;
use crate::runner::target::{TargetError, UnavailableKind};

/// Pauses between the tries, where another transaction may go through at once.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// So long after it was first met a lock of others is waited for: the wait of the last try ends then.
const LOCK_TRIES_WITHIN: Duration = Duration::from_secs(10);

/// When the second try begins, since a lock was first met. Most locks are short.
const SECOND_LOCK_TRY: Duration = Duration::from_secs(2);

/// The tries of one survey or rehearsal so far.
pub(crate) struct Tries {
    lock_wait: Duration,
    failed: usize,
    /// When the first wait for a lock began.
    met: Option<Instant>,
}

impl Tries {
    /// None so far.
    pub(crate) fn of(timeouts: &Timeouts) -> Self {
        Self {
            lock_wait: Duration::from_millis(timeouts.lock_ms),
            failed: 0,
            met: None,
        }
    }

    /// How long to wait before the next try, after one that failed; `None`: it is not worth its time after this error.
    pub(crate) fn pause(&mut self, error: &TargetError) -> Option<Duration> {
        let nth = self.failed;
        self.failed += 1;
        let TargetError::Unavailable(why) = error else {
            return None;
        };
        let soon = PAUSES.get(nth)?;
        if why.kind != UnavailableKind::Lock {
            return why.kind.may_pass_soon().then_some(*soon);
        }
        let (wait, now) = (self.lock_wait, Instant::now());
        let met = *self
            .met
            .get_or_insert_with(|| now.checked_sub(wait).unwrap_or(now));
        pause_for_lock(nth, now - met, wait)
    }
}

/// How long to wait before the next try, where each waits so long for a lock: the tries are spread over all the time there is.
fn pause_for_lock(nth: usize, spent: Duration, wait: Duration) -> Option<Duration> {
    let last = LOCK_TRIES_WITHIN.checked_sub(wait)?;
    let begins = if nth == 0 {
        last.min(SECOND_LOCK_TRY)
    } else {
        last
    };
    (spent <= last).then(|| begins.saturating_sub(spent))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pause_for_lock;

    /// When each wait begins, since the first, if a lock keeps all of them out and reading up to it takes `read`.
    fn waits(wait: Duration, read: Duration) -> Vec<Duration> {
        let mut waits = vec![Duration::ZERO];
        for nth in 0..2 {
            let ended = waits[nth] + wait;
            let Some(pause) = pause_for_lock(nth, ended, wait) else {
                break;
            };
            waits.push(ended + pause + read);
        }
        waits
    }

    #[test]
    fn the_tries_are_spread_until_one_falls_behind_a_lock_of_nine_seconds() {
        let ms = Duration::from_millis;
        for (wait, read) in [
            (0, 0),
            (1, 0),
            (20, 5),
            (500, 0),
            (500, 2_000),
            (500, 8_000),
            (1_500, 20_000),
        ] {
            let (wait, read) = (ms(wait), ms(read));
            let waits = waits(wait, read);
            let last = *waits.last().expect("a try");
            assert!(last + wait >= ms(9_000), "{wait:?} {read:?}: {waits:?}");
        }
        assert_eq!(waits(ms(500), ms(0)), [ms(0), ms(2_000), ms(9_500)]);
    }

    #[test]
    fn no_try_begins_whose_wait_could_end_too_late() {
        let ms = Duration::from_millis;
        assert_eq!(waits(ms(5_000), ms(0)), [ms(0), ms(5_000)]);
        assert_eq!(waits(ms(6_000), ms(0)), [ms(0)]);
        assert_eq!(waits(ms(20_000), ms(0)), [ms(0)]);
    }
}

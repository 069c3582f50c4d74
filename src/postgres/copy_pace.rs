//! How fast the rows of a table may be read. Invariant: a copy that is ahead of its time waits, and one that somebody waits behind
//! never does (`CopyPace::wait`; test `a_copy_is_no_faster_than_the_profile_lets_it` of tests/integration/rehearsal).

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::waiting_behind::WaitingBehind;

/// How long the copy of one table may take without a limit, in milliseconds.
const COPY_MS: u64 = 300_000;
/// The longest deadline that a server takes, in milliseconds.
const DEADLINE_MAX_MS: u64 = 2_147_483_647;
/// The longest wait, after which is looked whether somebody waits behind the copy.
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// A copy that is less than this ahead does not wait.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The pace of a copy that begins.
pub(super) struct CopyPace<'w> {
    watch: &'w WaitingBehind,
    limit: Option<u64>,
    began: Instant,
}

impl<'w> CopyPace<'w> {
    /// A pace of at most `limit` bytes in a second; `None`: as fast as they come.
    pub(super) fn of(limit: Option<u64>, watch: &'w WaitingBehind) -> Self {
        Self {
            watch,
            limit: limit.filter(|limit| *limit > 0),
            began: Instant::now(),
        }
    }

    /// Waits until as many bytes may have come.
    pub(super) async fn wait(&self, bytes: u64) {
        let due = self.limit.map_or(Duration::ZERO, |limit| {
            Duration::from_millis(bytes.saturating_mul(1_000) / limit)
        });
        loop {
            let ahead = due.saturating_sub(self.began.elapsed());
            // What has come already is not held back from somebody who waits for the end.
            if ahead < PAUSE_MIN || self.watch.found().is_some() {
                return;
            }
            sleep(ahead.min(PAUSE_MAX)).await;
        }
    }
}

/// The deadline of a copy of a table with as many bytes, for the server.
pub(super) fn deadline_ms(limit: Option<u64>, bytes: u64) -> String {
    let limit = limit.filter(|limit| *limit > 0);
    // COPY writes some rows longer than they lie on the disk.
    let asked = limit.map_or(0, |limit| bytes.saturating_mul(2_000) / limit);
    let longest = COPY_MS.saturating_add(asked).min(DEADLINE_MAX_MS);
    longest.to_string()
}

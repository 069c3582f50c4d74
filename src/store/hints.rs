//! Hints of a run store that somebody wrote a line (LISTEN and NOTIFY). They only shorten a rest: what was written is found by asking,
//! with or without them, so a pooler or an engine that has none changes nothing but the delay.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::client::StoreLink;
use crate::postgres::StoreConnection;

/// The channel that lines are told of on.
const LISTEN: &str = "LISTEN drygate";

/// Pause before a connection that listens is opened again, and the longest time before it is looked at whether it still stands.
const AGAIN: Duration = Duration::from_secs(5);

/// Whether somebody wrote, as far as this process was told.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Whether somebody wrote since the last rest.
    told: Mutex<bool>,
    changed: Condvar,
}

impl Hints {
    /// Rests until there is a hint, at most so long; whether there was one.
    pub(super) fn rest(&self, at_most: Duration) -> bool {
        // A panic elsewhere leaves the mark as it is.
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(told, at_most, |told| !*told);
        let (mut told, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *told)
    }

    fn tell(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

/// Listens on a connection of its own until nobody holds the hints.
pub(super) async fn listen(link: Arc<StoreLink>, hints: Weak<Hints>) {
    while hints.strong_count() > 0 {
        if let Ok(connection) = link.open().await {
            hear(&connection, &hints).await;
        }
        sleep(AGAIN).await;
    }
}

async fn hear(connection: &StoreConnection, hints: &Weak<Hints>) {
    let notified = connection.notified();
    if connection.client().batch_execute(LISTEN).await.is_err() {
        return;
    }
    while !connection.is_closed() {
        let told = timeout(AGAIN, notified.notified()).await.is_ok();
        match hints.upgrade() {
            Some(hints) if told => hints.tell(),
            Some(_) => {}
            None => return,
        }
    }
}

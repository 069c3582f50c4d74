//! The processes that watch a run through the holder's socket. Nothing is ever sent to a watcher, so a slow one cannot hold the
//! runner up (`run_socket`).

use std::sync::{Arc, Mutex, PoisonError};

/// Watchers that are registered, at most: each takes a file descriptor of the holder. More processes may follow the journal
/// without being shown.
const SHOWN_MAX: usize = 128;

/// Called when a watcher connects or disconnects, with the user id of each one by its peer credentials, in order of arrival.
/// Must not block.
pub type WatchersChanged = Box<dyn Fn(Vec<u32>) + Send>;

/// The watchers that are connected.
#[derive(Clone)]
pub(super) struct Watchers(Arc<Mutex<Present>>);

struct Present {
    /// Seat number and user id of each watcher.
    watchers: Vec<(u64, u32)>,
    seats: u64,
    watchers_changed: WatchersChanged,
}

impl Watchers {
    pub(super) fn new(watchers_changed: WatchersChanged) -> Self {
        Self(Arc::new(Mutex::new(Present {
            watchers: Vec::new(),
            seats: 0,
            watchers_changed,
        })))
    }

    /// Registers a watcher until the seat is dropped. `None`: [`SHOWN_MAX`] are registered.
    pub(super) fn enter(&self, uid: u32) -> Option<WatcherSeat> {
        self.change(|present| {
            present.seats += 1;
            let room = present.watchers.len() < SHOWN_MAX;
            room.then(|| {
                present.watchers.push((present.seats, uid));
                WatcherSeat {
                    watchers: self.clone(),
                    number: present.seats,
                }
            })
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Present) -> T) -> T {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = present.watchers.len();
        let changed = change(&mut present);
        if present.watchers.len() != before {
            let uids = present.watchers.iter().map(|(_, uid)| *uid).collect();
            (present.watchers_changed)(uids);
        }
        changed
    }
}

/// Keeps a watcher registered until it is dropped.
pub(super) struct WatcherSeat {
    watchers: Watchers,
    number: u64,
}

impl Drop for WatcherSeat {
    fn drop(&mut self) {
        let number = self.number;
        self.watchers
            .change(|present| present.watchers.retain(|(seat, _)| *seat != number));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::{SHOWN_MAX, Watchers};

    #[test]
    fn a_watcher_is_shown_until_it_is_gone() {
        let (sender, told) = channel();
        let watchers = Watchers::new(Box::new(move |uids| sender.send(uids).expect("heard")));
        let one = watchers.enter(7).expect("a seat");
        let two = watchers.enter(8).expect("a seat");
        drop(one);
        let again = watchers.enter(8).expect("a seat");
        drop((two, again));
        let told: Vec<Vec<u32>> = told.try_iter().collect();
        assert_eq!(
            told,
            [vec![7], vec![7, 8], vec![8], vec![8, 8], vec![8], vec![]]
        );
    }

    #[test]
    fn beyond_the_most_nobody_is_shown() {
        let watchers = Watchers::new(Box::new(|_| ()));
        let seats: Vec<_> = (0..SHOWN_MAX).map(|_| watchers.enter(1)).collect();
        assert!(seats.iter().all(Option::is_some));
        assert!(watchers.enter(1).is_none());
        drop(seats);
        assert!(watchers.enter(1).is_some());
    }
}

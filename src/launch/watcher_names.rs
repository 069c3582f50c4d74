//! Names of watchers for the screen. Invariant: accounts are looked up on a thread of their own; a slow directory delays neither runner nor screen.

use std::sync::mpsc::{self, Sender};
use std::thread;

use crate::runner::{WatchersChanged, person};
use crate::tui::ScreenMessage;

/// Tells the screen who watches.
pub(super) fn send_watcher_names(messages: Sender<ScreenMessage>) -> WatchersChanged {
    let (sender, changes) = mpsc::channel::<Vec<u32>>();
    let naming = thread::Builder::new().name("watchers".to_owned());
    let started = naming.spawn(move || {
        while let Ok(mut uids) = changes.recv() {
            while let Ok(later) = changes.try_recv() {
                uids = later;
            }
            if messages
                .send(ScreenMessage::Watchers(named(&uids)))
                .is_err()
            {
                return;
            }
        }
    });
    match started {
        Ok(_) => Box::new(move |uids| {
            // A screen that was left is told nothing more.
            let _ = sender.send(uids);
        }),
        Err(_) => Box::new(|_| ()),
    }
}

/// Each account once, in the order of coming, with how many watch under it.
fn named(uids: &[u32]) -> Vec<String> {
    let mut counted: Vec<(u32, usize)> = Vec::new();
    for uid in uids {
        match counted.iter_mut().find(|(known, _)| known == uid) {
            Some((_, n)) => *n += 1,
            None => counted.push((*uid, 1)),
        }
    }
    let name = |(uid, n)| match n {
        1 => person::account(uid),
        n => format!("{} ({n})", person::account(uid)),
    };
    counted.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::runner::person::account;

    #[test]
    fn an_account_is_named_once_with_its_number() {
        let (root, other) = (account(0), account(4_123_456));
        assert_eq!(other, "uid-4123456");
        let names = named(&[4_123_456, 0, 4_123_456]);
        assert_eq!(names, [format!("{other} (2)"), root]);
        assert!(named(&[]).is_empty());
    }
}

//! The index of runs: what a list says of each, kept so that a list need not read every journal.
//! Invariant: the journals are the authority; what the cache says counts only while no file of the run has changed since, and it can always be made anew.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::index_cache::{self, CacheKey, CachedRow};
use super::storage::{Kind, Listed, Storage};
use super::{DirectoryStore, JournalError, JournalReader, StorageError, layout};
use crate::run::{Event, History, Overview, RunId, RunRow, RunStatus};

/// The files whose stamps tell whether a run has changed.
const STAMPED: [&str; 2] = [layout::JOURNAL, layout::HEAD];

/// Every name among the runs and what is known of it.
#[derive(Debug, Clone)]
pub struct RunIndex {
    storage: Arc<dyn Storage>,
    places: Vec<IndexSlot>,
    changed: bool,
}

/// A name among the runs.
#[derive(Debug, Clone)]
struct IndexSlot {
    listed: Listed,
    key: Option<CacheKey>,
    row: Option<RunRow>,
}

impl IndexSlot {
    /// Whether nothing that a person may wait for can still happen to it unseen.
    fn is_settled(&self) -> bool {
        match self.row.as_ref().map(|row| &row.standing) {
            Some(RunStatus::Run(run)) => run.result.is_some(),
            Some(
                RunStatus::Damaged { .. } | RunStatus::Newer { .. } | RunStatus::Foreign { .. },
            ) => true,
            Some(RunStatus::Unreadable { .. }) | None => false,
        }
    }
}

impl RunIndex {
    /// Lists the runs and takes from the cache what still holds. Reads no journal.
    pub fn look(store: &DirectoryStore) -> Result<Self, JournalError> {
        let storage = store.storage().clone();
        // Half of the work is the kernel's and half is reading text: a list that opens waits for both at once.
        let (listed, cached) = thread::scope(|scope| {
            let cached = scope.spawn(|| index_cache::read(&*storage));
            let listed = stamped(&*storage);
            (listed, cached.join().unwrap_or_default())
        });
        let listed = listed?;
        let (count, mut used) = (cached.len(), 0);
        let mut cached: HashMap<String, CachedRow> = cached
            .into_iter()
            .map(|entry| (entry.row.name.clone(), entry))
            .collect();
        let places: Vec<IndexSlot> = listed
            .into_iter()
            .map(|(listed, key)| {
                let known = cached.remove(&listed.name);
                let row = known.filter(|entry| key.as_ref() == Some(&entry.key));
                used += usize::from(row.is_some());
                IndexSlot {
                    row: row.map(|entry| entry.row).or_else(|| foreign(&listed)),
                    key,
                    listed,
                }
            })
            .collect();
        Ok(Self {
            changed: used != count,
            storage,
            places,
        })
    }

    /// What is known, in the order of the names. A run that was never read is not among it yet.
    pub fn rows(&self) -> impl Iterator<Item = &RunRow> {
        self.places.iter().filter_map(|place| place.row.as_ref())
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is nothing among the runs.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Reads every run that is not known, or that has not ended: a run that waits may be held by another process.
    /// `tell` hears each row and how many are still to be read.
    pub fn read_open(&mut self, tell: &mut dyn FnMut(&RunRow, usize)) {
        self.read(&|place| !place.is_settled(), tell);
    }

    /// Reads only what the cache does not know: enough to find runs that have ended.
    pub fn read_unknown(&mut self) {
        self.read(&|place| place.row.is_none(), &mut |_, _| {});
    }

    fn read(&mut self, wanted: &dyn Fn(&IndexSlot) -> bool, tell: &mut dyn FnMut(&RunRow, usize)) {
        let storage = &self.storage;
        // The newest first: they are looked at first.
        let work: Vec<(usize, Listed)> = self
            .places
            .iter()
            .enumerate()
            .filter(|(_, place)| wanted(place))
            .map(|(at, place)| (at, place.listed.clone()))
            .rev()
            .collect();
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let mut left = work.len();
        let (done, rows) = mpsc::channel();
        let (places, changed) = (&mut self.places, &mut self.changed);
        thread::scope(|scope| {
            for _ in 0..workers.min(work.len()) {
                let (done, next, work) = (done.clone(), &next, &work);
                scope.spawn(move || {
                    while let Some((at, listed)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // Nobody listens any more: the rest need not be read.
                        if done.send((*at, row(storage, listed))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(done);
            for (at, row) in rows {
                left -= 1;
                tell(&row, left);
                if let Some(place) = places.get_mut(at)
                    && place.row.as_ref() != Some(&row)
                {
                    *changed |= place.key.is_some();
                    place.row = Some(row);
                }
            }
        });
    }

    /// Keeps what is known in the cache, unless the cache says the same. It may be deleted at any time, so that a failure
    /// to write it is no failure of the list.
    pub fn keep(&self) {
        if !self.changed {
            return;
        }
        let entries = self.places.iter().filter_map(|place| {
            let keeps = !matches!(place.row.as_ref()?.standing, RunStatus::Unreadable { .. });
            keeps.then_some(())?;
            Some((place.key.as_ref()?, place.row.as_ref()?))
        });
        // Nothing is lost but time.
        let _ = index_cache::write(&*self.storage, entries);
    }
}

/// Every name among the runs, with what tells whether its run has changed.
fn stamped(storage: &dyn Storage) -> Result<Vec<(Listed, Option<CacheKey>)>, StorageError> {
    let runs = Path::new(layout::RUNS_DIR);
    let listed = storage.list(runs)?;
    let names: Vec<&str> = listed.iter().map(|listed| listed.name.as_str()).collect();
    let stamps = storage.stamps(runs, &names, &STAMPED)?;
    let keys = stamps.iter().map(|stamps| CacheKey::of(stamps));
    Ok(listed.into_iter().zip(keys).collect())
}

/// What can be said of a name without looking into it.
fn foreign(listed: &Listed) -> Option<RunRow> {
    let reason = match listed.kind {
        Kind::File => "a file, not a run's directory",
        Kind::Other => "a link, socket or device, not a run's directory",
        Kind::Directory if listed.name.parse::<RunId>().is_err() => {
            "a directory whose name is no run id"
        }
        Kind::Directory => return None,
    };
    Some(RunRow {
        name: listed.name.clone(),
        standing: RunStatus::Foreign {
            reason: reason.to_owned(),
        },
    })
}

/// Reads one run, or says why it is none.
fn row(storage: &Arc<dyn Storage>, listed: &Listed) -> RunRow {
    foreign(listed).unwrap_or_else(|| RunRow {
        name: listed.name.clone(),
        standing: standing(storage, &listed.name),
    })
}

fn standing(storage: &Arc<dyn Storage>, name: &str) -> RunStatus {
    let reader = JournalReader::new(storage.clone(), &Path::new(layout::RUNS_DIR).join(name));
    let mut history = History::without_clean_reads();
    let mut illegal = None;
    let read = reader.for_each::<Event>(|entry, _| {
        if illegal.is_some() {
            return;
        }
        if let Err(why) = history.take(entry.seq, entry.at, &entry.event, &entry.sha256) {
            let line = entry.seq + 1;
            illegal = Some(format!("{}, line {line}: {why}", layout::JOURNAL));
        }
    });
    match (read, illegal) {
        (Err(JournalError::NewerVersion { found, supported }), _) => RunStatus::Newer {
            reason: JournalError::NewerVersion { found, supported }.to_string(),
        },
        (Err(JournalError::Corrupt(corrupt)), _) => RunStatus::Damaged {
            reason: corrupt.to_string(),
        },
        (Err(error), _) => RunStatus::Unreadable {
            reason: error.to_string(),
        },
        (Ok(_), Some(reason)) => RunStatus::Damaged { reason },
        (Ok(_), None) => match Overview::of(history.run()) {
            Some(run) if run.run_id.as_str() == name => RunStatus::Run(Box::new(run)),
            Some(other) => RunStatus::Damaged {
                reason: format!("its journal is that of {}", other.run_id),
            },
            None => RunStatus::Foreign {
                reason: "no journal in it: nothing was ever recorded here".to_owned(),
            },
        },
    }
}

//! The index of runs: what a list says of each, kept so that a list need not read every journal.
//! Invariant: the journals are the authority; a cached row counts only while journal, HEAD and outcomes of its run have not changed. Held
//! by `RunIndex::look` and the test `what_the_cache_claims_of_a_changed_run_is_not_believed` of tests/index.rs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::index_cache::{self, CacheKey, CachedRow};
use super::storage::{Kind, Listed, Storage};
use super::{DirectoryStore, JournalError, JournalReader, Outcomes, StorageError, layout};
use crate::run::{Event, History, Overview, RunId, RunRow, RunStatus};

/// The files whose stamps tell whether a run has changed.
const STAMPED: [&str; 3] = [layout::JOURNAL, layout::HEAD, layout::OUTCOMES];

/// Every name in the directory of runs, with what is known about it.
#[derive(Debug, Clone)]
pub struct RunIndex {
    storage: Arc<dyn Storage>,
    places: Vec<IndexSlot>,
    /// Whether the cache file no longer says the same.
    changed: bool,
}

/// One name in the directory of runs.
#[derive(Debug, Clone)]
struct IndexSlot {
    listed: Listed,
    key: Option<CacheKey>,
    row: Option<RunRow>,
}

impl RunIndex {
    /// Lists the runs and takes over the cached rows that still hold. No journal is read.
    pub fn look(store: &DirectoryStore) -> Result<Self, JournalError> {
        let storage = store.storage().clone();
        storage.refresh(Path::new(layout::RUNS_DIR))?;
        // Asking for 20,000 stamps waits for the kernel, parsing the cache needs the processor: so both are done at once.
        let (listed, cached) = thread::scope(|scope| {
            let read = || index_cache::read(&*storage);
            let reading = thread::Builder::new().spawn_scoped(scope, read);
            let listed = stamped(&*storage);
            // Where no thread can be started it is read after them.
            let cached = match reading {
                Ok(reading) => reading.join().unwrap_or_default(),
                Err(_) => read(),
            };
            (listed, cached)
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
                // A row counts only if size, time of change and inode of these files are what they were when it was made.
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

    /// The known rows, in the order of their names. A run that was never read has no row yet.
    pub fn rows(&self) -> impl Iterator<Item = &RunRow> {
        self.places.iter().filter_map(|place| place.row.as_ref())
    }

    /// How many names there are, known or not.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether the directory of runs is empty.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Reads every run that has no row: one that was never read, or whose journal, HEAD or outcomes have changed since. `tell` gets each new
    /// row, and how many runs are still to be read.
    pub fn read_changed(&mut self, tell: &mut dyn FnMut(&RunRow, usize)) {
        let storage = &self.storage;
        // From the last name to the first: within one prefix of run ids the newest run is read first, and
        // people look at it first.
        let work: Vec<(usize, Listed)> = self
            .places
            .iter()
            .enumerate()
            .filter(|(_, place)| place.row.is_none())
            .map(|(at, place)| (at, place.listed.clone()))
            .rev()
            .collect();
        let workers = thread::available_parallelism().map_or(1, usize::from);
        // The threads take work from one counter, so that a long journal does not hold up the others.
        let next = AtomicUsize::new(0);
        let mut left = work.len();
        let (done, rows) = mpsc::channel();
        let (places, changed) = (&mut self.places, &mut self.changed);
        thread::scope(|scope| {
            let (next, work) = (&next, &work);
            let take = move || {
                let (at, listed) = work.get(next.fetch_add(1, Ordering::Relaxed))?;
                Some((*at, row(storage, listed)))
            };
            let mut working = 0;
            for _ in 0..workers.min(work.len()) {
                let done = done.clone();
                let read = move || {
                    while let Some(read) = take() {
                        // The receiver is gone: the rest need not be read.
                        if done.send(read).is_err() {
                            return;
                        }
                    }
                };
                working += usize::from(thread::Builder::new().spawn_scoped(scope, read).is_ok());
            }
            // Else the loop below would wait for this sender as well.
            drop(done);
            // Where no thread at all could be started, this one reads.
            let here = std::iter::from_fn(|| (working == 0).then(take).flatten());
            for (at, row) in rows.into_iter().chain(here) {
                left -= 1;
                tell(&row, left);
                if let Some(place) = places.get_mut(at)
                    && place.row.as_ref() != Some(&row)
                {
                    // Without a key the row is never cached, so the cache file stays as it is.
                    *changed |= place.key.is_some();
                    place.row = Some(row);
                }
            }
        });
    }

    /// Writes the cache, unless it says the same already. It may be deleted at any time, so a failure to write it is
    /// no failure of the list.
    pub fn keep(&self) {
        if !self.changed {
            return;
        }
        // An unreadable run is not cached: the reason may be gone the next time.
        let entries = self.places.iter().filter_map(|place| {
            let keeps = !matches!(place.row.as_ref()?.standing, RunStatus::Unreadable { .. });
            keeps.then_some(())?;
            Some((place.key.as_ref()?, place.row.as_ref()?))
        });
        // Without a cache the next list only takes longer.
        let _ = index_cache::write(&*self.storage, entries);
    }
}

/// Every name in the directory of runs, with the key that tells whether its run has changed; `None`: it has no journal.
fn stamped(storage: &dyn Storage) -> Result<Vec<(Listed, Option<CacheKey>)>, StorageError> {
    let runs = Path::new(layout::RUNS_DIR);
    let listed = storage.list(runs)?;
    let names: Vec<&str> = listed.iter().map(|listed| listed.name.as_str()).collect();
    // The stamps are taken before any journal is read. If a run changes in between, its row only looks older than it
    // is and is read again.
    let stamps = storage.stamps(runs, &names, &STAMPED)?;
    let keys = stamps.iter().map(|stamps| CacheKey::of(stamps));
    Ok(listed.into_iter().zip(keys).collect())
}

/// The row of a name that is no run, which can be told without opening it; `None`: it may be a run.
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

/// What the journal of a run says, read now.
pub(super) fn standing(storage: &Arc<dyn Storage>, name: &str) -> RunStatus {
    let reader = JournalReader::new(storage.clone(), &Path::new(layout::RUNS_DIR).join(name));
    match folded(&reader) {
        Err(JournalError::NewerVersion { found, supported }) => RunStatus::Newer {
            reason: JournalError::NewerVersion { found, supported }.to_string(),
        },
        Err(JournalError::Corrupt(corrupt)) => RunStatus::Damaged {
            reason: corrupt.to_string(),
        },
        Err(error) => RunStatus::Unreadable {
            reason: error.to_string(),
        },
        Ok((_, Some(reason))) => RunStatus::Damaged { reason },
        Ok((history, None)) => match Overview::of(history.run()) {
            // A directory that was renamed or copied by hand must not pass as another run.
            Some(mut run) if run.run_id.as_str() == name => {
                let directory = Path::new(layout::RUNS_DIR).join(name);
                let outcomes = Outcomes::new(storage.clone(), &directory);
                let head = run.head.as_ref();
                let seen = head.and_then(|head| outcomes.last_of(head.seq, &head.sha256));
                run.carried_out = seen.map(|seen| seen.outcome);
                RunStatus::Run(Box::new(run))
            }
            Some(other) => RunStatus::Damaged {
                reason: format!("its journal is that of {}", other.run_id),
            },
            None => RunStatus::NeverBegun {
                reason: "its process died before the first record; runs remove clears it"
                    .to_owned(),
            },
        },
    }
}

/// The fold of a journal for a list, and the first line that is not legal. Damage behind that line is still looked for: it says
/// more.
fn folded(reader: &JournalReader) -> Result<(History, Option<String>), JournalError> {
    let mut history = History::without_clean_reads();
    let mut illegal = None;
    for entry in reader.walk::<Event>()? {
        let entry = entry?;
        if illegal.is_some() {
            continue;
        }
        if let Err(why) = history.take(entry.seq, entry.at, &entry.event, &entry.sha256) {
            let line = entry.seq + 1;
            illegal = Some(format!("{}, line {line}: {why}", layout::JOURNAL));
        }
    }
    Ok((history, illegal))
}

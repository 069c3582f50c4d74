//! A data directory with runs in it, each told by a script. Invariant: what is written are real journals with chain and HEAD, made by the product's own writer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use drygate::journal::{DirectoryStore, Permissions, RunIndex, RunStore};
use drygate::run::{Event, RunId, RunRow};
use drygate::survey::UtcTime;

use crate::fixture::Script;

/// A data directory of a test or bench.
pub struct Home {
    pub path: PathBuf,
    pub store: DirectoryStore,
}

impl Home {
    /// The store at that path, empty so far.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            store: DirectoryStore::new(path, Permissions::private()).expect("a data directory"),
        }
    }

    /// Writes the run that `script` tells, under another id and moved in time, with `change` made to how it was created.
    pub fn write(
        &self,
        script: &Script,
        run_id: &str,
        change: &dyn Fn(&mut drygate::run::RunCreated),
    ) -> PathBuf {
        let run_id: RunId = run_id.parse().expect("a run id");
        let from = script.records.first().expect("an event").at;
        let shift = run_id.started().expect("a time").unix_micros() - from.unix_micros();
        let moved = |at: UtcTime| UtcTime::from_unix_micros(at.unix_micros() + shift);
        let mut by_time: BTreeMap<UtcTime, Vec<Event>> = BTreeMap::new();
        for record in &script.records {
            let mut event = (*record.event).clone();
            if let Event::RunCreated(created) = &mut event {
                created.run_id = run_id.clone();
                change(created);
            }
            by_time.entry(moved(record.at)).or_default().push(event);
        }
        let mut directory = self.store.create(&run_id).expect("a new run");
        for (at, events) in by_time {
            directory.append_all(at, &events).expect("it is written");
        }
        let path = directory.path();
        if script.run.sealed.is_some() {
            directory.seal().expect("it is sealed");
        }
        path
    }

    /// The rows of the index, brought up to date and kept, and how many journals were read for it.
    pub fn rows(&self) -> (Vec<RunRow>, usize) {
        let mut index = RunIndex::look(&self.store).expect("it lists");
        let mut read = 0;
        index.read_open(&mut |_, _| read += 1);
        index.keep();
        (index.rows().cloned().collect(), read)
    }

    /// The file of the index.
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache/runs.jsonl")
    }
}

/// Changes one byte of a file, and leaves its length as it is.
pub fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("it is written");
}

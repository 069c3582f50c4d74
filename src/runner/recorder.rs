//! The journal and the run that is folded from it, kept together.
//! Invariant: an event is legal, then durable, then applied, then shown; `RunRecorder::record_at` is the only place that
//! appends.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek as _};
use std::sync::Arc;

use super::clock::Clock;
use super::messages::{MessageSink, RunnerMessage};
use super::{RunnerError, event_log};
use crate::journal::{HookRecords, JournalEntry, JournalReader, RunDirectory};
use crate::run::{Event, History, Progress, RecordedEvent, RunState, legal, time_in};
use crate::survey::{Digest, ServerIdentity, UtcTime};

/// Writes the journal of a run that this process owns, and keeps its fold.
pub struct RunRecorder {
    directory: RunDirectory,
    history: History,
    clock: Arc<dyn Clock>,
    sink: MessageSink,
    /// The cluster of the run store; `None`: there is no store, or it does not say.
    store_cluster: Option<String>,
}

impl RunRecorder {
    /// A recorder of a run that was folded from `directory`.
    pub fn new(
        directory: RunDirectory,
        history: History,
        clock: Arc<dyn Clock>,
        sink: MessageSink,
    ) -> Self {
        Self {
            directory,
            history,
            clock,
            sink,
            store_cluster: None,
        }
    }

    /// The same for a run that is kept in a run store on this cluster, which may not be the surveyed one.
    #[must_use]
    pub fn kept_on(mut self, cluster: Option<String>) -> Self {
        self.store_cluster = cluster;
        self
    }

    /// Whether the run store is on this server.
    pub(super) fn is_kept_on(&self, server: &ServerIdentity) -> bool {
        self.store_cluster.is_some() && self.store_cluster == server.system_identifier
    }

    /// The run, as far as it is durable.
    pub fn run(&self) -> &RunState {
        self.history.run()
    }

    /// The run with its surveys, timeline and head, as far as it is durable.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The clock of this process.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The locked directory of the run: journal, blobs, ledgers.
    pub fn directory(&mut self) -> &mut RunDirectory {
        &mut self.directory
    }

    /// The side file with the hooks that ended after the seal.
    pub fn hook_records(&self) -> HookRecords {
        self.directory.hook_records()
    }

    /// Takes the directory and the run out, to write the manifest.
    pub fn into_parts(self) -> (RunDirectory, RunState) {
        (self.directory, self.history.into_run())
    }

    /// The time now in this run, which never runs back though the clock may.
    pub fn now(&self) -> UtcTime {
        let clock = &self.clock;
        time_in(self.run(), clock.now(), &clock.boot_id(), clock.uptime_ms())
    }

    /// Records one event now.
    pub fn record(&mut self, event: Event) -> Result<u64, RunnerError> {
        let at = self.now();
        self.record_at(at, event)
    }

    /// Records one event at a time that was chosen before.
    pub fn record_at(&mut self, at: UtcTime, event: Event) -> Result<u64, RunnerError> {
        // Before the append: an illegal line in the journal could not be removed any more.
        legal(self.run(), at, &event)?;
        let appended = self.directory.append(at, &event)?;
        self.history
            .take(appended.seq, at, &event, &appended.sha256)?;
        event_log::note(appended.seq, &event);
        // Last of all: nobody may see what a power failure could take back.
        (self.sink)(RunnerMessage::Recorded {
            recorded: RecordedEvent {
                seq: appended.seq,
                at,
                event: Arc::new(event),
                head: appended.sha256,
            },
            line: appended.line.into(),
        });
        Ok(appended.seq)
    }

    /// Stores a document as a blob, named by its SHA-256.
    pub fn keep(&mut self, bytes: &[u8]) -> Result<Digest, RunnerError> {
        Ok(self.directory.blobs().put(bytes)?)
    }

    /// Stores a file, from its beginning, as a blob. Memory does not grow with it.
    pub(super) fn keep_file(&mut self, mut file: File) -> Result<Digest, RunnerError> {
        file.rewind()?;
        let mut blob = self.directory.blobs().begin()?;
        let mut input = BufReader::with_capacity(1 << 16, file);
        loop {
            let piece = input.fill_buf()?;
            if piece.is_empty() {
                return Ok(blob.finish()?);
            }
            blob.write(piece)?;
            let read = piece.len();
            input.consume(read);
        }
    }

    /// The text of a blob of this run; `None`: it is missing, damaged or not UTF-8.
    pub fn document(&self, sha256: &Digest) -> Option<String> {
        self.directory.blobs().text(sha256)
    }

    /// A blob of this run that is read piece by piece; `None`: it is missing or damaged.
    pub(super) fn open_document(&self, sha256: &Digest) -> Option<Box<dyn BufRead>> {
        self.directory.blobs().open(sha256)
    }

    /// Every message also goes to `other`, before the sink that was there.
    pub fn also_tell(&mut self, other: impl Fn(&RunnerMessage) + Send + 'static) {
        let sink = std::mem::replace(&mut self.sink, Box::new(|_| ()));
        self.sink = Box::new(move |message| {
            other(&message);
            sink(message);
        });
    }

    /// Sends the progress of a long read; not recorded.
    pub fn progress(&self, progress: Progress) {
        (self.sink)(RunnerMessage::Progress(progress));
    }

    /// A reader of the journal, which reads from the disk.
    pub fn reader(&self) -> JournalReader {
        self.directory.reader()
    }
}

/// Folds a journal; the first illegal entry is an error with its line, counted from 1.
pub fn fold(reader: &JournalReader) -> Result<History, RunnerError> {
    fold_with(reader, &mut |_| {})
}

/// The same, showing each entry to `look` before it is applied.
pub fn fold_with(
    reader: &JournalReader,
    look: &mut dyn FnMut(&JournalEntry<Event>),
) -> Result<History, RunnerError> {
    let mut history = History::default();
    for entry in reader.walk::<Event>()? {
        let entry = entry?;
        look(&entry);
        take(&mut history, &entry)?;
    }
    Ok(history)
}

/// Applies an entry of a journal; an illegal one is an error with its line, counted from 1.
pub fn take(history: &mut History, entry: &JournalEntry<Event>) -> Result<(), RunnerError> {
    let taken = history.take(entry.seq, entry.at, &entry.event, &entry.sha256);
    taken.map_err(|illegal| RunnerError::IllegalJournal {
        line: entry.seq + 1,
        illegal,
    })
}

//! A journal that gives the run at any of its lines. A seek folds at most the lines between two checkpoints.
//! Invariant: the run at a line equals a fold from the first line. Held by the test
//! `every_moment_of_a_long_recording_is_the_fold_of_the_lines_before_it` of tests/screens/recordings.rs.

use std::sync::Arc;

use super::ReplayError;
use super::checkpoints::{BYTES, Checkpoints, LINES};
use crate::journal::{ChainPosition, JournalEntry, JournalPage, JournalPages, JournalReader};
use crate::run::{Event, History};
use crate::survey::UtcTime;

/// The lines from one checkpoint to the next, as they were read.
#[derive(Debug)]
struct RecordingSpan {
    number: usize,
    page: JournalPage<Event>,
}

/// Folds one line; an event that is not legal there is an error with the number of its line.
fn take(history: &mut History, entry: &JournalEntry<Event>) -> Result<(), ReplayError> {
    let taken = history.take(entry.seq, entry.at, &entry.event, &entry.sha256);
    taken.map_err(|illegal| ReplayError::Illegal {
        line: entry.seq + 1,
        illegal,
    })
}

/// A run that gives its state at any line that was read.
#[derive(Debug)]
pub struct Recording {
    pages: JournalPages,
    checkpoints: Checkpoints,
    /// The fold of everything that was read so far.
    tip: Arc<History>,
    /// The position behind the last line that was read.
    end: ChainPosition,
    is_complete: bool,
    /// The lines of the checkpoint that was asked for last.
    near: Option<RecordingSpan>,
    /// The run at the line that was asked for last.
    current: Arc<History>,
}

impl Recording {
    /// Opens a journal. Only its HEAD is read; lines come with [`Self::read_on`].
    pub fn open(reader: &JournalReader) -> Result<Self, ReplayError> {
        Ok(Self {
            pages: reader.pages()?,
            checkpoints: Checkpoints::new(),
            tip: Arc::new(History::without_clean_reads()),
            end: ChainPosition::start(),
            is_complete: false,
            near: None,
            current: Arc::new(History::without_clean_reads()),
        })
    }

    /// Reads the lines up to the next checkpoint; `false`: the end is reached.
    pub fn read_on(&mut self) -> Result<bool, ReplayError> {
        if self.is_complete {
            return Ok(false);
        }
        let span = RecordingSpan {
            number: self.checkpoints.before(self.end.seq()),
            page: self.pages.read(&self.end, LINES, BYTES)?,
        };
        // Copied only if a screen still holds the last tip.
        let tip = Arc::make_mut(&mut self.tip);
        for entry in &span.page.entries {
            take(tip, entry)?;
        }
        self.end = span.page.end.clone();
        self.is_complete = span.page.is_last;
        // No checkpoint at the end: it would lie before no line.
        if !self.is_complete {
            let position = self.end.clone();
            self.checkpoints.push(position, (*self.tip).clone());
        }
        self.near = Some(span);
        Ok(!self.is_complete)
    }

    /// Reads up to the end of the journal.
    pub fn read_all(&mut self) -> Result<(), ReplayError> {
        while self.read_on()? {}
        Ok(())
    }

    /// Whether everything was read. Every line then chains with the one before it.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// How many percent of the bytes were read.
    pub fn percent(&self) -> u8 {
        let percent = self.end.offset() * 100 / self.pages.bytes().max(1);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }

    /// Number and time of the last line that was read; `None`: none was.
    pub fn last(&self) -> Option<(u64, UtcTime)> {
        self.tip.last()
    }

    /// The run at the last line that was read.
    pub fn tip(&self) -> &Arc<History> {
        &self.tip
    }

    /// The run at line `seq`.
    pub fn at(&mut self, seq: u64) -> Result<&Arc<History>, ReplayError> {
        let (last, _) = self.last().ok_or(ReplayError::Empty)?;
        if seq > last {
            return Err(ReplayError::NoSuchRecord { seq, last });
        }
        if seq == last {
            return Ok(&self.tip);
        }
        let number = self.checkpoints.before(seq);
        let here = self.current.last().map(|(here, _)| here);
        let from = self.checkpoints.get(number);
        // Going forward within one checkpoint continues from the line that is held; everything else starts at the checkpoint.
        let ahead = here.is_some_and(|here| here <= seq && here >= from.position.seq());
        if !ahead {
            self.current = Arc::new(from.history.clone());
        }
        let here = self.current.last().map(|(here, _)| here);
        self.come_near(number)?;
        if let Some(near) = &self.near {
            // Copied only if a screen still holds the last answer.
            let current = Arc::make_mut(&mut self.current);
            for entry in &near.page.entries {
                if here.is_none_or(|here| entry.seq > here) && entry.seq <= seq {
                    take(current, entry)?;
                }
            }
        }
        Ok(&self.current)
    }

    /// The last line written at or before a time; before the run began, the first line.
    pub fn line_at(&mut self, at: UtcTime) -> Result<u64, ReplayError> {
        self.last().ok_or(ReplayError::Empty)?;
        let number = self.checkpoints.before_time(at);
        let first = self.checkpoints.get(number).position.seq();
        self.come_near(number)?;
        let entries = self.near.iter().flat_map(|near| &near.page.entries);
        let by_then = entries.take_while(|entry| entry.at <= at);
        let line = by_then.map(|entry| entry.seq).last();
        // No line of this part was written by then, so it is the last line before the checkpoint.
        Ok(line.unwrap_or_else(|| first.saturating_sub(1)))
    }

    /// The record of a line; `None`: it was not read, or does not exist.
    pub fn entry(&mut self, seq: u64) -> Result<Option<&JournalEntry<Event>>, ReplayError> {
        if self.last().is_none_or(|(last, _)| seq > last) {
            return Ok(None);
        }
        self.come_near(self.checkpoints.before(seq))?;
        let entries = self.near.iter().flat_map(|near| &near.page.entries);
        Ok(entries.into_iter().find(|entry| entry.seq == seq))
    }

    /// Reads the lines behind a checkpoint, unless they are those held already.
    fn come_near(&mut self, number: usize) -> Result<(), ReplayError> {
        if self.near.as_ref().is_none_or(|near| near.number != number) {
            let from = &self.checkpoints.get(number).position;
            let page = self.pages.read(from, LINES, BYTES)?;
            self.near = Some(RecordingSpan { number, page });
        }
        Ok(())
    }
}

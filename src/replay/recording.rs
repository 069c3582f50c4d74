//! A journal that can be asked for any of its moments. Invariant: every moment equals a fold from the first line; a seek folds at most the lines between two checkpoints.

use std::sync::Arc;

use super::ReplayError;
use super::checkpoints::{BYTES, Checkpoints, LINES};
use crate::journal::{ChainPosition, JournalEntry, JournalPage, JournalPages, JournalReader};
use crate::run::{Event, History};
use crate::survey::UtcTime;

/// The lines between two checkpoints, read.
#[derive(Debug)]
struct RecordingSpan {
    number: usize,
    page: JournalPage<Event>,
}

/// Takes the next line of a journal.
fn take(history: &mut History, entry: &JournalEntry<Event>) -> Result<(), ReplayError> {
    let taken = history.take(entry.seq, entry.at, &entry.event, &entry.sha256);
    taken.map_err(|illegal| ReplayError::Illegal {
        line: entry.seq + 1,
        illegal,
    })
}

/// A run that can be asked for any of its moments, as far as it was read.
#[derive(Debug)]
pub struct Recording {
    pages: JournalPages,
    checkpoints: Checkpoints,
    /// The fold of everything read so far.
    tip: Arc<History>,
    end: ChainPosition,
    is_complete: bool,
    near: Option<RecordingSpan>,
    /// The moment that was asked for last.
    current: Arc<History>,
}

impl Recording {
    /// Opens a journal; nothing but its HEAD is read.
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

    /// Reads on by one stretch; `false`: there is nothing more.
    pub fn read_on(&mut self) -> Result<bool, ReplayError> {
        if self.is_complete {
            return Ok(false);
        }
        let span = RecordingSpan {
            number: self.checkpoints.before(self.end.seq()),
            page: self.pages.read(&self.end, LINES, BYTES)?,
        };
        let tip = Arc::make_mut(&mut self.tip);
        for entry in &span.page.entries {
            take(tip, entry)?;
        }
        self.end = span.page.end.clone();
        self.is_complete = span.page.is_last;
        if !self.is_complete {
            let position = self.end.clone();
            self.checkpoints.push(position, (*self.tip).clone());
        }
        self.near = Some(span);
        Ok(!self.is_complete)
    }

    /// Reads to the end.
    pub fn read_all(&mut self) -> Result<(), ReplayError> {
        while self.read_on()? {}
        Ok(())
    }

    /// Whether everything was read, and every line chains.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Percent of the bytes that were read.
    pub fn percent(&self) -> u8 {
        let percent = self.end.offset() * 100 / self.pages.bytes().max(1);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }

    /// Number and time of the last line that was read.
    pub fn last(&self) -> Option<(u64, UtcTime)> {
        self.tip.last()
    }

    /// The run at the last line that was read.
    pub fn tip(&self) -> &Arc<History> {
        &self.tip
    }

    /// The run as it was at line `seq`.
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
        let ahead = here.is_some_and(|here| here <= seq && here >= from.position.seq());
        if !ahead {
            self.current = Arc::new(from.history.clone());
        }
        let here = self.current.last().map(|(here, _)| here);
        self.come_near(number)?;
        if let Some(near) = &self.near {
            let current = Arc::make_mut(&mut self.current);
            for entry in &near.page.entries {
                if here.is_none_or(|here| entry.seq > here) && entry.seq <= seq {
                    take(current, entry)?;
                }
            }
        }
        Ok(&self.current)
    }

    /// The line that was the last one at a time; the first line where the run had not begun.
    pub fn line_at(&mut self, at: UtcTime) -> Result<u64, ReplayError> {
        self.last().ok_or(ReplayError::Empty)?;
        let number = self.checkpoints.before_time(at);
        let first = self.checkpoints.get(number).position.seq();
        self.come_near(number)?;
        let entries = self.near.iter().flat_map(|near| &near.page.entries);
        let by_then = entries.take_while(|entry| entry.at <= at);
        let line = by_then.map(|entry| entry.seq).last();
        Ok(line.unwrap_or_else(|| first.saturating_sub(1)))
    }

    /// The entry of a line, where it was read.
    pub fn entry(&mut self, seq: u64) -> Result<Option<&JournalEntry<Event>>, ReplayError> {
        if self.last().is_none_or(|(last, _)| seq > last) {
            return Ok(None);
        }
        self.come_near(self.checkpoints.before(seq))?;
        let entries = self.near.iter().flat_map(|near| &near.page.entries);
        Ok(entries.into_iter().find(|entry| entry.seq == seq))
    }

    /// Reads the lines behind a checkpoint, unless they are at hand.
    fn come_near(&mut self, number: usize) -> Result<(), ReplayError> {
        if self.near.as_ref().is_none_or(|near| near.number != number) {
            let from = &self.checkpoints.get(number).position;
            let page = self.pages.read(from, LINES, BYTES)?;
            self.near = Some(RecordingSpan { number, page });
        }
        Ok(())
    }
}

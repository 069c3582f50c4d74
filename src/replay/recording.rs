//! A journal that can be asked for any of its moments. Invariant: every moment equals a fold from the first line; a seek folds at most the lines between two checkpoints.

use std::sync::Arc;

use super::checkpoints::{BYTES, Checkpoints, LINES};
use super::{ReplayError, RunMoment};
use crate::journal::{ChainPosition, JournalEntry, JournalPage, JournalPages, JournalReader};
use crate::run::{Event, Timeline};
use crate::survey::{Digest, UtcTime};

/// The lines between two checkpoints, read.
#[derive(Debug)]
struct RecordingSpan {
    number: usize,
    page: JournalPage<Event>,
}

impl RecordingSpan {
    /// The entries, each with the SHA-256 of its line.
    fn lines(&self) -> impl Iterator<Item = (&JournalEntry<Event>, Digest)> {
        let heads = self.page.entries.iter().skip(1);
        let heads = heads.map(|entry| entry.prev.clone());
        let heads = heads.chain(std::iter::once_with(|| self.page.end.prev()));
        self.page.entries.iter().zip(heads)
    }
}

/// A run that can be asked for any of its moments, as far as it was read.
#[derive(Debug)]
pub struct Recording {
    pages: JournalPages,
    checkpoints: Checkpoints,
    timeline: Arc<Timeline>,
    /// The fold of everything read so far.
    tip: RunMoment,
    end: ChainPosition,
    is_complete: bool,
    near: Option<RecordingSpan>,
    /// The moment that was asked for last.
    current: RunMoment,
}

impl Recording {
    /// Opens a journal; nothing but its HEAD is read.
    pub fn open(reader: &JournalReader) -> Result<Self, ReplayError> {
        Ok(Self {
            pages: reader.pages()?,
            checkpoints: Checkpoints::new(),
            timeline: Arc::default(),
            tip: RunMoment::default(),
            end: ChainPosition::start(),
            is_complete: false,
            near: None,
            current: RunMoment::default(),
        })
    }

    /// Reads on by one stretch; `false`: there is nothing more.
    pub fn read_on(&mut self) -> Result<bool, ReplayError> {
        if self.is_complete {
            return Ok(false);
        }
        let stretch = RecordingSpan {
            number: self.checkpoints.before(self.end.seq()),
            page: self.pages.read(&self.end, LINES, BYTES)?,
        };
        let timeline = Arc::make_mut(&mut self.timeline);
        for (entry, head) in stretch.lines() {
            self.tip.apply(entry, head)?;
            timeline.apply(entry.seq, entry.at, &entry.event);
        }
        self.end = stretch.page.end.clone();
        self.is_complete = stretch.page.is_last;
        if !self.is_complete {
            let position = self.end.clone();
            self.checkpoints.push(position, self.tip.clone());
        }
        self.near = Some(stretch);
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
        self.tip.line()
    }

    /// The run over time, as far as it was read.
    pub fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }

    /// The run at the last line that was read.
    pub fn tip(&self) -> &RunMoment {
        &self.tip
    }

    /// The run as it was at line `seq`.
    pub fn at(&mut self, seq: u64) -> Result<&RunMoment, ReplayError> {
        let (last, _) = self.last().ok_or(ReplayError::Empty)?;
        if seq > last {
            return Err(ReplayError::NoSuchRecord { seq, last });
        }
        if seq == last {
            return Ok(&self.tip);
        }
        let number = self.checkpoints.before(seq);
        let here = self.current.line().map(|(here, _)| here);
        let from = self.checkpoints.get(number);
        let ahead = here.is_some_and(|here| here <= seq && here >= from.position.seq());
        if !ahead {
            self.current = from.moment();
        }
        let here = self.current.line().map(|(here, _)| here);
        self.come_near(number)?;
        if let Some(stretch) = &self.near {
            for (entry, head) in stretch.lines() {
                if here.is_none_or(|here| entry.seq > here) && entry.seq <= seq {
                    self.current.apply(entry, head)?;
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

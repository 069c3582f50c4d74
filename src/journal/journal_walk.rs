//! One pass over a journal: what HEAD covers, what chains beyond it, what is torn. Invariant: memory does not grow with the journal.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::chain::{ChainPosition, Hex};
use super::format::{LINE_BYTES_MAX, SEALING_EVENT, VERSION};
use super::head::Head;
use super::header::LineHeader;
use super::storage::Storage;
use super::{Corrupt, JournalError, StorageError, blame, layout, manifest};

/// What a pass over a journal found.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) head: Option<Head>,
    /// Behind the line that HEAD names.
    pub(super) covered: ChainPosition,
    /// Behind the last line that chains.
    pub(super) end: ChainPosition,
    /// Bytes behind the last line that chains.
    pub(super) torn_bytes: u64,
    /// Whether a `run_sealed` line is among those that chain.
    pub(super) sealed: bool,
}

/// A line that was checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckedLine<'a> {
    pub(super) line: &'a [u8],
    pub(super) header: &'a LineHeader,
    pub(super) offset: u64,
    /// Whether HEAD covers it; others were never acknowledged.
    pub(super) covered: bool,
    /// Its own digest.
    pub(super) sha256: Hex,
}

pub(super) type LineVisitor<'a> = &'a mut dyn FnMut(CheckedLine<'_>) -> Result<(), JournalError>;

/// Reads HEAD and the whole journal and hands every line that chains to `visit`.
pub(super) fn scan(
    storage: &dyn Storage,
    run: &Path,
    visit: LineVisitor<'_>,
) -> Result<Scan, JournalError> {
    // HEAD first: a writer at work makes lines durable before it moves HEAD past them.
    let head = Head::read(storage, run)?;
    let path = run.join(layout::JOURNAL);
    if storage.len(&path)?.is_none() {
        return match head {
            Some(_) => {
                Err(Corrupt::file(layout::JOURNAL, "is missing, though HEAD is there").into())
            }
            None => Ok(Scan::nothing()),
        };
    }
    let mut walk = JournalWalk::open(storage, &path, ChainPosition::start())?;
    if let Some(head) = &head {
        walk.through(head, visit)?;
    }
    let covered = walk.position.clone();
    walk.beyond(visit)?;
    let length = storage.len(&path)?.unwrap_or_default();
    let scan = Scan {
        head,
        covered,
        torn_bytes: length.saturating_sub(walk.position.offset),
        end: walk.position,
        sealed: walk.sealed,
    };
    scan.judge(manifest::is_sealed(storage, run)?)?;
    Ok(scan)
}

impl Scan {
    fn nothing() -> Self {
        Self {
            head: None,
            covered: ChainPosition::start(),
            end: ChainPosition::start(),
            torn_bytes: 0,
            sealed: false,
        }
    }

    /// Refuses what no crash leaves behind.
    fn judge(&self, manifest: bool) -> Result<(), JournalError> {
        if let Some(found) = self.end.newer {
            return Err(JournalError::NewerVersion {
                found,
                supported: VERSION,
            });
        }
        let line = self.end.seq + 1;
        if self.torn_bytes > 0 && (self.sealed || manifest) {
            let what = "bytes after the seal";
            return Err(Corrupt::at(layout::JOURNAL, line, self.end.offset, what).into());
        }
        let beyond = self.end.seq - self.covered.seq;
        if beyond > 0 && manifest {
            let what = format!("does not cover the last {beyond} lines of a sealed journal");
            return Err(Corrupt::at(layout::HEAD, 1, 0, what).into());
        }
        if self.head.is_none() && self.end.seq > 1 {
            let what = format!("is missing, though the journal has {} lines", self.end.seq);
            return Err(Corrupt::file(layout::HEAD, what).into());
        }
        Ok(())
    }
}

/// A walk from line to line.
pub(super) struct JournalWalk {
    pub(super) lines: LineReader,
    pub(super) position: ChainPosition,
    /// The line read last, and the one before it.
    last: Option<Passed>,
    previous: Option<Passed>,
    pub(super) sealed: bool,
}

/// What was read of a line that chains.
#[derive(Debug, Clone, Copy)]
struct Passed {
    header: LineHeader,
    sha256: Hex,
}

impl JournalWalk {
    pub(super) fn open(
        storage: &dyn Storage,
        path: &Path,
        position: ChainPosition,
    ) -> Result<Self, StorageError> {
        let input = storage.open_read(path, position.offset)?;
        Ok(Self {
            lines: LineReader {
                input: BufReader::with_capacity(1 << 16, input),
                path: storage.root().join(path),
                line: Vec::new(),
                previous: Vec::new(),
            },
            position,
            last: None,
            previous: None,
            sealed: false,
        })
    }

    /// Walks to the line that HEAD names; damage on the way is named. A line is handed over once the next one, or HEAD, vouches for it.
    pub(super) fn through(
        &mut self,
        head: &Head,
        visit: LineVisitor<'_>,
    ) -> Result<(), JournalError> {
        let first = self.position.seq;
        while self.position.seq <= head.seq {
            let Some(complete) = self.lines.advance()? else {
                return Err(blame::ended(&self.lines, &self.position, head).into());
            };
            if !complete {
                return Err(blame::unterminated(&self.lines, &self.position).into());
            }
            self.pass(Some(head))?;
            if self.position.seq > first + 1 {
                hand(self.seen_previous(true), visit)?;
            }
        }
        if self.position.prev != head.sha256 {
            return Err(blame::head_differs(&mut self.lines, &self.position, head).into());
        }
        if self.position.seq > first {
            hand(self.seen(true), visit)?;
        }
        Ok(())
    }

    /// Walks while `wanted`, asked with the place behind the last line handed over and how many were. Gives that place, and whether no line follows.
    pub(super) fn page(
        &mut self,
        head: Option<&Head>,
        wanted: &mut dyn FnMut(&ChainPosition, usize) -> bool,
        visit: LineVisitor<'_>,
    ) -> Result<(ChainPosition, bool), JournalError> {
        let mut end = self.position.clone();
        let mut handed = 0;
        while let Some(head) = head.filter(|head| self.position.seq <= head.seq) {
            if !wanted(&end, handed) {
                return Ok((end, false));
            }
            let Some(complete) = self.lines.advance()? else {
                return Err(blame::ended(&self.lines, &self.position, head).into());
            };
            if !complete {
                return Err(blame::unterminated(&self.lines, &self.position).into());
            }
            let before = self.position.clone();
            self.pass(Some(head))?;
            if before.seq > end.seq {
                hand(self.seen_previous(true), visit)?;
                (end, handed) = (before, handed + 1);
            }
            if self.position.seq == head.seq + 1 {
                if self.position.prev != head.sha256 {
                    return Err(blame::head_differs(&mut self.lines, &self.position, head).into());
                }
                hand(self.seen(true), visit)?;
                (end, handed) = (self.position.clone(), handed + 1);
            }
        }
        while wanted(&end, handed) {
            let whole = self.lines.advance()? == Some(true);
            if !whole {
                return Ok((end, true));
            }
            if let Err(broken) = self.position.clone().pass(&self.lines.line) {
                return blame::newer(&broken).map_or(Ok((end, true)), Err);
            }
            self.pass(None)?;
            hand(self.seen(false), visit)?;
            (end, handed) = (self.position.clone(), handed + 1);
        }
        Ok((end, false))
    }

    /// Walks on to the last whole line that chains. What follows it is torn.
    fn beyond(&mut self, visit: LineVisitor<'_>) -> Result<(), JournalError> {
        while self.lines.advance()? == Some(true) {
            match self.position.clone().pass(&self.lines.line) {
                Ok(_) => self.pass(None)?,
                Err(broken) => return blame::newer(&broken).map_or(Ok(()), Err),
            }
            hand(self.seen(false), visit)?;
        }
        Ok(())
    }

    fn pass(&mut self, head: Option<&Head>) -> Result<(), JournalError> {
        let before = self.position.clone();
        match self.position.pass(&self.lines.line) {
            Ok(header) => {
                if self.sealed {
                    let what = "a line after run_sealed";
                    let line = before.seq + 1;
                    return Err(Corrupt::at(layout::JOURNAL, line, before.offset, what).into());
                }
                self.sealed = &self.lines.line[header.event()] == SEALING_EVENT.as_bytes();
                let sha256 = self.position.prev;
                self.previous = self.last.replace(Passed { header, sha256 });
                Ok(())
            }
            Err(broken) => Err(blame::broken(&mut self.lines, &before, &broken, head)),
        }
    }

    fn seen(&self, covered: bool) -> Option<CheckedLine<'_>> {
        let passed = self.last.as_ref()?;
        let line = &self.lines.line;
        Some(CheckedLine {
            line,
            header: &passed.header,
            offset: self.position.offset - line.len() as u64 - 1,
            covered,
            sha256: passed.sha256,
        })
    }

    fn seen_previous(&self, covered: bool) -> Option<CheckedLine<'_>> {
        let passed = self.previous.as_ref()?;
        let line = &self.lines.previous;
        let behind = self.position.offset - self.lines.line.len() as u64 - 1;
        Some(CheckedLine {
            line,
            header: &passed.header,
            offset: behind - line.len() as u64 - 1,
            covered,
            sha256: passed.sha256,
        })
    }
}

fn hand(seen: Option<CheckedLine<'_>>, visit: LineVisitor<'_>) -> Result<(), JournalError> {
    seen.map_or(Ok(()), visit)
}

/// Lines of a file, the one before kept beside the one read last.
pub(super) struct LineReader {
    input: BufReader<Box<dyn Read + Send>>,
    path: PathBuf,
    pub(super) line: Vec<u8>,
    pub(super) previous: Vec<u8>,
}

impl LineReader {
    /// Reads the next line without its newline: `Some(false)` if it has none or is too long, `None` at the end.
    pub(super) fn advance(&mut self) -> Result<Option<bool>, StorageError> {
        std::mem::swap(&mut self.line, &mut self.previous);
        self.line.clear();
        let read = (&mut self.input)
            .take(LINE_BYTES_MAX as u64 + 1)
            .read_until(b'\n', &mut self.line);
        match read.map_err(|source| StorageError::new("read", &self.path, source))? {
            0 => Ok(None),
            _ if self.line.last() == Some(&b'\n') => {
                self.line.pop();
                Ok(Some(true))
            }
            _ => Ok(Some(false)),
        }
    }
}

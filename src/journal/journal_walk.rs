//! One pass over a journal: lines that HEAD covers, whole lines behind it that chain, and the torn tail. It holds two lines in
//! memory, however long the journal is.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::chain::{ChainPosition, Hex};
use super::format::{LINE_BYTES_MAX, SEALING_EVENT, VERSION};
use super::head::Head;
use super::header::LineHeader;
use super::storage::Storage;
use super::{Corrupt, JournalError, StorageError, blame, layout, manifest};

/// The result of a pass over a whole journal.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) head: Option<Head>,
    /// The position behind the line that HEAD names.
    pub(super) covered: ChainPosition,
    /// The position behind the last line that chains.
    pub(super) end: ChainPosition,
    /// Bytes behind the last line that chains: the torn tail.
    pub(super) torn_bytes: u64,
    /// Whether the last line that chains is `run_sealed`.
    pub(super) sealed: bool,
}

/// A line whose place in the chain was checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckedLine<'a> {
    pub(super) line: &'a [u8],
    pub(super) header: &'a LineHeader,
    pub(super) offset: u64,
    /// Whether HEAD covers it. Lines behind HEAD were never acknowledged.
    pub(super) covered: bool,
    /// SHA-256 of the line itself.
    pub(super) sha256: Hex,
}

pub(super) type LineVisitor<'a> = &'a mut dyn FnMut(CheckedLine<'_>) -> Result<(), JournalError>;

/// Reads HEAD and the whole journal, and hands every line that chains to `visit`.
pub(super) fn scan(
    storage: &dyn Storage,
    run: &Path,
    visit: LineVisitor<'_>,
) -> Result<Scan, JournalError> {
    // HEAD before the journal: a writer makes lines durable before it moves HEAD past them, so all lines
    // that HEAD names are there.
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

    /// Refuses what no crash can leave behind.
    fn judge(&self, manifest: bool) -> Result<(), JournalError> {
        // Only now, when the whole chain was checked: damage must not be reported as a newer version.
        if let Some(found) = self.end.newer {
            return Err(JournalError::NewerVersion {
                found,
                supported: VERSION,
            });
        }
        let line = self.end.seq + 1;
        // Nothing is ever appended after `run_sealed`, so bytes behind it are no torn write.
        if self.torn_bytes > 0 && (self.sealed || manifest) {
            let what = "bytes after the seal";
            return Err(Corrupt::at(layout::JOURNAL, line, self.end.offset, what).into());
        }
        let beyond = self.end.seq - self.covered.seq;
        // HEAD is synced before the manifest is written, so a sealed run has no line behind HEAD.
        if beyond > 0 && manifest {
            let what = format!("does not cover the last {beyond} lines of a sealed journal");
            return Err(Corrupt::at(layout::HEAD, 1, 0, what).into());
        }
        // A crash in the first append can leave one line without HEAD, but not more.
        if self.head.is_none() && self.end.seq > 1 {
            let what = format!("is missing, though the journal has {} lines", self.end.seq);
            return Err(Corrupt::file(layout::HEAD, what).into());
        }
        Ok(())
    }
}

/// A walk through a journal, line by line.
pub(super) struct JournalWalk {
    pub(super) lines: LineReader,
    pub(super) position: ChainPosition,
    /// The last line that was read, and the one before it.
    last: Option<Passed>,
    previous: Option<Passed>,
    pub(super) sealed: bool,
}

/// What is kept of a line that chains.
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
                // 64 KiB: few system calls, little memory.
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

    /// Walks up to the line that HEAD names. A line is handed over once the next line, or HEAD, has its digest: its own
    /// bytes cannot vouch for themselves.
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
            // The line before the one just read: its digest is confirmed by this line's `prev`.
            if self.position.seq > first + 1 {
                hand(self.seen_previous(true), visit)?;
            }
        }
        if self.position.prev != head.sha256 {
            return Err(blame::head_differs(&mut self.lines, &self.position, head).into());
        }
        // The last line: HEAD has its digest.
        if self.position.seq > first {
            hand(self.seen(true), visit)?;
        }
        Ok(())
    }

    /// Walks on while `wanted`, which gets the position behind the last line handed over and how many there were. Gives that
    /// position, and whether no line follows.
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
            // One line more than is handed over is read, because it confirms the one before.
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
        // Behind HEAD nothing confirms the last line; it is handed over if it chains, as a recovery would keep it.
        while wanted(&end, handed) {
            let whole = self.lines.advance()? == Some(true);
            if !whole {
                return Ok((end, true));
            }
            // On a copy of the position: what does not chain behind HEAD is a torn tail and no damage.
            if let Err(broken) = self.position.clone().pass(&self.lines.line) {
                return blame::newer(&broken).map_or(Ok((end, true)), Err);
            }
            self.pass(None)?;
            hand(self.seen(false), visit)?;
            (end, handed) = (self.position.clone(), handed + 1);
        }
        Ok((end, false))
    }

    /// Walks on behind HEAD to the last whole line that chains. Everything after it is torn.
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

    /// Moves past the line that was just read, or names the damage.
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

    /// The last line that was read.
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

    /// The line before the last one that was read.
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

/// Reads a file line by line and keeps the line before the last one.
pub(super) struct LineReader {
    input: BufReader<Box<dyn Read + Send>>,
    path: PathBuf,
    pub(super) line: Vec<u8>,
    pub(super) previous: Vec<u8>,
}

impl LineReader {
    /// Reads the next line without its newline. `Some(false)`: it has no newline or is too long; `None`: the end of the file.
    pub(super) fn advance(&mut self) -> Result<Option<bool>, StorageError> {
        // Swapped, not copied: the buffers of both lines are used again and again.
        std::mem::swap(&mut self.line, &mut self.previous);
        self.line.clear();
        // At most one byte more than a line may have: a file without newlines must not fill the memory.
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

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
use crate::planted::{PlantedBug, planted};

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
    let mut walk = JournalWalk::open(storage, run, ChainPosition::start())?;
    while let Some(line) = walk.next_line()? {
        visit(line)?;
    }
    walk.scanned(storage, run)
}

/// A walk through a journal from a position on, line by line. Every reader of a journal is a use of it: a whole journal, a page,
/// a journal that still grows.
///
/// A line that HEAD covers is handed out once the next line, or HEAD, has its digest: its own bytes cannot vouch for
/// themselves. Behind HEAD nothing confirms the last line; it is handed out if it chains, as a recovery would keep it.
pub(super) struct JournalWalk {
    head: Option<Head>,
    /// `None`: there is no journal.
    lines: Option<LineReader>,
    /// The position behind the last line that was read.
    position: ChainPosition,
    /// The last line that was read, and the one before it.
    last: Option<Passed>,
    previous: Option<Passed>,
    /// Number of the next line that is handed out.
    next: u64,
    /// The position behind the line that HEAD names.
    covered: ChainPosition,
    sealed: bool,
}

/// What is kept of a line that chains.
#[derive(Debug, Clone, Copy)]
struct Passed {
    header: LineHeader,
    sha256: Hex,
}

impl JournalWalk {
    /// Reads HEAD, and opens the journal at a position before which everything was checked.
    pub(super) fn open(
        storage: &dyn Storage,
        run: &Path,
        from: ChainPosition,
    ) -> Result<Self, JournalError> {
        // HEAD before the journal: a writer makes lines durable before it moves HEAD past them, so all lines
        // that HEAD names are there.
        let head = Head::read(storage, run)?;
        Self::under(head, storage, run, from)
    }

    /// The same under a HEAD that was read before: what was acknowledged since is behind it.
    pub(super) fn under(
        head: Option<Head>,
        storage: &dyn Storage,
        run: &Path,
        from: ChainPosition,
    ) -> Result<Self, JournalError> {
        let path = run.join(layout::JOURNAL);
        let lines = match (storage.len(&path)?, &head) {
            (Some(_), _) => Some(LineReader {
                // 64 KiB: few system calls, little memory.
                input: BufReader::with_capacity(1 << 16, storage.open_read(&path, from.offset)?),
                path: storage.root().join(path),
                line: Vec::new(),
                previous: Vec::new(),
            }),
            (None, Some(_)) => {
                let what = "is missing, though HEAD is there";
                return Err(Corrupt::file(layout::JOURNAL, what).into());
            }
            (None, None) => None,
        };
        let mut walk = Self {
            head,
            lines,
            next: from.seq,
            covered: from.clone(),
            position: from,
            last: None,
            previous: None,
            sealed: false,
        };
        walk.meet_head()?;
        Ok(walk)
    }

    /// The next line that is confirmed; `None`: no line follows that chains.
    pub(super) fn next_line(&mut self) -> Result<Option<CheckedLine<'_>>, JournalError> {
        while self.next == self.confirmed() {
            if !self.read_covered()? && !self.read_beyond()? {
                return Ok(None);
            }
        }
        Ok(self.hand_out())
    }

    /// The next line that HEAD covers; `None`: all of them were handed out.
    pub(super) fn next_covered(&mut self) -> Result<Option<CheckedLine<'_>>, JournalError> {
        while self.next == self.confirmed() {
            if !self.read_covered()? {
                return Ok(None);
            }
        }
        Ok(self.hand_out())
    }

    /// The position behind the last line that was handed out.
    pub(super) fn handed(&self) -> ChainPosition {
        let mut handed = self.position.clone();
        // One line more than is handed out was read, because it confirms the one before.
        if let (true, Some(lines), Some(last)) = (self.next < handed.seq, &self.lines, &self.last) {
            handed.seq -= 1;
            handed.offset -= lines.line.len() as u64 + 1;
            handed.prev = last.header.prev;
        }
        handed
    }

    /// Whether the last line that was read is `run_sealed`.
    pub(super) fn sealed(&self) -> bool {
        self.sealed
    }

    /// A newer version of the format that was met.
    pub(super) fn refuse_newer(&self) -> Result<(), JournalError> {
        let supported = VERSION;
        self.position.newer.map_or(Ok(()), |found| {
            Err(JournalError::NewerVersion { found, supported })
        })
    }

    /// The result of a walk from the first line to the end, once no line follows.
    pub(super) fn scanned(self, storage: &dyn Storage, run: &Path) -> Result<Scan, JournalError> {
        let length = storage.len(&run.join(layout::JOURNAL))?.unwrap_or_default();
        let scan = Scan {
            head: self.head,
            covered: self.covered,
            torn_bytes: length.saturating_sub(self.position.offset),
            end: self.position,
            sealed: self.sealed,
        };
        scan.judge(manifest::is_sealed(storage, run)?)?;
        Ok(scan)
    }

    /// How many lines of the journal are confirmed.
    fn confirmed(&self) -> u64 {
        let waits = self.position.seq > self.next && self.is_under_head();
        self.position.seq - u64::from(waits)
    }

    /// Whether HEAD names a line that is still to be read.
    fn is_under_head(&self) -> bool {
        let head = self.head.as_ref();
        let is_under = head.is_some_and(|head| self.position.seq <= head.seq);
        is_under && !planted(PlantedBug::IgnoreHead)
    }

    /// Reads the next line that HEAD covers; `false`: there is none.
    fn read_covered(&mut self) -> Result<bool, JournalError> {
        let (true, Some(head), Some(lines)) = (self.is_under_head(), &self.head, &mut self.lines)
        else {
            return Ok(false);
        };
        let Some(complete) = lines.advance()? else {
            return Err(blame::ended(lines, &self.position, head).into());
        };
        if !complete {
            return Err(blame::unterminated(lines, &self.position).into());
        }
        match self.position.pass(&lines.line) {
            Ok(header) => self.passed(header)?,
            Err(broken) => return Err(blame::broken(lines, &self.position, &broken, Some(head))),
        }
        self.covered = self.position.clone();
        self.meet_head()?;
        Ok(true)
    }

    /// Reads the next line behind HEAD; `false`: no whole line that chains follows, and what does is a torn tail.
    fn read_beyond(&mut self) -> Result<bool, JournalError> {
        let Some(lines) = &mut self.lines else {
            return Ok(false);
        };
        if lines.advance()? != Some(true) {
            return Ok(false);
        }
        match self.position.pass(&lines.line) {
            Ok(header) => self.passed(header)?,
            Err(broken) => return blame::newer(&broken).map_or(Ok(false), Err),
        }
        Ok(true)
    }

    /// Where the line that HEAD names was read, HEAD must have its digest.
    fn meet_head(&mut self) -> Result<(), JournalError> {
        if let (Some(head), Some(lines)) = (&self.head, &mut self.lines)
            && self.position.seq == head.seq + 1
            && self.position.prev != head.sha256
        {
            return Err(blame::head_differs(lines, &self.position, head).into());
        }
        Ok(())
    }

    /// Keeps what is known of the line that was just read.
    fn passed(&mut self, header: LineHeader) -> Result<(), JournalError> {
        let line = self.lines.as_ref().map_or(&[][..], |lines| &lines.line);
        if self.sealed {
            let (number, at) = (
                self.position.seq,
                self.position.offset - line.len() as u64 - 1,
            );
            return Err(Corrupt::at(layout::JOURNAL, number, at, "a line after run_sealed").into());
        }
        self.sealed = &line[header.event()] == SEALING_EVENT.as_bytes();
        let sha256 = self.position.prev;
        self.previous = self.last.replace(Passed { header, sha256 });
        Ok(())
    }

    /// The next line, which is the last one that was read or the one before it.
    fn hand_out(&mut self) -> Option<CheckedLine<'_>> {
        let lines = self.lines.as_ref()?;
        let is_last = self.next + 1 == self.position.seq;
        let behind = self.position.offset - lines.line.len() as u64 - 1;
        let (passed, line, end) = if is_last {
            (&self.last, &lines.line, self.position.offset)
        } else {
            (&self.previous, &lines.previous, behind)
        };
        self.next += 1;
        passed.as_ref().map(|passed| CheckedLine {
            line,
            header: &passed.header,
            offset: end - line.len() as u64 - 1,
            sha256: passed.sha256,
        })
    }
}

impl Scan {
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

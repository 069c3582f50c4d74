//! The digests of the rows of one table (format 2), sorted in bounded memory.
//! Invariant: the value is that of all rows in the order of their digests, however many there are (test
//! `many_rows_are_sorted_through_a_file_and_give_the_same_value`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use super::error::{CallError, UnknownReason};
use crate::planted::{PlantedBug, planted};
use crate::survey::{ContentHasher, RowDigest, tagged};

/// So many digests are held in memory, 16 MiB; more are put by in an unnamed file in the directory for temporary files.
const HELD_MAX: usize = 1 << 19;

/// Bytes of one digest.
const SIZE: usize = size_of::<RowDigest>();

/// Bytes that are read ahead of each sorted part of the file.
const AHEAD_BYTES: usize = 16 << 10;

/// What the server says of a table, part by part.
#[derive(Debug)]
pub(super) struct RowDigests {
    /// Number of rows.
    pub(super) rows: u64,
    /// Bytes that the rows are hashed as.
    pub(super) bytes: u64,
    /// Names and types of the columns.
    pub(super) columns: String,
    whole: Option<String>,
    held: Vec<RowDigest>,
    held_max: usize,
    put_by: Option<PutBy>,
}

/// Digests in a file that has no name, in parts that are sorted each.
#[derive(Debug)]
struct PutBy {
    file: File,
    /// Digests in each part.
    parts: Vec<u64>,
}

fn unreadable() -> CallError {
    CallError::Refused(UnknownReason::from(
        "the digest of the server cannot be read",
    ))
}

fn not_kept(error: &io::Error) -> CallError {
    CallError::not_kept(error)
}

impl RowDigests {
    /// Of no part so far.
    pub(super) fn new() -> Self {
        Self::with_limit(HELD_MAX)
    }

    fn with_limit(held_max: usize) -> Self {
        Self {
            rows: 0,
            bytes: 0,
            columns: String::new(),
            whole: None,
            held: Vec::new(),
            held_max,
            put_by: None,
        }
    }

    /// Adds a part: its rows, their bytes, the columns, and the digest of a table that is one part, or the digests of the rows
    /// in hex.
    pub(super) fn add(&mut self, cells: &[Option<String>]) -> Result<(), CallError> {
        let [Some(rows), Some(bytes), Some(columns), whole, digests] = cells else {
            return Err(unreadable());
        };
        let number = |cell: &String| cell.parse::<u64>().map_err(|_| unreadable());
        let rows = number(rows)?;
        self.rows += rows;
        self.bytes += number(bytes)?;
        self.columns.clone_from(columns);
        match (whole, digests) {
            (Some(hex), None) if hex.len() == 2 * SIZE && self.whole.is_none() => {
                self.whole = Some(hex.clone());
                Ok(())
            }
            (None, Some(hex)) if hex.len() as u64 == rows * 2 * SIZE as u64 => {
                for digest in hex.as_bytes().chunks_exact(2 * SIZE) {
                    let digest = of_hex(digest).ok_or_else(unreadable)?;
                    self.push(digest).map_err(|error| not_kept(&error))?;
                }
                Ok(())
            }
            _ => Err(unreadable()),
        }
    }

    fn push(&mut self, digest: RowDigest) -> io::Result<()> {
        if self.held.len() == self.held_max && !planted(PlantedBug::UnboundedBatch) {
            self.held.sort_unstable();
            let put_by = match &mut self.put_by {
                Some(put_by) => put_by,
                None => self.put_by.insert(PutBy {
                    file: tempfile::tempfile()?,
                    parts: Vec::new(),
                }),
            };
            let mut file = BufWriter::new(&put_by.file);
            self.held
                .iter()
                .try_for_each(|digest| file.write_all(digest))?;
            file.flush()?;
            put_by.parts.push(self.held.len() as u64);
            self.held.clear();
        }
        self.held.push(digest);
        Ok(())
    }

    /// The value of the table.
    pub(super) fn value(mut self) -> Result<String, CallError> {
        if let Some(hex) = self.whole {
            return Ok(tagged(hex));
        }
        self.held.sort_unstable();
        let mut hasher = ContentHasher::new(self.columns);
        let merged = merge(&self.held, self.put_by, |digest| hasher.add(digest));
        merged.map_err(|error| not_kept(&error))?;
        Ok(hasher.finish())
    }
}

/// Gives all digests in order.
fn merge(
    held: &[RowDigest],
    put_by: Option<PutBy>,
    mut give: impl FnMut(&RowDigest),
) -> io::Result<()> {
    let Some(PutBy { file, parts }) = put_by else {
        held.iter().for_each(give);
        return Ok(());
    };
    let mut sources = Vec::with_capacity(parts.len() + 1);
    let mut at = 0;
    for digests in parts {
        let from = SharedFile { file: &file, at };
        at += digests * SIZE as u64;
        let part = from.take(digests * SIZE as u64);
        sources.push(DigestSource::Part(BufReader::with_capacity(
            AHEAD_BYTES,
            part,
        )));
    }
    sources.push(DigestSource::Held(held.iter()));
    let mut least = BinaryHeap::with_capacity(sources.len());
    for (nth, source) in sources.iter_mut().enumerate() {
        least.extend(source.next()?.map(|digest| Reverse((digest, nth))));
    }
    while let Some(Reverse((digest, nth))) = least.pop() {
        give(&digest);
        least.extend(sources[nth].next()?.map(|digest| Reverse((digest, nth))));
    }
    Ok(())
}

/// One sorted part.
enum DigestSource<'f> {
    Part(BufReader<io::Take<SharedFile<'f>>>),
    Held(std::slice::Iter<'f, RowDigest>),
}

impl DigestSource<'_> {
    fn next(&mut self) -> io::Result<Option<RowDigest>> {
        match self {
            Self::Held(held) => Ok(held.next().copied()),
            Self::Part(part) => {
                let mut digest = [0; SIZE];
                // A part ends where it was said to end: anything less is an error.
                if part.buffer().is_empty() && part.get_ref().limit() == 0 {
                    return Ok(None);
                }
                part.read_exact(&mut digest)?;
                Ok(Some(digest))
            }
        }
    }
}

/// A reader with a place of its own in a file that others read too.
struct SharedFile<'f> {
    file: &'f File,
    at: u64,
}

impl Read for SharedFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

fn of_hex(hex: &[u8]) -> Option<RowDigest> {
    let mut digest = [0; SIZE];
    for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::RowDigests;
    use crate::survey::{ContentHasher, Digest, Hasher};

    fn cells(digests: &[&Digest]) -> Vec<Option<String>> {
        let hex = digests.iter().map(|digest| digest.as_str()).collect();
        [
            digests.len().to_string(),
            "7".to_owned(),
            "4:cols".to_owned(),
        ]
        .into_iter()
        .map(Some)
        .chain([None, Some(hex)])
        .collect()
    }

    #[test]
    fn many_rows_are_sorted_through_a_file_and_give_the_same_value() {
        let digests: Vec<Digest> = (0..10_007)
            .map(|n| Digest::of((n % 5_000).to_string()))
            .collect();
        let mut raw: Vec<[u8; 32]> = (0..10_007)
            .map(|n| {
                let mut hasher = Hasher::new();
                hasher.update((n % 5_000).to_string());
                hasher.finish_bytes()
            })
            .collect();
        raw.sort_unstable();
        let mut hasher = ContentHasher::new("4:cols".to_owned());
        for digest in &raw {
            hasher.add(digest);
        }
        let expected = hasher.finish();
        for limit in [1_000, 10_007, 20_000] {
            let mut found = RowDigests::with_limit(limit);
            for part in digests.chunks(77) {
                let part: Vec<&Digest> = part.iter().collect();
                found.add(&cells(&part)).expect("a part");
                assert!(found.held.len() <= limit, "{} held", found.held.len());
            }
            assert_eq!(found.rows, 10_007);
            assert_eq!(found.value().expect("a value"), expected, "{limit}");
        }
    }

    #[test]
    fn digests_that_are_not_as_many_as_the_rows_are_no_part() {
        let one = Digest::of("one");
        let mut wrong = cells(&[&one]);
        wrong[0] = Some("2".to_owned());
        assert!(RowDigests::new().add(&wrong).is_err());
        let mut wrong = cells(&[&one]);
        wrong[4] = Some("x".repeat(64));
        assert!(RowDigests::new().add(&wrong).is_err());
    }
}

//! Writes a run as a tar archive.
//! Invariant: the same run gives the same bytes (sorted names, fixed modes and owners, the time of the run id). Held by `pack`
//! and by tests/integration/archive.rs, which exports each run twice.

use std::io::{self, Read, Write};

use tar::{Builder, EntryType, Header};

use super::layout::{RUN, SUMS};
use super::pages::{PagesOf, pages};
use super::{ArchiveError, Limits};
use crate::journal::{RunFile, RunFiles};
use crate::run::RunId;
use crate::survey::Digest;

/// Mode of every file. Also after unpacking only the owner can read a run.
const MODE: u32 = 0o600;

/// The content of one file of the archive.
enum EntryContent<'a> {
    Text(String),
    OfRun(&'a RunFile),
}

/// Writes a run and its page; gives the number of files.
pub fn pack(
    of: &PagesOf<'_>,
    contents: &RunFiles,
    page: &str,
    output: &mut dyn Write,
) -> Result<u64, ArchiveError> {
    let run_id = of.run_id;
    let mut files: Vec<(String, EntryContent<'_>)> = pages(of, page)
        .map(|(name, text)| (name.to_owned(), EntryContent::Text(text)))
        .into();
    for file in contents.files() {
        files.push((format!("{RUN}/{}", file.name), EntryContent::OfRun(file)));
    }
    // By the bytes of the names: the order must not depend on the file system or the locale.
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    // With SHA256SUMS: what is refused when it comes back is not written.
    let (count, most) = (files.len() as u64 + 1, Limits::default().files_max);
    if count > most {
        return Err(ArchiveError::Many { count, most });
    }
    let mut sums = String::new();
    for (name, content) in &files {
        let sha256 = match content {
            EntryContent::Text(text) => Digest::of(text),
            EntryContent::OfRun(file) => contents.digest(file)?,
        };
        sums.extend([sha256.as_str(), "  ", name, "\n"]);
    }
    // SHA256SUMS lists all other files and is put at its own place in the order afterwards.
    let at = files.partition_point(|(name, _)| name.as_str() < SUMS);
    files.insert(at, (SUMS.to_owned(), EntryContent::Text(sums)));

    let mut builder = Builder::new(output);
    // The time in the run id, not the time of the export: the bytes must not change from export to export.
    let started = run_id.started().map_or(0, |at| at.unix_micros().max(0));
    let seconds = u64::try_from(started / 1_000_000).unwrap_or(0);
    for (name, content) in &files {
        append(&mut builder, run_id, seconds, name, contents, content)?;
    }
    let output = builder.into_inner().map_err(written)?;
    output.flush().map_err(written)?;
    Ok(files.len() as u64)
}

fn append(
    builder: &mut Builder<&mut dyn Write>,
    run_id: &RunId,
    seconds: u64,
    name: &str,
    contents: &RunFiles,
    content: &EntryContent<'_>,
) -> Result<(), ArchiveError> {
    let bytes = match content {
        EntryContent::Text(text) => text.len() as u64,
        EntryContent::OfRun(file) => file.bytes,
    };
    // ustar without extensions: `unpack` refuses every entry that is not a plain file.
    let mut header = Header::new_ustar();
    header
        .set_path(format!("{run_id}/{name}"))
        .map_err(written)?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(MODE);
    header.set_mtime(seconds);
    // Owner and group 0: the same bytes whichever account exports.
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    let mut input = Exactly {
        input: open(contents, content)?,
        left: bytes,
    };
    match builder.append(&header, &mut input) {
        Ok(()) => Ok(()),
        // The size is in the header already: a file that became shorter cannot be packed any more.
        Err(_) if input.left > 0 => Err(ArchiveError::Changed {
            file: name.to_owned(),
        }),
        Err(source) => Err(written(source)),
    }
}

fn open<'a>(
    contents: &RunFiles,
    content: &'a EntryContent<'_>,
) -> Result<Box<dyn Read + 'a>, ArchiveError> {
    Ok(match content {
        EntryContent::Text(text) => Box::new(text.as_bytes()),
        EntryContent::OfRun(file) => contents.open(file)?,
    })
}

fn written(source: io::Error) -> ArchiveError {
    ArchiveError::File {
        doing: "write",
        path: "the archive".into(),
        source,
    }
}

/// A reader that fails if its input ends early. An entry of another length than its header says
/// would shift everything behind it.
struct Exactly<'a> {
    input: Box<dyn Read + 'a>,
    left: u64,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

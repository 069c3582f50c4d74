//! A file that somebody asked for by name. Invariant: it appears whole, and what is there already is never replaced.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::LaunchError;
use crate::report;
use crate::survey::{Digest, Hasher};

/// A file that was written, or was there already with these very bytes.
pub(super) struct WrittenFile<T> {
    /// What the writing gave.
    pub made: T,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
}

/// Writes a file that is not there yet, in one step. One that is there with these very bytes is left as it is.
pub(super) fn write<T>(
    file: &Path,
    writing: &mut dyn FnMut(&mut dyn Write) -> Result<T, LaunchError>,
) -> Result<WrittenFile<T>, LaunchError> {
    let failed = |source| failed(file, source);
    let directory = file.parent().filter(|it| !it.as_os_str().is_empty());
    let place = NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(failed)?;
    let mut output = CountingWriter {
        inner: BufWriter::new(place),
        hasher: Hasher::new(),
        bytes: 0,
    };
    let made = writing(&mut output)?;
    let written = WrittenFile {
        made,
        bytes: output.bytes,
        sha256: output.hasher.finish(),
    };
    let place = output.inner.into_inner();
    let place = place.map_err(|error| failed(error.into_error()))?;
    place.as_file().sync_all().map_err(failed)?;
    match place.persist_noclobber(file) {
        Ok(_) => Ok(written),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            if same(error.file.path(), file).map_err(failed)? {
                return Ok(written);
            }
            Err(LaunchError::Usage(format!(
                "{} is there already, with other bytes; nothing is overwritten: choose another name",
                visible(file)
            )))
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// A file could not be written.
pub(super) fn failed(file: &Path, source: io::Error) -> LaunchError {
    let path = file.to_owned();
    LaunchError::NotWritten { path, source }
}

/// The name of a file, as it is said.
pub(super) fn visible(file: &Path) -> String {
    report::visible(&file.display().to_string())
}

fn same(one: &Path, two: &Path) -> io::Result<bool> {
    Ok(
        std::fs::metadata(one)?.len() == std::fs::metadata(two)?.len()
            && std::fs::read(one)? == std::fs::read(two)?,
    )
}

/// Counts and digests what is written through it.
struct CountingWriter {
    inner: BufWriter<NamedTempFile>,
    hasher: Hasher,
    bytes: u64,
}

impl Write for CountingWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

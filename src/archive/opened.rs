//! An archive opened in a private temporary directory. Invariant: what was unpacked goes with the value, and the archive is only read.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

use super::{ArchiveError, Limits, unpack};
use crate::journal::{DirectoryStore, DiskStorage, JournalError, Permissions};
use crate::run::RunId;
use crate::survey::{Digest, Hasher};

/// How a compressed archive begins.
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The run of an archive, in a data directory of its own that is removed with this value.
#[derive(Debug)]
pub struct OpenedArchive {
    place: TempDir,
    store: DirectoryStore,
    run_id: RunId,
    sha256: Digest,
}

impl OpenedArchive {
    /// A store that holds this run alone.
    pub fn store(&self) -> &DirectoryStore {
        &self.store
    }

    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// SHA-256 of the archive.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// The directory of the run.
    pub fn run_directory(&self) -> PathBuf {
        self.place
            .path()
            .join(DirectoryStore::run_path(&self.run_id))
    }
}

/// Opens an archive; `beside` is where the temporary directory is made, else where the platform has them.
pub fn open_archive(
    path: &Path,
    beside: Option<&Path>,
    permissions: Permissions,
    limits: Limits,
) -> Result<OpenedArchive, ArchiveError> {
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| ArchiveError::File {
            doing,
            path,
            source,
        }
    };
    let file = File::open(path).map_err(failed("open", path))?;
    if !file.metadata().is_ok_and(|about| about.is_file()) {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a plain file");
        return Err(failed("open", path)(source));
    }
    let place = match beside {
        Some(beside) => tempfile::Builder::new()
            .prefix("import-")
            .tempdir_in(beside),
        None => tempfile::Builder::new().prefix("drygate-").tempdir(),
    };
    let place = place.map_err(failed("make a temporary directory for", path))?;
    let storage = DiskStorage::open(place.path(), permissions).map_err(JournalError::from)?;
    let mut input = Digesting::new(BufReader::new(file));
    let gzip = {
        use std::io::BufRead;
        let begun = input.inner.fill_buf().map_err(failed("read", path))?;
        begun.starts_with(&GZIP)
    };
    let unpacked = if gzip {
        unpack(MultiGzDecoder::new(&mut input), &storage, limits)
    } else {
        unpack(&mut input, &storage, limits)
    };
    let unpacked = unpacked.map_err(|error| error.of(path))?;
    std::io::copy(&mut input, &mut std::io::sink()).map_err(failed("read", path))?;
    Ok(OpenedArchive {
        store: DirectoryStore::on(Arc::new(storage)),
        place,
        run_id: unpacked.run_id,
        sha256: input.hasher.finish(),
    })
}

/// Digests what is read through it.
struct Digesting<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Digesting<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Hasher::new(),
        }
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

//! An archive that is unpacked into a private temporary directory. The archive itself is only read.
//! Invariant: the unpacked files are removed with the value. Held by the `TempDir` in `OpenedArchive`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

use super::unpack::measure;
use super::{ArchiveError, Limits, Pages, unpack};
use crate::journal::{DirectoryStore, DiskStorage, JournalError, Permissions};
use crate::run::RunId;
use crate::survey::{Digest, Hasher};

/// The first two bytes of a gzip file.
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The run of an archive, in a data directory of its own that is removed when this value is dropped.
#[derive(Debug)]
pub struct OpenedArchive {
    place: TempDir,
    store: DirectoryStore,
    run_id: RunId,
    sha256: Digest,
    pages: Pages,
}

impl OpenedArchive {
    /// What lies beside the run in the archive.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }

    /// A store that has this run alone.
    pub fn store(&self) -> &DirectoryStore {
        &self.store
    }

    /// The id of the run.
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

/// Opens an archive. `beside`: the directory in which the temporary one is made; `None`: that of the platform.
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
    let mut input = Digesting::new(BufReader::new(file));
    let gzip = {
        use std::io::BufRead;
        // The content decides whether it is compressed, not the name of the file.
        let begun = input.inner.fill_buf().map_err(failed("read", path))?;
        begun.starts_with(&GZIP)
    };
    // Read twice, the first time before anything is made: 120,000 empty files are as small as one page of text, and making
    // them takes minutes.
    let first = BufReader::new(File::open(path).map_err(failed("open", path))?);
    if gzip {
        measure(MultiGzDecoder::new(first), limits)?;
    } else {
        measure(first, limits)?;
    }
    let place = match beside {
        // In the same file system as the runs, an import can move the files into place by rename.
        Some(beside) => tempfile::Builder::new()
            .prefix("import-")
            .tempdir_in(beside),
        None => tempfile::Builder::new().prefix("drygate-").tempdir(),
    };
    let place = place.map_err(failed("make a temporary directory for", path))?;
    let storage = DiskStorage::open(place.path(), permissions).map_err(JournalError::from)?;
    let unpacked = if gzip {
        unpack(MultiGzDecoder::new(&mut input), &storage, limits)
    } else {
        unpack(&mut input, &storage, limits)
    };
    // A file that is no archive is reported as what it is, not as a damaged archive.
    let unpacked = unpacked.map_err(|error| error.of(path))?;
    // Read to the end, so that the digest is that of the whole file and not of its entries only.
    std::io::copy(&mut input, &mut std::io::sink()).map_err(failed("read", path))?;
    Ok(OpenedArchive {
        store: DirectoryStore::on(Arc::new(storage)),
        place,
        run_id: unpacked.run_id,
        pages: unpacked.pages,
        sha256: input.hasher.finish(),
    })
}

/// A reader that hashes what passes through it.
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

#[cfg(test)]
mod tests {
    use super::open_archive;
    use crate::archive::{ArchiveError, EntryRefusal, Limits};
    use crate::journal::Permissions;

    #[test]
    fn too_many_files_end_it_before_anything_is_made() {
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("run.tar");
        let mut builder = tar::Builder::new(Vec::new());
        for n in 0..4 {
            let mut header = tar::Header::new_ustar();
            header.set_path(format!("x/{n}")).expect("a name");
            header.set_size(0);
            header.set_cksum();
            builder.append(&header, &b""[..]).expect("memory");
        }
        std::fs::write(&file, builder.into_inner().expect("memory")).expect("written");
        let limits = Limits {
            files_max: 3,
            ..Limits::default()
        };
        // Nothing can be made here: what it says shows that it did not try.
        let nowhere = place.path().join("nowhere");
        let open = |limits| open_archive(&file, Some(&nowhere), Permissions::private(), limits);
        let refusal = EntryRefusal::TooMany(3);
        match open(limits) {
            Err(ArchiveError::Refused { refusal: found, .. }) => assert_eq!(found, refusal),
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            open(Limits::default()),
            Err(ArchiveError::File { .. })
        ));
    }
}

//! What can go wrong with an archive. Invariant: what is refused is named, and so is the file inside the archive.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::kind::kind;
use crate::journal::JournalError;

/// Why an archive could not be made or opened.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The archive itself cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        doing: &'static str,
        /// The archive, or the temporary directory.
        path: PathBuf,
        source: io::Error,
    },
    /// A file that does not even begin as an archive.
    #[error("{} is {kind}, and no archive of a run; export writes them", path.display())]
    NoArchive { path: PathBuf, kind: &'static str },
    /// Something in the archive is not what `drygate export` writes.
    #[error("the archive is refused: {entry:?}: {refusal}")]
    Refused {
        /// The name inside the archive, as far as it is known.
        entry: String,
        /// What is wrong with it.
        refusal: EntryRefusal,
    },
    /// A file of the run changed or vanished while it was packed.
    #[error("{file} changed while it was packed")]
    Changed { file: String },
    /// The run's own files.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why an entry of an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntryRefusal {
    /// It names a place outside of the archive.
    #[error("an absolute name")]
    Absolute,
    #[error("a name that climbs out of the archive")]
    Climbs,
    /// It has characters that no file of a run has.
    #[error("a name that no file of a run has")]
    Name,
    /// A symbolic or hard link.
    #[error("a link; a run has none")]
    Link,
    /// A device, pipe, or an extension of the format.
    #[error("an entry of type {0:?}; only plain files belong in an archive")]
    Kind(char),
    /// The name comes a second time.
    #[error("it is there twice")]
    Twice,
    /// It is not below the directory of the run that the archive began with.
    #[error("it is not below {0}/")]
    Elsewhere(String),
    /// It says that it is larger than what is taken.
    #[error("{bytes} bytes, and {left} are left of what is taken")]
    TooLarge {
        /// The size that it says.
        bytes: u64,
        /// What may still come.
        left: u64,
    },
    /// More files than a run has.
    #[error("more than {0} files")]
    TooMany(u64),
    /// The archive ends inside of it, or what stands there cannot be read.
    #[error("damaged: {0}")]
    Damaged(String),
    /// What follows it is no entry.
    #[error("damaged behind it: {0}")]
    DamagedBehind(String),
    /// Not one entry can be read.
    #[error("damaged at its beginning")]
    Foreign,
    /// `SHA256SUMS` does not name these bytes.
    #[error("SHA256SUMS names other bytes")]
    Sum,
    /// `SHA256SUMS` names a file that is not there, or does not name one that is.
    #[error("SHA256SUMS and the archive do not name the same files")]
    Unlisted,
    /// A file without which nothing can be opened.
    #[error("it is missing; no archive of a run")]
    Missing,
    /// There is not one entry.
    #[error("it is empty")]
    Empty,
}

impl ArchiveError {
    /// The error, told of this file where it does not even begin as an archive.
    pub(super) fn of(self, path: &Path) -> Self {
        let begins = !matches!(
            &self,
            Self::Refused {
                refusal: EntryRefusal::Foreign | EntryRefusal::Empty,
                ..
            }
        );
        match kind(path).filter(|_| !begins) {
            Some(kind) => Self::NoArchive {
                path: path.to_owned(),
                kind,
            },
            None => self,
        }
    }

    pub(super) fn refused(entry: impl Into<String>, refusal: EntryRefusal) -> Self {
        Self::Refused {
            entry: entry.into(),
            refusal,
        }
    }
}

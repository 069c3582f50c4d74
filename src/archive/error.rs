//! Errors of archives. Each names the file inside the archive as far as it is known.

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
        /// What was tried, as a verb.
        doing: &'static str,
        /// Path of the archive, or of the temporary directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is not a tar archive at all.
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
    /// The run has more files than an archive may have.
    #[error("the run has too many files for an archive: {count}, at most {most}")]
    Many {
        /// Files of the archive, its pages included.
        count: u64,
        /// How many it may have.
        most: u64,
    },
    /// A file of the run changed or was removed while it was packed.
    #[error("{file} changed while it was packed")]
    Changed { file: String },
    /// The run's own files.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why an entry of an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntryRefusal {
    /// The name is an absolute path.
    #[error("an absolute name")]
    Absolute,
    /// The name has a part `..`.
    #[error("a name that climbs out of the archive")]
    Climbs,
    /// The name is none that a file of a run or an archive has.
    #[error("a name that no file of a run has")]
    Name,
    /// The entry is a symbolic or hard link.
    #[error("a link; a run has none")]
    Link,
    /// The entry is a device, a pipe or an extension of the tar format.
    #[error("an entry of type {0:?}; only plain files belong in an archive")]
    Kind(char),
    /// The archive has this name twice.
    #[error("it is there twice")]
    Twice,
    /// It is not below the directory of the run that the archive began with.
    #[error("it is not below {0}/")]
    Elsewhere(String),
    /// The entry is larger than what may still be unpacked.
    #[error("{bytes} bytes, and {left} are left of what is taken")]
    TooLarge {
        /// The size in its header, in bytes.
        bytes: u64,
        /// How many bytes may still be unpacked.
        left: u64,
    },
    /// The archive has more files than the limit.
    #[error("more than {0} files")]
    TooMany(u64),
    /// The archive ends inside the entry, or the entry cannot be read.
    #[error("damaged: {0}")]
    Damaged(String),
    /// What follows the entry cannot be read as one.
    #[error("damaged behind it: {0}")]
    DamagedBehind(String),
    /// The first entry cannot be read: probably the file is no archive.
    #[error("damaged at its beginning")]
    Foreign,
    /// `SHA256SUMS` does not name these bytes.
    #[error("SHA256SUMS names other bytes")]
    Sum,
    /// `SHA256SUMS` names a file that is not there, or does not name one that is.
    #[error("SHA256SUMS and the archive do not name the same files")]
    Unlisted,
    /// `SHA256SUMS` or the files of the run are missing.
    #[error("it is missing; no archive of a run")]
    Missing,
    /// The archive has no entry.
    #[error("it is empty")]
    Empty,
}

impl ArchiveError {
    /// The same error about this file. If not even the first entry could be read, it says what kind of file it is instead.
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

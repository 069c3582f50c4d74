//! Unpacks the run of an archive.
//! Invariant: type, name and size of an entry are checked before a byte of it is written, and a run is only
//! handed out if every file has its digest in `SHA256SUMS`. Held by `Taking::take` and `Taking::finish`, and by
//! the test `hostile_archives_are_refused_by_name` of tests/integration/archive.rs. How many files there are, and how long
//! they are together, is known before the first of them is made (`measure`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tar::{Archive, Entry, EntryType};

use super::entry::{Named, judge};
use super::layout::{CHECKING, SUMS};
use super::{ArchiveError, EntryRefusal, Pages};
use crate::journal::{DirectoryStore, JournalError, RUNS_DIR, Storage, StorageFile};
use crate::run::RunId;
use crate::survey::{Digest, Hasher};

/// Bytes of `SHA256SUMS` that are read at most: it is held in memory.
const SUMS_BYTES_MAX: u64 = 64 << 20;
/// Bytes of `CHECKING.txt` that are read at most.
const CHECKING_BYTES_MAX: u64 = 64 << 10;

/// How much may be unpacked, against archives that would fill the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together, after decompression.
    pub bytes_max: u64,
    /// How many files in all.
    pub files_max: u64,
}

impl Default for Limits {
    /// 16 GiB in 20,000 files: more than the ledgers of ten million units, and than a run of a hundred rounds has.
    fn default() -> Self {
        Self {
            bytes_max: 16 << 30,
            files_max: 20_000,
        }
    }
}

/// The result of unpacking an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The id of the run.
    pub run_id: RunId,
    /// How many files of the run were unpacked.
    pub files: u64,
    /// What lies beside the run.
    pub pages: Pages,
}

/// Refuses an archive of too many files or bytes before anything of it is written. What cannot be read as an entry ends the
/// count: `unpack` says what it is.
pub(super) fn measure(input: impl Read, limits: Limits) -> Result<(), ArchiveError> {
    let mut archive = Archive::new(input);
    let Ok(entries) = archive.entries() else {
        return Ok(());
    };
    let (mut files, mut left) = (0, limits.bytes_max);
    for entry in entries.raw(true) {
        let Ok(entry) = entry else {
            return Ok(());
        };
        files += 1;
        if files > limits.files_max {
            let refusal = EntryRefusal::TooMany(limits.files_max);
            return Err(ArchiveError::refused("", refusal));
        }
        let bytes = entry.size();
        if bytes > left {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            return Err(ArchiveError::refused(
                name,
                EntryRefusal::TooLarge { bytes, left },
            ));
        }
        left -= bytes;
    }
    Ok(())
}

/// Unpacks the run of an archive to `runs/<run_id>/` below the root of an empty storage.
pub fn unpack(
    input: impl Read,
    storage: &dyn Storage,
    limits: Limits,
) -> Result<Unpacked, ArchiveError> {
    let mut archive = Archive::new(input);
    // Raw: an extension that renames or resizes the next entry appears as an entry itself, and is
    // refused like every unknown type.
    let entries = archive
        .entries()
        .map_err(|_| ArchiveError::refused("", EntryRefusal::Foreign))?
        .raw(true);
    let mut taking = Taking {
        storage,
        run_id: None,
        seen: BTreeMap::new(),
        last: String::new(),
        made: BTreeSet::new(),
        sums: None,
        pages: Pages::default(),
        left: limits.bytes_max,
        of_run: 0,
    };
    for entry in entries {
        // Empty files count as well: they fill a disk with inodes and the list in memory.
        if taking.seen.len() as u64 >= limits.files_max {
            return Err(ArchiveError::refused(
                "",
                EntryRefusal::TooMany(limits.files_max),
            ));
        }
        let entry = entry.map_err(|source| taking.damaged(&source))?;
        taking.take(entry)?;
    }
    taking.finish()
}

/// The state of unpacking one archive.
struct Taking<'a> {
    storage: &'a dyn Storage,
    run_id: Option<RunId>,
    /// Every file so far, by its name below the run id, with its digest.
    seen: BTreeMap<String, Digest>,
    /// The full name of the last entry: damage behind it is reported with this name.
    last: String,
    /// Directories made so far, in order of their paths.
    made: BTreeSet<PathBuf>,
    sums: Option<String>,
    pages: Pages,
    /// Bytes that may still be unpacked.
    left: u64,
    /// How many files of the run were written.
    of_run: u64,
}

impl Taking<'_> {
    fn take(&mut self, mut entry: Entry<'_, impl Read>) -> Result<(), ArchiveError> {
        // Order of the checks: type, name, run, duplicate, size. Nothing is written before all have passed.
        let name = entry.path_bytes().into_owned();
        let shown = String::from_utf8_lossy(&name).into_owned();
        let refused = |refusal| ArchiveError::refused(shown.clone(), refusal);
        match entry.header().entry_type() {
            EntryType::Regular => {}
            // A link could make a later entry write outside of the directory.
            EntryType::Symlink | EntryType::Link => return Err(refused(EntryRefusal::Link)),
            other => return Err(refused(EntryRefusal::Kind(char::from(other.as_byte())))),
        }
        let (run_id, named) = judge(&name)?;
        // The first entry decides which run it is; entries of another run are refused.
        let first = self.run_id.get_or_insert_with(|| run_id.clone());
        if *first != run_id {
            return Err(refused(EntryRefusal::Elsewhere(first.to_string())));
        }
        let below = shown[run_id.as_str().len() + 1..].to_owned();
        // A second entry of a name would replace a file whose digest was taken already.
        if self.seen.contains_key(&below) {
            return Err(refused(EntryRefusal::Twice));
        }
        let bytes = entry.size();
        // An entry gives exactly as many bytes as its header says, so this bounds what is written.
        if bytes > self.left {
            let left = self.left;
            return Err(refused(EntryRefusal::TooLarge { bytes, left }));
        }
        self.left -= bytes;
        let sha256 = match &named {
            Named::OfRun(file) => {
                self.of_run += 1;
                self.write(&run_id, file, &mut entry, &shown)?
            }
            Named::Beside(file) if file == SUMS => {
                let text = text(&mut entry, SUMS_BYTES_MAX, &shown)?;
                let sha256 = Digest::of(&text);
                self.sums = Some(text);
                sha256
            }
            Named::Beside(file) => self.page(file, &mut entry, &shown)?,
        };
        self.seen.insert(below, sha256);
        self.last = shown;
        Ok(())
    }

    /// The error where the next entry cannot be read.
    fn damaged(&self, source: &io::Error) -> ArchiveError {
        ArchiveError::refused(
            &*self.last,
            if self.last.is_empty() {
                EntryRefusal::Foreign
            } else {
                EntryRefusal::DamagedBehind(source.to_string())
            },
        )
    }

    fn write(
        &mut self,
        run_id: &RunId,
        file: &str,
        entry: &mut Entry<'_, impl Read>,
        shown: &str,
    ) -> Result<Digest, ArchiveError> {
        let path = DirectoryStore::run_path(run_id).join(file);
        self.directories(&path)?;
        let mut output = self.storage.create(&path).map_err(JournalError::from)?;
        let sha256 = copy(entry, Some(&mut *output), shown)?;
        output.sync().map_err(JournalError::from)?;
        Ok(sha256)
    }

    /// Makes the directories above a file, the uppermost first.
    fn directories(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
        // The empty path is the root of the storage, which exists.
        above.retain(|path| !path.as_os_str().is_empty());
        for directory in above.into_iter().rev() {
            if self.made.insert(directory.to_owned()) {
                let made = self.storage.create_dir(directory);
                made.map_err(JournalError::from)?;
            }
        }
        Ok(())
    }

    /// Takes the digest of a page, and the version of the pages.
    fn page(
        &mut self,
        file: &str,
        entry: &mut Entry<'_, impl Read>,
        shown: &str,
    ) -> Result<Digest, ArchiveError> {
        let sha256 = if file == CHECKING {
            let text = text(entry, CHECKING_BYTES_MAX, shown)?;
            self.pages.version = Pages::version_in(&text);
            Digest::of(text)
        } else {
            copy(entry, None, shown)?
        };
        self.pages.found.insert(file.to_owned(), sha256.clone());
        Ok(sha256)
    }

    fn finish(self) -> Result<Unpacked, ArchiveError> {
        let missing = |name: &str| ArchiveError::refused(name, EntryRefusal::Missing);
        let none = || ArchiveError::refused("", EntryRefusal::Empty);
        let run_id = self.run_id.ok_or_else(none)?;
        let sums = self.sums.ok_or_else(|| missing(SUMS))?;
        let mut listed = BTreeSet::new();
        for line in sums.lines() {
            let Some((sha256, name)) = line.split_once("  ") else {
                return Err(ArchiveError::refused(
                    SUMS,
                    EntryRefusal::Damaged(line.to_owned()),
                ));
            };
            // Both directions: a listed file must be there with this digest, and a file that is there must be listed.
            match self.seen.get(name) {
                None => return Err(ArchiveError::refused(name, EntryRefusal::Unlisted)),
                Some(found) if found.as_str() != sha256 => {
                    return Err(ArchiveError::refused(name, EntryRefusal::Sum));
                }
                Some(_) => listed.insert(name),
            };
        }
        let mut unlisted = self.seen.keys().map(String::as_str);
        if let Some(name) = unlisted.find(|name| *name != SUMS && !listed.contains(name)) {
            return Err(ArchiveError::refused(name, EntryRefusal::Unlisted));
        }
        // The deepest directories first: then the name of each is durable once its parent is synced.
        for directory in self.made.iter().rev() {
            self.storage
                .sync_dir(directory)
                .map_err(JournalError::from)?;
        }
        if self.of_run == 0 {
            return Err(missing(RUNS_DIR));
        }
        Ok(Unpacked {
            run_id,
            files: self.of_run,
            pages: self.pages,
        })
    }
}

/// The text of an entry that has at most so many bytes.
fn text(entry: &mut Entry<'_, impl Read>, left: u64, shown: &str) -> Result<String, ArchiveError> {
    let bytes = entry.size();
    if bytes > left {
        return Err(ArchiveError::refused(
            shown,
            EntryRefusal::TooLarge { bytes, left },
        ));
    }
    let mut text = String::new();
    entry
        .read_to_string(&mut text)
        .map_err(|source| damaged_in(shown, &source))?;
    Ok(text)
}

/// Reads an entry to its end, hashes it, and writes it if there is an output.
fn copy(
    entry: &mut Entry<'_, impl Read>,
    mut output: Option<&mut dyn StorageFile>,
    shown: &str,
) -> Result<Digest, ArchiveError> {
    let mut hasher = Hasher::new();
    // 64 KiB at a time: memory does not grow with the size of the entry.
    let mut buffer = vec![0; 1 << 16];
    let mut left = entry.size();
    loop {
        match entry.read(&mut buffer) {
            Ok(0) if left == 0 => return Ok(hasher.finish()),
            // The archive ends inside the entry.
            Ok(0) => {
                let source = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(damaged_in(shown, &source));
            }
            Ok(read) => {
                left = left.saturating_sub(read as u64);
                hasher.update(&buffer[..read]);
                if let Some(output) = &mut output {
                    output.write(&buffer[..read]).map_err(JournalError::from)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(damaged_in(shown, &source)),
        }
    }
}

fn damaged_in(entry: &str, source: &io::Error) -> ArchiveError {
    ArchiveError::refused(entry, EntryRefusal::Damaged(source.to_string()))
}

//! The files of a run as they are exported, also while the run goes on: as of one HEAD, with whole lines, without LOCK.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::head::Head;
use super::journal_walk::scan;
use super::manifest::{MANIFEST, files};
use super::storage::{Kind, Storage};
use super::{Corrupt, JournalError, StorageError, layout};
use crate::survey::{Digest, Hasher};

/// The files of a run to be exported, sorted by name.
#[derive(Debug, Clone)]
pub struct RunFiles {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    files: Vec<RunFile>,
    sealed: bool,
    head: Head,
}

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFile {
    /// Path below the directory of the run, with `/` between its parts.
    pub name: String,
    /// How many bytes from its beginning are exported.
    pub bytes: u64,
    /// Content that was read already, of files that may change; `None`: it is read when it is opened.
    held: Option<Vec<u8>>,
}

impl RunFiles {
    /// The files of the run in this directory of the storage. A damaged journal is an error with file, line and byte.
    pub fn of(storage: &Arc<dyn Storage>, run: &Path) -> Result<Self, JournalError> {
        // The journal first: what its lines name was durable before them, so it is there when
        // the directory is listed afterwards.
        let scanned = scan(&**storage, run, &mut |_| Ok(()))?;
        let head = scanned
            .head
            .ok_or_else(|| Corrupt::file(layout::HEAD, "is missing"))?;
        let mut found = Vec::new();
        let beside = layout::NOT_IN_MANIFEST.into_iter().chain([MANIFEST]);
        for name in beside.filter(|name| travels(name)) {
            if storage.len(&run.join(name))?.is_some() {
                found.push(name.to_owned());
            }
        }
        for (name, kind) in files(&**storage, run)? {
            if kind != Kind::File || !travels(&name) {
                let why = "only plain files belong in a run";
                return Err(StorageError::refused("read", &run.join(&name), why).into());
            }
            found.push(name);
        }
        found.sort();
        let mut contents = Self {
            storage: storage.clone(),
            run: run.to_owned(),
            files: Vec::new(),
            sealed: found.iter().any(|name| name == MANIFEST),
            head,
        };
        for name in found {
            // HEAD as it was read, and the journal up to that line: both go on while the run does.
            let file = match name.as_str() {
                layout::HEAD => RunFile::held(name, head.content().into_bytes()),
                layout::JOURNAL => RunFile::of(name, scanned.covered.offset()),
                layout::REVIEWS | layout::HOOKS | layout::OUTCOMES => contents.whole_lines(name)?,
                _ => {
                    let bytes = storage.len(&run.join(&name))?.unwrap_or_default();
                    RunFile::of(name, bytes)
                }
            };
            contents.files.push(file);
        }
        Ok(contents)
    }

    /// The files, sorted by the bytes of their names.
    pub fn files(&self) -> &[RunFile] {
        &self.files
    }

    /// The last line that is exported.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Whether the run is sealed.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Opens a file. It gives exactly `bytes` bytes, unless the file became shorter.
    pub fn open(&self, file: &RunFile) -> Result<Box<dyn Read + Send>, JournalError> {
        if let Some(held) = &file.held {
            return Ok(Box::new(std::io::Cursor::new(held.clone())));
        }
        let input = self.storage.open_read(&self.run.join(&file.name), 0)?;
        Ok(Box::new(input.take(file.bytes)))
    }

    /// The SHA-256 of the exported bytes of a file.
    pub fn digest(&self, file: &RunFile) -> Result<Digest, JournalError> {
        let mut input = self.open(file)?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(read) => hasher.update(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    let path = self.storage.root().join(&self.run).join(&file.name);
                    return Err(StorageError::new("read", &path, source).into());
                }
            }
        }
    }

    /// Reads a file that another process may be appending to, up to the end of its last whole line.
    fn whole_lines(&self, name: String) -> Result<RunFile, JournalError> {
        let mut content = self
            .storage
            .read(&self.run.join(&name))?
            .unwrap_or_default();
        let end = content.iter().rposition(|byte| *byte == b'\n');
        content.truncate(end.map_or(0, |at| at + 1));
        Ok(RunFile::held(name, content))
    }
}

impl RunFile {
    fn of(name: String, bytes: u64) -> Self {
        Self {
            name,
            bytes,
            held: None,
        }
    }

    fn held(name: String, content: Vec<u8>) -> Self {
        Self {
            bytes: content.len() as u64,
            held: Some(content),
            name,
        }
    }
}

/// Whether a file of this name, below the directory of a run, may be in an archive.
pub fn travels(name: &str) -> bool {
    // No part that is empty or begins with a dot: no `..`, no hidden and no temporary file. ASCII only:
    // no look-alike letters, no backslash.
    let part = |part: &str| !part.is_empty() && !part.starts_with('.');
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    !layout::STAYS.contains(&name) && name.bytes().all(safe) && name.split('/').all(part)
}

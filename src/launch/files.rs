//! Files that a person or a profile names.
//! Invariant: what is read is a regular file of bounded length (`Places::open`; test
//! `only_regular_files_of_bounded_length_in_their_places_are_read`); what is written appears whole and replaces nothing else
//! (`write`).

use std::fs::File;
use std::io;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::LaunchError;
use crate::survey::{Digest, Hasher};
use crate::{audit, report};

/// Longest file that is read, in bytes: 16 MiB.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where the files that a profile names may lie.
#[derive(Debug)]
pub(super) struct Places {
    /// The directory that relative paths begin at.
    directory: PathBuf,
    /// Directories as the system names them, links resolved.
    allowed: Vec<PathBuf>,
}

/// A file that was opened and may be read.
pub(super) struct NamedFile {
    path: PathBuf,
    file: File,
}

impl Places {
    /// The directory of the profile, and the work tree of the repository.
    pub(super) fn new(directory: &Path, repository: Option<&Path>) -> Self {
        let places = [Some(directory), repository].into_iter().flatten();
        let mut allowed: Vec<PathBuf> =
            places.filter_map(|path| path.canonicalize().ok()).collect();
        allowed.dedup();
        Self {
            directory: directory.to_owned(),
            allowed,
        }
    }

    /// Opens a file without waiting for it; the error says what is wrong and what is allowed.
    pub(super) fn open(&self, named: &str) -> Result<NamedFile, String> {
        let path = self.directory.join(named);
        let said = |error: io::Error| format!("{}: {error}", path.display());
        let real = path.canonicalize().map_err(said)?;
        if !self.allowed.iter().any(|place| real.starts_with(place)) {
            return Err(self.refused(&real, "lies outside"));
        }
        // Links are resolved already: with NOFOLLOW a link that is there now was put there since. NONBLOCK and NOCTTY: a FIFO
        // or a terminal must neither block nor become the controlling terminal.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&real, flags | OFlags::NOCTTY, Mode::empty());
        let file = File::from(opened.map_err(|error| said(error.into()))?);
        let about = file.metadata().map_err(said)?;
        if !about.is_file() {
            return Err(self.refused(&real, "is no regular file"));
        }
        if about.len() > FILE_BYTES_MAX {
            return Err(self.refused(&real, "is too long"));
        }
        Ok(NamedFile { path: real, file })
    }

    /// Whether there is anything under a name.
    pub(super) fn is_there(&self, named: &str) -> bool {
        self.directory.join(named).symlink_metadata().is_ok()
    }

    fn refused(&self, path: &Path, why: &str) -> String {
        let allowed: Vec<String> = self
            .allowed
            .iter()
            .map(|place| place.display().to_string())
            .collect();
        format!(
            "{} {why}; allowed is a regular file of at most {} MiB in {}",
            path.display(),
            FILE_BYTES_MAX / (1024 * 1024),
            allowed.join(" or ")
        )
    }

    /// The text of an SSOT document. One with a secret in it is not taken: it would be kept in the evidence.
    pub(super) fn document(&self, name: &str, path: &str) -> Result<String, String> {
        let text = self.open(path)?.text(self)?;
        match audit::scan_for_secrets(name, &text).first() {
            None => Ok(text),
            Some(secret) => Err(format!("{path} cannot be kept in the evidence: {secret}")),
        }
    }
}

impl NamedFile {
    /// The whole text.
    pub(super) fn text(mut self, places: &Places) -> Result<String, String> {
        let mut text = String::new();
        // The file may grow while it is read.
        let read = (&mut self.file)
            .take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text);
        match read {
            Ok(_) if text.len() as u64 > FILE_BYTES_MAX => {
                Err(places.refused(&self.path, "is too long"))
            }
            Ok(_) => Ok(text),
            Err(error) => Err(format!("{}: {error}", self.path.display())),
        }
    }

    /// How long ago it was changed.
    pub(super) fn age(&self) -> Duration {
        let changed = self.file.metadata().and_then(|about| about.modified());
        let age = changed.ok().and_then(|changed| changed.elapsed().ok());
        age.unwrap_or_default()
    }
}

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
    let place = NamedTempFile::new_in(directory.unwrap_or(Path::new(".")));
    let place = place.map_err(|error| failed(without_path(error)))?;
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
    // Before the rename: after a power failure a name without content would be worse than no file.
    place.as_file().sync_all().map_err(failed)?;
    // In one step: another process may make the file meanwhile.
    match place.persist_noclobber(file) {
        Ok(_) => Ok(written),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            if same(error.file.path(), file).map_err(failed)? {
                return Ok(written);
            }
            Err(LaunchError::NameTaken {
                path: file.to_owned(),
            })
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// An error of `tempfile` without the name of the file that it would have made, which nobody asked for.
fn without_path(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound => Errno::NOENT.into(),
        io::ErrorKind::PermissionDenied => Errno::ACCESS.into(),
        _ => error,
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

/// The path below a directory, whole where it is not in there.
pub(super) fn below(directory: &Path, path: &str) -> String {
    let below = Path::new(path).strip_prefix(directory);
    below.map_or_else(|_| path.to_owned(), |below| below.display().to_string())
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::{FILE_BYTES_MAX, Places};

    #[test]
    fn only_regular_files_of_bounded_length_in_their_places_are_read() {
        let place = tempfile::tempdir().expect("a directory");
        let at = |name: &str| place.path().join(name);
        for directory in ["profile/below", "repository", "elsewhere"] {
            fs::create_dir_all(at(directory)).expect("a new directory");
        }
        for file in [
            "profile/plan.md",
            "profile/below/x.md",
            "repository/r.md",
            "elsewhere/s.md",
        ] {
            fs::write(at(file), "text").expect("a new file");
        }
        symlink(at("elsewhere/s.md"), at("profile/link.md")).expect("a new link");
        symlink(at("repository/r.md"), at("profile/inside.md")).expect("a new link");
        mknodat(CWD, at("profile/pipe"), FileType::Fifo, Mode::RUSR, 0).expect("a new pipe");
        let long = fs::File::create(at("profile/long.md")).expect("a new file");
        long.set_len(FILE_BYTES_MAX + 1).expect("a sparse file");
        fs::write(at("profile/secret.md"), "a\npassword=hunter2\n").expect("a new file");
        let places = Places::new(&at("profile"), Some(&at("repository")));
        let read = |path: &str| places.document("rules", path);
        let absolute = at("repository/r.md").display().to_string();
        for path in [
            "plan.md",
            "below/x.md",
            "inside.md",
            "../repository/r.md",
            &absolute,
        ] {
            assert_eq!(read(path).as_deref(), Ok("text"), "{path}");
        }
        for (path, why) in [
            ("link.md", "elsewhere/s.md lies outside"),
            ("../elsewhere/s.md", "elsewhere/s.md lies outside"),
            ("/etc/hostname", "/etc/hostname lies outside"),
            ("/dev/zero", "/dev/zero lies outside"),
            ("pipe", "pipe is no regular file"),
            ("below", "below is no regular file"),
            ("long.md", "long.md is too long"),
            ("gone.md", "gone.md: No such file"),
            ("secret.md", "rules line 2: a password"),
        ] {
            let refused = read(path).expect_err(path);
            assert!(refused.contains(why), "{path}: {refused}");
            let allowed = refused.contains("a regular file of at most 16 MiB in ");
            assert_eq!(
                allowed,
                !["gone.md", "secret.md"].contains(&path),
                "{refused}"
            );
        }
        let nowhere = Places::new(Path::new("/no/such/place"), None);
        assert!(nowhere.document("rules", &absolute).is_err());
    }
}

//! The files of a change on the disk. Invariant: a directory is read whole or not at all: what cannot be approved as bytes, such as a
//! symbolic link, is an error (`in_directory`).

use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

use super::{RunnerError, is_shortage};
use crate::audit;
use crate::profile::Profile;
use crate::run::{ProgramFile, RunChange};
use crate::survey::Digest;

/// Files of a directory, and their bytes together.
const FILES_MAX: usize = 10_000;
const BYTES_MAX: u64 = 256 << 20;
/// What tools keep beside the files of a change.
const NOT_OF_CHANGE: [&str; 4] = [".git", ".hg", ".svn", "__pycache__"];

/// The change that a profile declares, with its files in `base`; `None`: it declares none. Each file must be there.
pub fn declared_change(
    profile: &Profile,
    base: &Path,
) -> Result<Option<RunChange>, ChangeFileError> {
    let Some(declared) = &profile.change else {
        return Ok(None);
    };
    if let Some(command) = &declared.command {
        let command = command.based_in(base);
        let files = change_directory(&command.directory)?;
        return Ok(audit::run_change(profile, files, None, Some(command), None));
    }
    let (files, of_sg1) = declared.files();
    let files = files
        .into_iter()
        .map(|file| base.join(file).display().to_string());
    let files: Vec<String> = files.collect();
    for file in &files {
        change_file(file)?;
    }
    Ok(audit::run_change(profile, files, of_sg1, None, None))
}

/// A change of other files for psql, as `role` or that of the profile.
pub fn named_change(
    profile: &Profile,
    files: &[PathBuf],
    role: Option<&str>,
) -> Result<RunChange, ChangeFileError> {
    let mut named = Vec::with_capacity(files.len());
    for file in files {
        let absolute = std::path::absolute(file);
        let shown = file.display().to_string();
        let absolute = absolute.map_err(|error| ChangeFileError::of(&shown, error))?;
        named.push(absolute.display().to_string());
        change_file(&named[named.len() - 1])?;
    }
    audit::run_change(profile, named, None, None, role).ok_or_else(|| {
        ChangeFileError::Unread(
            "the change needs the role that it runs as: --role ROLE, or role in [change] of the profile".to_owned(),
        )
    })
}

/// Why a file of a change could not be read.
#[derive(Debug, Error)]
pub enum ChangeFileError {
    /// It is not there, is no regular file, or this account may not read it.
    #[error("{0}")]
    Unread(String),
    /// This machine gives no more files to this process: nothing is known of it.
    #[error("no file of the change can be read: {0}")]
    Shortage(io::Error),
}

impl ChangeFileError {
    /// What `doing` says could not be done.
    fn of(doing: &str, error: io::Error) -> Self {
        if is_shortage(&error) {
            Self::Shortage(error)
        } else {
            Self::Unread(format!("{doing}: {error}"))
        }
    }
}

impl From<ChangeFileError> for RunnerError {
    fn from(error: ChangeFileError) -> Self {
        match error {
            ChangeFileError::Unread(why) => Self::ChangeUnread(why),
            ChangeFileError::Shortage(error) => Self::Shortage(error),
        }
    }
}

/// The bytes of a file of a change.
pub fn change_file(path: &str) -> Result<Vec<u8>, ChangeFileError> {
    let is_file = fs::metadata(path).map(|found| found.is_file());
    let read = match is_file {
        // A pipe would wait for somebody who writes.
        Ok(false) => {
            let why = format!("{path} is no regular file");
            return Err(ChangeFileError::Unread(why));
        }
        Ok(true) => fs::read(path),
        Err(error) => Err(error),
    };
    read.map_err(|error| ChangeFileError::of(&format!("{path} cannot be read"), error))
}

/// What a file of a change is now; gone: it cannot be read.
pub(super) fn change_file_now(path: &str) -> Result<ProgramFile, RunnerError> {
    match change_file(path) {
        Ok(text) => Ok(ProgramFile::Sha256(Digest::of(text))),
        Err(ChangeFileError::Unread(_)) => Ok(ProgramFile::Gone),
        Err(ChangeFileError::Shortage(error)) => Err(RunnerError::Shortage(error)),
    }
}

/// The paths of all files in a directory of a change and below it, sorted.
pub(super) fn change_directory(directory: &str) -> Result<Vec<String>, ChangeFileError> {
    let (mut files, mut bytes) = (Vec::new(), 0);
    in_directory(Path::new(directory), &mut files, &mut bytes)?;
    if files.is_empty() {
        let why = format!("{directory} has no file");
        return Err(ChangeFileError::Unread(why));
    }
    files.sort();
    Ok(files)
}

fn in_directory(
    directory: &Path,
    files: &mut Vec<String>,
    bytes: &mut u64,
) -> Result<(), ChangeFileError> {
    let shown = directory.display();
    let refused = |error| ChangeFileError::of(&format!("{shown} cannot be listed"), error);
    for entry in fs::read_dir(directory).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        if NOT_OF_CHANGE.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let path = entry.path();
        let about = entry.metadata().map_err(refused)?;
        if about.is_dir() {
            in_directory(&path, files, bytes)?;
            continue;
        }
        if !about.is_file() {
            return Err(ChangeFileError::Unread(format!(
                "{} is no regular file and no directory; the directory of a change has nothing else",
                path.display()
            )));
        }
        let name = path.to_str();
        let name = name.ok_or_else(|| {
            ChangeFileError::Unread(format!("the name of {} is not UTF-8", path.display()))
        })?;
        files.push(name.to_owned());
        *bytes += about.len();
        if files.len() > FILES_MAX || *bytes > BYTES_MAX {
            return Err(ChangeFileError::Unread(format!(
                "{shown}: the directory of a change has at most {FILES_MAX} files and {} MiB",
                BYTES_MAX >> 20
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::change_directory;

    #[test]
    fn a_directory_is_read_whole_or_not_at_all() {
        let scratch = tempfile::tempdir().expect("a directory");
        let at = |name: &str| scratch.path().join(name);
        let listed = || change_directory(&scratch.path().display().to_string());
        assert!(listed().is_err(), "it is empty");
        for directory in ["deploy", ".git", "deploy/__pycache__"] {
            fs::create_dir(at(directory)).expect("a directory");
        }
        let names = [
            "sqitch.plan",
            "deploy/b.sql",
            "deploy/a.sql",
            ".git/HEAD",
            "deploy/__pycache__/a.pyc",
        ];
        for name in names {
            fs::write(at(name), name).expect("a file");
        }
        let expected = ["deploy/a.sql", "deploy/b.sql", "sqitch.plan"];
        let expected = expected.map(|name| at(name).display().to_string());
        assert_eq!(listed().expect("files"), expected);
        symlink(at("sqitch.plan"), at("deploy/c.sql")).expect("a link");
        let refused = listed().expect_err("a link").to_string();
        assert!(
            refused.contains("deploy/c.sql is no regular file"),
            "{refused}"
        );
        assert!(change_directory("/nowhere/at/all").is_err());
    }
}

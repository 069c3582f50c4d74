//! The surroundings that settings are read from. Invariant: `parse` sees variables, files and directories only through
//! `Environment`, so tests can set them all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::program::program;
use super::{CliError, Origin};
use crate::profile::TEXT_BYTES_MAX;
use crate::run::CommandLine;

/// Read access to files; tests give a map instead of `Disk`.
pub trait Files {
    /// The text of a file; an error where it is missing, too long or not UTF-8.
    fn read(&self, path: &Path) -> io::Result<String>;
    /// Whether something has that path.
    fn exists(&self, path: &Path) -> bool;
}

/// Variables, directories and terminal of the process.
pub struct Environment {
    /// Environment variables whose names are UTF-8; a value need not be.
    pub variables: BTreeMap<String, OsString>,
    /// What starts this program from any directory: a name that `PATH` finds, or a path.
    pub program: PathBuf,
    /// The current directory, absolute: relative paths of flags and variables begin here.
    pub current_dir: PathBuf,
    /// How configuration files and profiles are read.
    pub files: Box<dyn Files>,
    /// The user's configuration file, if the platform has a place for one.
    pub user_config: Option<PathBuf>,
    /// The platform's data directory of drygate.
    pub data_dir: Option<PathBuf>,
    /// Whether standard input and standard output are both terminals.
    pub is_terminal: bool,
}

impl Environment {
    /// The surroundings of this process.
    pub fn of_process() -> Result<Self, CliError> {
        use std::io::IsTerminal;
        let directories = ProjectDirs::from("", "", "drygate");
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        let current_dir = std::env::current_dir().map_err(CliError::CurrentDirectory)?;
        let called = std::env::args_os().next().unwrap_or_default();
        let path = std::env::var_os("PATH");
        Ok(Self {
            variables: std::env::vars_os().filter_map(named).collect(),
            program: program(&called, &current_dir, path.as_deref()),
            current_dir,
            files: Box::new(Disk),
            user_config: directories
                .as_ref()
                .map(|d| d.config_dir().join("config.toml")),
            data_dir: directories.as_ref().map(|d| d.data_dir().to_path_buf()),
            is_terminal: io::stdin().is_terminal() && io::stdout().is_terminal(),
        })
    }

    /// How this program is called here; `data_dir`, where it has to be named.
    pub fn command_line(&self, data_dir: Option<&Path>) -> CommandLine {
        let data_dir = data_dir.map(Path::to_string_lossy);
        CommandLine::new(&self.program.to_string_lossy(), data_dir.as_deref())
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&OsString> {
        self.variables.get(name).filter(|value| !value.is_empty())
    }

    /// A variable that is set and not empty, as text; an error where it is not UTF-8.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, CliError> {
        self.variable(name)
            .map(|value| value.to_str().ok_or(CliError::NotUtf8(name)))
            .transpose()
    }

    /// Whether the encoding of the locale is UTF-8, and what says so. As in POSIX, `LC_ALL` wins over `LC_CTYPE`, and that over
    /// `LANG`; without any the locale is `C`.
    pub(super) fn locale(&self) -> (bool, Origin) {
        let mut deciding = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
        let locale = deciding.find_map(|name| Some((name, self.variable(name)?)));
        let Some((name, locale)) = locale else {
            return (false, Origin::Default);
        };
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        (utf8, Origin::Environment(name))
    }

    /// Whether a variable is set to anything but `0` or `false`.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.variable(name)
            .is_some_and(|value| !(value == "0" || value == "false"))
    }
}

/// The files of this machine, up to 1 MB each. Only regular files are read (test
/// `real_files_that_cannot_be_configuration_are_refused_and_never_waited_for`).
#[derive(Debug, Clone, Copy)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        // Opening a FIFO blocks until somebody writes, and a device may never end: only a regular file is opened.
        if !path.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        let mut text = Vec::new();
        // One byte more than allowed tells a file that is too long from one that just fits; its length on disk may change while
        // it is read.
        let limit = u64::try_from(TEXT_BYTES_MAX).map_or(u64::MAX, |max| max + 1);
        File::open(path)?.take(limit).read_to_end(&mut text)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is longer than 1 MB",
            ));
        }
        String::from_utf8(text)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }
}

//! A configured value with its origin: flag, variable, file with line, or default.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from, strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An argument: `--profile`.
    Flag(&'static str),
    /// A variable: `DRYGATE_PROFILE`.
    Environment(&'static str),
    /// `drygate.toml` of the project.
    ProjectFile {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// The user's own configuration.
    UserFile {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// The built-in default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::ProjectFile { path, line } | Self::UserFile { path, line } => {
                write!(f, "{}:{line}", path.display())
            }
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value with the place that it was configured in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value that applies.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value that was set at `origin`.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// A value that was not configured.
    pub fn default_of(value: T) -> Self {
        Self::new(value, Origin::Default)
    }

    /// Whether it was configured: a setting that the run recorded gives way to it, and not to a default.
    pub fn is_set(&self) -> bool {
        self.origin != Origin::Default
    }
}

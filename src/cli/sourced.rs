//! A value of the configuration with where it came from. Invariant: no value is without its origin.

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
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// The user's own configuration.
    UserFile {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// Nobody said anything.
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

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value from somewhere.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// A value that nobody set.
    pub fn default_of(value: T) -> Self {
        Self::new(value, Origin::Default)
    }

    /// Whether somebody set it: what a run recorded gives way to it, and to nothing else.
    pub fn is_set(&self) -> bool {
        self.origin != Origin::Default
    }
}

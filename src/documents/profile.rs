//! Documents of `profile list`, `show`, `check` and `init`: what profiles there are and what can be said of one without a run.

use serde::Serialize;

use super::SchemaVersion;
use crate::run::{Check, Verdict};
use crate::survey::Digest;

/// `profile list`: the built-in profiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileListDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The profiles, by name.
    pub profiles: Vec<ProfileRow>,
}

/// A built-in profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileRow {
    /// The name that `--profile` takes.
    pub name: &'static str,
    /// What it is about.
    pub title: String,
    /// SHA-256 of its text, as a run records it.
    pub sha256: Digest,
}

/// `profile show`: the text of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileShowDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The name that it gives itself.
    pub name: String,
    /// The file it was read from; null: it is built in.
    pub file: Option<String>,
    /// SHA-256 of its text, as a run records it.
    pub sha256: Digest,
    /// The whole text, TOML.
    pub text: String,
}

/// `profile init`: the file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileInitDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The new file, as it was named.
    pub file: String,
    /// SHA-256 of its text.
    pub sha256: Digest,
    /// The role that the database was asked with; null: no database was named.
    pub role: Option<String>,
    /// How many tables that role can read; null: no database was named.
    pub tables: Option<usize>,
    /// The command to go on with once the file is edited.
    pub next: String,
}

/// `profile check`: what can be said of a profile without a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileCheckDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// Verdict over the checks.
    pub verdict: Verdict,
    /// The checks.
    pub checks: Vec<Check>,
    /// The hooks that the profile names. None was run.
    pub hooks: Vec<ProfileHook>,
}

/// A hook of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileHook {
    /// `on_wait`, `on_stop` or `on_end`.
    pub hook: &'static str,
    /// The program as the profile names it.
    pub program: String,
    /// The file that would be run; null: it is not there or not executable.
    pub file: Option<String>,
    /// How long it may take: `10s`.
    pub timeout: String,
}

//! Documents of `export`, `import`, `replay --cast` and `replay --svg`. A file that was written is named with its length in
//! bytes and its SHA-256.

use serde::Serialize;

use super::SchemaVersion;
use crate::run::{JournalHead, RunId};
use crate::survey::{Digest, UtcTime};

/// `export`: an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExportDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run.
    pub run_id: RunId,
    /// The archive.
    pub file: String,
    /// Whether the run has its seal.
    pub sealed: bool,
    /// Files in the archive.
    pub files: u64,
    /// Length of the archive in bytes.
    pub bytes: u64,
    /// SHA-256 of the archive.
    pub sha256: Digest,
    /// The last line of the journal that is in it, for `verify --head`.
    pub head: JournalHead,
}

/// `import`: a run out of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImportDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run.
    pub run_id: RunId,
    /// It is here now and was not before.
    pub imported: bool,
    /// It was here already, with the same bytes.
    pub already_there: bool,
    /// Whether the run has its seal.
    pub sealed: bool,
}

/// `replay --cast`: a run as an asciicast.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CastDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run.
    pub run_id: RunId,
    /// The asciicast.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// How many records it shows.
    pub frames: u64,
    /// How long it plays, in seconds.
    pub seconds: f64,
}

/// `replay --svg`: one record as a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SvgDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run.
    pub run_id: RunId,
    /// The picture.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Number of the record, from 0.
    pub seq: u64,
    /// When the record was written.
    pub at: UtcTime,
}

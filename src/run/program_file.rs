//! The file that a process of drygate was started from, as it is found on the disk later.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::survey::Digest;

/// What is found where the program was started from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ProgramFile {
    /// A file with this SHA-256.
    Sha256(Digest),
    /// Nothing any more.
    Gone,
}

impl ProgramFile {
    const GONE: &str = "gone";
}

impl TryFrom<String> for ProgramFile {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == Self::GONE {
            return Ok(Self::Gone);
        }
        let sha256 = text.parse::<Digest>();
        sha256.map(Self::Sha256).map_err(|error| error.to_string())
    }
}

impl From<ProgramFile> for String {
    fn from(found: ProgramFile) -> Self {
        match found {
            ProgramFile::Sha256(sha256) => sha256.to_string(),
            ProgramFile::Gone => ProgramFile::GONE.to_owned(),
        }
    }
}

impl fmt::Display for ProgramFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(sha256) => write!(f, "{}", sha256.short()),
            Self::Gone => f.write_str(Self::GONE),
        }
    }
}

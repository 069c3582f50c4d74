//! The way in which evidence of the database is read and digested. A run keeps the one that it was created with.

use serde::{Deserialize, Serialize};

/// Version of the digests of protected tables, of the lines of the grant matrix, and of what is said of the reads of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "u32"))]
#[serde(try_from = "u32", into = "u32")]
pub enum EvidenceFormat {
    /// That of version 0.1.0: rows as JSON, long tables as sums of md5, each read of a wait listed.
    One,
    /// SHA-256 of each row, in an encoding from which every value can be read back; the reads of a wait are counted, with a
    /// digest over all of them.
    Two,
}

impl EvidenceFormat {
    /// What new runs and surveys without a run use.
    pub const NEWEST: Self = Self::Two;

    /// That of a run that names none.
    pub fn first() -> Self {
        Self::One
    }

    /// Whether it is the one that is not named.
    pub fn is_first(&self) -> bool {
        *self == Self::One
    }
}

impl TryFrom<u32> for EvidenceFormat {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        match number {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            other => Err(format!(
                "evidence format {other} is not known to this version of drygate, a newer one reads it"
            )),
        }
    }
}

impl From<EvidenceFormat> for u32 {
    fn from(format: EvidenceFormat) -> Self {
        match format {
            EvidenceFormat::One => 1,
            EvidenceFormat::Two => 2,
        }
    }
}

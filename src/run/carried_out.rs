//! What came of the real change, which another tool carries out, or not.

use serde::{Deserialize, Serialize};

/// What `recheck --after` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CarriedOut {
    /// Nothing that was predicted is done, and nothing else.
    NotCarriedOut,
    /// Everything that was predicted is done, and nothing else.
    CameTrue,
    /// Something else: a part is missing, or done otherwise, or more was done.
    DidNotComeTrue,
}

impl CarriedOut {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotCarriedOut => "not carried out",
            Self::CameTrue => "came true",
            Self::DidNotComeTrue => "did not come true",
        }
    }
}

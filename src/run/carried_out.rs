//! What came of the real change, which another tool carries out, or not.

use serde::{Deserialize, Serialize};

use crate::survey::UtcTime;

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

/// What came of the change as it was looked at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOutcome {
    /// What came of it.
    pub outcome: CarriedOut,
    /// When the survey began that found it.
    pub at: UtcTime,
    /// The account that looked.
    pub by: String,
}

impl KnownOutcome {
    /// `came true, seen 21:35Z by root`; with its date where that is not the day of `sealed`.
    pub fn words(&self, sealed: UtcTime) -> String {
        let time = self.at.clock_minutes();
        let when = if self.at.date() == sealed.date() {
            time
        } else {
            format!("{} {time}", self.at.date())
        };
        format!("{}, seen {when} by {}", self.outcome.words(), self.by)
    }
}

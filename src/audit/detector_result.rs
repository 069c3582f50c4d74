//! What a detector of the forbidden-action audit found.

use serde_json::Value;

use super::required::table_of;
use crate::run::{RunState, Verdict};

/// What a detector found.
pub(super) enum DetectorResult {
    /// The answer that the row needs.
    Clean(Value),
    /// The answer that the row needs, of drygate itself; what hooks did was not watched.
    CleanBeside(String, Value),
    /// Something else, in a few words.
    Dirty(String, Value),
    /// Somebody else changed the database.
    ByOthers(Value),
    /// No input, and what would give it.
    Nothing(String, &'static str),
    /// Not enough to judge: why, what would do, and what there is.
    Partly(String, &'static str, Value),
}

impl DetectorResult {
    /// What there is, where it is too little to judge. Table 1 did not record it.
    pub(super) fn partly(run: &RunState, why: String, how: &'static str, output: Value) -> Self {
        if table_of(run) == 1 {
            Self::Nothing(why, how)
        } else {
            Self::Partly(why, how, output)
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Clean(_) | Self::CleanBeside(..) => Verdict::Pass,
            Self::Dirty(..) | Self::ByOthers(_) => Verdict::Fail,
            Self::Nothing(..) | Self::Partly(..) => Verdict::NotChecked,
        }
    }
}

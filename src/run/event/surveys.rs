//! What was read: full surveys, live reads while waiting, drift.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::run::ApprovalGate;
use crate::simulate::Simulation;
use crate::survey::{FactChange, FactKey, RowChange, Survey, UtcTime};

/// What a survey was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SurveyPurpose {
    /// It becomes the pin (G1, also after drift).
    Pin,
    /// Before the approval of SG1 takes effect.
    ApproveSg1,
    /// Before the approval of SG2 takes effect.
    ApproveSg2,
    /// Asked for by a person who waits (`r`, or the open sheet).
    Again,
    /// At closeout.
    Post,
}

impl SurveyPurpose {
    /// That of the survey before an approval of this gate takes effect.
    pub fn of(gate: ApprovalGate) -> Self {
        match gate {
            ApprovalGate::SG1 => Self::ApproveSg1,
            ApprovalGate::SG2 => Self::ApproveSg2,
        }
    }
}

/// A survey is complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SurveyTaken {
    /// What for.
    pub purpose: SurveyPurpose,
    /// The survey.
    pub survey: Arc<Survey>,
    /// What the simulator makes of its streams; left out where nothing is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulation: Option<Arc<Simulation>>,
    /// What differs from the pin beside the change, with rows: it voids nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<FactChange>,
}

/// A live value that is not the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LiveChange {
    /// Fact; `pieces` and `candidates` are the two streams.
    pub key: FactKey,
    /// Value read now; `None`: unknown.
    pub value: Option<String>,
    /// Why it is unknown, in the words of whoever refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rows behind it, where this read was a full survey that was recorded. A later read of the same value does not repeat them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowChange>,
}

impl From<&FactChange> for LiveChange {
    fn from(change: &FactChange) -> Self {
        Self {
            key: change.key.clone(),
            value: change.found.clone(),
            reason: change.reason.clone(),
            rows: change.rows.clone(),
        }
    }
}

/// The live facts were read again while waiting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LiveRead {
    /// When, by our clock.
    pub read_at: UtcTime,
    /// Values that differ from the pin; empty: all equal.
    pub changed: Vec<LiveChange>,
    /// All facts were read, not only the live ones.
    pub complete: bool,
    /// Why nothing could be read.
    pub failed: Option<String>,
}

/// Facts differ from the pin when it mattered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DriftFound {
    /// Gate whose approval is void; `None`: found at closeout.
    pub gate: Option<ApprovalGate>,
    /// What differs.
    pub drift: Vec<FactChange>,
    /// The survey that found it was read in this transaction.
    pub nonce: String,
}

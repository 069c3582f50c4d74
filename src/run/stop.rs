//! Stop codes and exit codes (contract, section 5), in one table. Every stop says what happened and what to do next.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ApprovalGate, State};
use crate::survey::{Digest, named_enum};

named_enum! {
    /// Why a run stopped.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum StopCode {
        /// Waiting at SG1 or SG2.
        StopApprovalRequired = "STOP_APPROVAL_REQUIRED",
        /// Live facts differ from the pin.
        StopFactsDrifted = "STOP_FACTS_DRIFTED",
        /// A person rejected, with a reason.
        StopApprovalRejected = "STOP_APPROVAL_REJECTED",
        /// An approval was refused.
        StopApprovalRefused = "STOP_APPROVAL_REFUSED",
        /// Evidence does not verify.
        StopEvidenceCorrupt = "STOP_EVIDENCE_CORRUPT",
        /// LIVE or execution was asked for.
        StopLiveRefused = "STOP_LIVE_REFUSED",
        /// A check is FAIL.
        StopGateFailed = "STOP_GATE_FAILED",
        /// Claim A is false.
        StopMutationSuspected = "STOP_MUTATION_SUSPECTED",
        /// The database cannot be reached.
        StopDatabaseUnavailable = "STOP_DATABASE_UNAVAILABLE",
        /// Journal or evidence cannot be made durable.
        StopStorageFailed = "STOP_STORAGE_FAILED",
        /// Another process owns this run.
        StopRunLocked = "STOP_RUN_LOCKED",
        /// Quit or a signal.
        StopInterrupted = "STOP_INTERRUPTED",
    }
}

impl StopCode {
    /// The exit code of a process that ends with this stop.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::StopApprovalRequired => 3,
            Self::StopFactsDrifted => 4,
            Self::StopApprovalRejected => 5,
            Self::StopApprovalRefused => 6,
            Self::StopEvidenceCorrupt => 7,
            Self::StopLiveRefused => 8,
            Self::StopGateFailed => 9,
            Self::StopMutationSuspected => 10,
            Self::StopDatabaseUnavailable => 69,
            Self::StopStorageFailed => 74,
            Self::StopRunLocked => 75,
            Self::StopInterrupted => 130,
        }
    }
}

/// A stop as it is shown, returned and journalled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stop {
    /// Code.
    pub stop_code: StopCode,
    /// Approval gate that it belongs to.
    pub gate: Option<ApprovalGate>,
    /// State of the run.
    pub state: State,
    /// Evidence digest that it is about.
    pub evidence: Option<Digest>,
    /// One sentence of what happened.
    pub message: String,
    /// One sentence of what to do next.
    pub next: String,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stop_code, self.message)
    }
}

//! Stop codes and exit codes (contract, section 5), in one table. Every stop says what happened and what to do next.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ApprovalGate, State};
use crate::survey::Digest;

/// Why a run stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StopCode {
    /// Waiting at SG1 or SG2.
    StopApprovalRequired,
    /// Live facts differ from the pin.
    StopFactsDrifted,
    /// A person rejected, with a reason.
    StopApprovalRejected,
    /// An approval was refused.
    StopApprovalRefused,
    /// Evidence does not verify.
    StopEvidenceCorrupt,
    /// LIVE or execution was asked for.
    StopLiveRefused,
    /// A check is FAIL.
    StopGateFailed,
    /// Claim A is false.
    StopMutationSuspected,
    /// The database cannot be reached.
    StopDatabaseUnavailable,
    /// Journal or evidence cannot be made durable.
    StopStorageFailed,
    /// Another process owns this run.
    StopRunLocked,
    /// Quit or a signal.
    StopInterrupted,
}

impl StopCode {
    /// All codes in the order of the contract.
    pub const ALL: [Self; 12] = [
        Self::StopApprovalRequired,
        Self::StopFactsDrifted,
        Self::StopApprovalRejected,
        Self::StopApprovalRefused,
        Self::StopEvidenceCorrupt,
        Self::StopLiveRefused,
        Self::StopGateFailed,
        Self::StopMutationSuspected,
        Self::StopDatabaseUnavailable,
        Self::StopStorageFailed,
        Self::StopRunLocked,
        Self::StopInterrupted,
    ];

    /// The name of the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::StopApprovalRequired => "STOP_APPROVAL_REQUIRED",
            Self::StopFactsDrifted => "STOP_FACTS_DRIFTED",
            Self::StopApprovalRejected => "STOP_APPROVAL_REJECTED",
            Self::StopApprovalRefused => "STOP_APPROVAL_REFUSED",
            Self::StopEvidenceCorrupt => "STOP_EVIDENCE_CORRUPT",
            Self::StopLiveRefused => "STOP_LIVE_REFUSED",
            Self::StopGateFailed => "STOP_GATE_FAILED",
            Self::StopMutationSuspected => "STOP_MUTATION_SUSPECTED",
            Self::StopDatabaseUnavailable => "STOP_DATABASE_UNAVAILABLE",
            Self::StopStorageFailed => "STOP_STORAGE_FAILED",
            Self::StopRunLocked => "STOP_RUN_LOCKED",
            Self::StopInterrupted => "STOP_INTERRUPTED",
        }
    }

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

impl fmt::Display for StopCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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

//! The result of a finished run and its exit code. PASS needs every gate PASS and the verdict PROVEN (`audit::result`).

use serde::{Deserialize, Serialize};

use super::StopCode;

/// How a run ended, without the prefix of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunResult {
    /// Everything was checked and holds.
    Pass,
    /// Somebody else changed the database between the surveys.
    ChangedByOthers,
    /// A person rejected.
    Rejected,
    /// A check failed.
    Fail,
    /// Claim A is false. Printed as `_FAIL`, with its own exit code.
    MutationSuspected,
    /// Something was not checked.
    Incomplete,
}

/// Exit codes that are no stop and no result.
pub mod exit {
    /// Success: nothing differs, the run is intact, or it ended as PASS.
    pub const OK: u8 = 0;
    /// An unexpected error: a bug.
    pub const UNEXPECTED: u8 = 1;
    /// `diff`, `recheck`: differences found.
    pub const DIFFERENT: u8 = 2;
    /// A usage error (`EX_USAGE` of sysexits.h).
    pub const USAGE: u8 = 64;
    /// This machine, or a limit of the process, gives no more files, processes, threads or memory (`EX_OSERR` of sysexits.h).
    pub const SHORTAGE: u8 = 71;
    /// A profile or configuration error (`EX_CONFIG` of sysexits.h).
    pub const CONFIGURATION: u8 = 78;
}

impl RunResult {
    /// The suffix behind the profile's result prefix.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Pass => "_PASS",
            Self::ChangedByOthers => "_CHANGED_BY_OTHERS",
            Self::Rejected => "_REJECTED",
            Self::Fail | Self::MutationSuspected => "_FAIL",
            Self::Incomplete => "_INCOMPLETE",
        }
    }

    /// The stop that a run with this result ends at; PASS and INCOMPLETE have none.
    pub fn stop_code(self) -> Option<StopCode> {
        match self {
            Self::Pass | Self::Incomplete => None,
            Self::ChangedByOthers => Some(StopCode::StopFactsDrifted),
            Self::Rejected => Some(StopCode::StopApprovalRejected),
            Self::Fail => Some(StopCode::StopGateFailed),
            Self::MutationSuspected => Some(StopCode::StopMutationSuspected),
        }
    }

    /// The exit code of the run.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::ChangedByOthers => 4,
            Self::Rejected => 5,
            Self::Fail => 9,
            Self::MutationSuspected => 10,
            Self::Incomplete => 11,
        }
    }
}

//! Gates and their checks, and the declared result of a full test run.

use serde::{Deserialize, Serialize};

use crate::run::{Check, Gate, Verdict};
use crate::survey::Digest;

/// The checks of a gate begin; what an earlier attempt recorded for it is void.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GateStarted {
    /// Gate.
    pub gate: Gate,
}

/// A check was evaluated, or named as not evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckRecorded {
    /// Gate.
    pub gate: Gate,
    /// Check.
    pub check: Check,
}

/// All checks of a gate are recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GateFinished {
    /// Gate.
    pub gate: Gate,
    /// Verdict over its checks.
    pub verdict: Verdict,
}

/// A result file of a full test run was read: DECLARED, no check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TestsDeclared {
    /// Tests that passed, as the file says.
    pub passed: u64,
    /// Tests that failed, as the file says.
    pub failed: u64,
    /// The file, as the profile names it.
    pub file: String,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its age in seconds when it was read.
    pub age_s: u64,
}

//! Evidence sheets and what people decide on them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::run::{ApprovalGate, EvidenceSheet, Person};
use crate::survey::{Digest, UtcTime};

/// A decision of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The gate may open.
    Approve,
    /// The run ends.
    Reject,
    /// A pending approval is taken back.
    Withdraw,
}

/// Why new evidence is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RenewalReason {
    /// Facts had drifted: everything from G1 again.
    Drift,
    /// The evidence had expired: this gate's evidence again.
    Expiry,
}

/// The evidence of a gate is durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidenceTaken {
    /// Gate.
    pub gate: ApprovalGate,
    /// Round of this evidence.
    pub round: u32,
    /// Digest of the sheet, and its blob.
    pub evidence: Digest,
    /// The sheet.
    pub sheet: Arc<EvidenceSheet>,
    /// Until when an approval of it is good, if it is not shown again later.
    pub expires_at: UtcTime,
    /// Boot id of the machine.
    pub boot_id: String,
    /// Milliseconds since that start of the machine, sleep included. Older journals did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
}

/// How large a screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TerminalSize {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl TerminalSize {
    /// Whether a screen of this size can be drawn. A journal of somebody else may say any number.
    pub fn can_be_drawn(self) -> bool {
        (1..=1_000).contains(&self.columns) && (1..=400).contains(&self.rows)
    }
}

/// The sheet was shown to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidenceShown {
    /// Gate.
    pub gate: ApprovalGate,
    /// Digest.
    pub evidence: Digest,
    /// To whom.
    pub by: Person,
    /// Until when an approval of it is good from now on.
    pub expires_at: UtcTime,
    /// Size of the screen that it was on, as the process with the screen said. None: no screen. Older journals did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<TerminalSize>,
    /// Boot id of the machine.
    pub boot_id: String,
    /// Milliseconds since that start of the machine, sleep included. Older journals did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
}

/// A person decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalRecorded {
    /// Gate.
    pub gate: ApprovalGate,
    /// Decision.
    pub decision: Decision,
    /// Digest of the evidence that was decided on.
    pub evidence: Digest,
    /// Reason, required to reject.
    pub reason: Option<String>,
    /// Who.
    pub by: Person,
    /// Boot id of the machine.
    pub boot_id: String,
    /// Milliseconds since that start of the machine, sleep included. Older journals did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
}

impl ApprovalRecorded {
    /// What whoever decided is told as soon as it is durable.
    pub fn says(&self, at: UtcTime) -> String {
        let gate = self.gate;
        match self.decision {
            Decision::Approve => format!(
                "approval of {gate} recorded at {at}; it takes effect once everything was read again"
            ),
            Decision::Reject => format!("rejection of {gate} recorded at {at}"),
            Decision::Withdraw => format!("withdrawal of {gate} recorded at {at}"),
        }
    }
}

/// A decision was refused; the run still waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApprovalRefused {
    /// Gate that was named.
    pub gate: ApprovalGate,
    /// What was attempted.
    pub decision: Decision,
    /// Digest that was named.
    pub evidence: Option<Digest>,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Person,
}

/// New evidence was asked for after drift or expiry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidenceRenewed {
    /// Gate that waited.
    pub gate: ApprovalGate,
    /// Why.
    pub reason: RenewalReason,
}

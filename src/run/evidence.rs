//! The evidence sheet: exactly what a person approves. One JSON document; the SHA-256 of its bytes is the evidence digest.

use serde::{Deserialize, Serialize};

use super::{
    ApprovalGate, ApprovalPolicy, ChangeEvidence, Claim, ContextPins, Obstacle, PassedChange,
    RunId, TargetIdentity,
};
use crate::simulate::{PredictedEffect, StepCounts};
use crate::survey::{Digest, EvidenceFormat, Fact, FactChange, FactKey, ServerIdentity, UtcTime};

/// The last PASS of the same profile and target, copied so that it is never looked up again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPass {
    /// Id of that run.
    pub run_id: RunId,
    /// Time of its seal.
    pub sealed_at: UtcTime,
    /// Facts digest of its pin.
    pub facts_digest: Digest,
    /// Facts of its pin.
    pub facts: Vec<Fact>,
    /// SHA-256 of its profile.
    pub profile_sha256: Digest,
    /// The effect that it predicted; none where nothing was simulated.
    pub predicted: Option<PredictedEffect>,
    /// Who could approve it. Older copies do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalPolicy>,
    /// Digest of the policy file of its machine; none: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_sha256: Option<Digest>,
    /// The change that it was about. Older copies do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<PassedChange>,
    /// How its evidence was digested.
    #[serde(
        default = "EvidenceFormat::first",
        skip_serializing_if = "EvidenceFormat::is_first"
    )]
    pub evidence_format: EvidenceFormat,
}

/// One difference from the last PASS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastPassDifference {
    /// A fact key, or `policy`, `policy_file`, `profile`, `change` or `prediction`.
    pub key: FactKey,
    /// Value then.
    pub then: Option<String>,
    /// Value now.
    pub now: Option<String>,
    /// Lines or rows that differ in the document behind it, where both exist.
    pub lines: Option<u64>,
}

/// One sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidenceSheet {
    /// Version of this document.
    pub schema: u32,
    /// The run.
    pub run_id: RunId,
    /// The gate.
    pub gate: ApprovalGate,
    /// 1, then +1 whenever evidence is taken anew.
    pub round: u32,
    /// Nonce of the pin.
    pub pin_nonce: String,
    /// When the pin was taken.
    pub pinned_at: UtcTime,
    /// Facts digest of the pin.
    pub facts_digest: Digest,
    /// Digest of the live units.
    pub candidate_digest: Option<Digest>,
    /// Live units read; null as what is predicted where nothing is simulated.
    pub candidates: Option<u64>,
    /// What a live run would change.
    pub predicted: Option<PredictedEffect>,
    /// What the three steps decide, by simulation of the pin.
    pub predicted_counts: Option<StepCounts>,
    /// What was simulated after earlier approvals.
    pub simulated: Option<StepCounts>,
    /// Context pins.
    pub context: ContextPins,
    /// Digest of the profile.
    pub profile_sha256: Digest,
    /// Who is asked, without secrets.
    pub target: TargetIdentity,
    /// Which server answered.
    pub server: ServerIdentity,
    /// The facts.
    pub facts: Vec<Fact>,
    /// The claims so far.
    pub claims: Vec<Claim>,
    /// The functions that queries of the profile can run and that are not PostgreSQL's own, each with a digest of its definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// PASS, FAIL, NOT CHECKED and OUT OF SCOPE checks so far.
    pub verdict_counts: [u64; 4],
    /// The last PASS of this profile and target: run, time, and the blob that holds the copy.
    pub last_pass: Option<(RunId, UtcTime, Digest)>,
    /// What differs from it.
    pub last_pass_differences: Vec<LastPassDifference>,
    /// Facts that cannot be compared with it: they were digested in another evidence format, or read for another role of the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_pass_not_comparable: Vec<FactKey>,
    /// What had drifted, when this sheet is taken after a drift: it leads the sheet.
    pub drifted: Vec<FactChange>,
    /// What had changed beside by the last survey, which voids nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<FactChange>,
    /// What keeps the run from ending as PASS, as far as it is known: it leads the sheet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cannot_pass: Vec<Obstacle>,
    /// The change, the tables that may be copied for it, and what it did when it was rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeEvidence>,
    /// Version of drygate.
    pub tool_version: String,
}

impl EvidenceSheet {
    /// The bytes that are stored and digested. Errors are impossible for plain data and reported as text.
    pub fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }
}

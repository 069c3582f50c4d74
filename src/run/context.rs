//! The context pins of a run, `context.json`. Built from live data; `execution_enabled` follows from the mode
//! (`Mode::execution_enabled`) and cannot be set.

use serde::{Deserialize, Serialize};

use super::{Mode, RunId, Signer};
use crate::survey::Digest;

/// What the run is pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ContextPins {
    /// The run.
    pub run_id: RunId,
    /// 1, then +1 after each drift.
    pub round: u32,
    /// Mode.
    pub mode: Mode,
    /// Follows from the mode.
    pub execution_enabled: bool,
    /// Who signs.
    pub signer: Signer,
    /// Digest of the profile's text.
    pub profile_sha256: Digest,
    /// Facts digest of the pin.
    pub facts_digest: Digest,
    /// What the simulator was seeded with.
    pub simulator_input_digest: Digest,
    /// Nonce of the pin's transaction.
    pub pin_nonce: String,
    /// The discoverers in use.
    pub discoverers: [String; 2],
    /// Pinned functions: fact key and md5.
    pub functions: Vec<(String, String)>,
    /// SSOT documents: name and SHA-256.
    pub ssot: Vec<(String, Digest)>,
    /// Heads of the repository at G0, where there is one: ref and commit.
    pub heads: Vec<(String, String)>,
}

impl ContextPins {
    /// The bytes of `context.json`, of which there is a blob as well.
    pub fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

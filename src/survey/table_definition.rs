//! How a table of production is defined, as one digest. Invariant: it is made by one statement of the closed list, whose text the
//! commit guard prints again.

use serde::{Deserialize, Serialize};

use super::{Digest, EvidenceFormat};

/// How a table of production is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TableDefinition {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// SHA-256 of its columns, constraints, indexes, triggers with their code, and rules.
    pub sha256: Digest,
    /// How these were put together; left out is 1: joined by blanks, so that two definitions can have one digest.
    #[serde(
        default = "EvidenceFormat::first",
        skip_serializing_if = "EvidenceFormat::is_first"
    )]
    pub format: EvidenceFormat,
}

//! The rows of the two streams of a snapshot: pieces of the source version, and live units. The text is not kept: a row is its
//! key, the digest of its content and, for a unit, its state.

use serde::{Deserialize, Serialize};

use crate::survey::Digest;

/// A piece that CUT derives a unit from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The unit's key: `ICX-CONST-0017`.
    pub key: String,
    /// SHA-256 of its text.
    pub content: Digest,
}

/// A live unit as it was read from the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The key of the unit.
    pub key: String,
    /// SHA-256 of its text.
    pub content: Digest,
    /// Lifecycle state: `draft`, `enacted`.
    pub state: String,
}

//! The two streams of a snapshot: pieces of the source version, live units. Invariant: text never stays; a unit is its key, digest and state.

use serde::{Deserialize, Serialize};

use crate::survey::Digest;

/// A piece that CUT derives a unit from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The unit's key: `ICX-CONST-0017`.
    pub key: String,
    /// SHA-256 of the text.
    pub content: Digest,
}

/// A live unit, as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The unit's key.
    pub key: String,
    /// SHA-256 of the text.
    pub content: Digest,
    /// Lifecycle state: `draft`, `enacted`.
    pub state: String,
}

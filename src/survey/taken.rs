//! One survey as it was taken. Invariant: every value of it is from one snapshot.

use serde::{Deserialize, Serialize};

use super::{Digest, Fact, RoleSurvey, ServerIdentity, Snapshot, facts_digest};

/// Length and digest of an ordered stream that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamDigest {
    /// Rows read.
    pub rows: u64,
    /// SHA-256 over the length-prefixed fields of every row, in order.
    pub sha256: Digest,
}

/// One survey: server, snapshot, facts, role, streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Which server and database.
    pub server: ServerIdentity,
    /// Which transaction.
    pub snapshot: Snapshot,
    /// The facts, in the order of the profile.
    pub facts: Vec<Fact>,
    /// The facts digest, spec section 6.
    pub facts_digest: Digest,
    /// The role survey.
    pub role: RoleSurvey,
    /// The live units, read to the end. `None`: they were not asked for (a live read).
    pub candidates: Option<StreamDigest>,
    /// The source pieces, read to the end. `None`: they were not asked for.
    pub pieces: Option<StreamDigest>,
}

impl Survey {
    /// The fact of a key.
    pub fn fact(&self, key: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.key.as_str() == key)
    }

    /// The facts whose value is unknown.
    pub fn unknown(&self) -> impl Iterator<Item = &Fact> {
        self.facts
            .iter()
            .filter(|fact| fact.observed.value().is_none())
    }

    /// Whether the digest is that of the facts.
    pub fn digest_holds(&self) -> bool {
        facts_digest(&self.facts) == self.facts_digest
    }

    /// What the simulator is seeded with: facts, pieces and candidates, as one digest.
    pub fn input_digest(&self) -> Digest {
        let stream = |stream: &Option<StreamDigest>| {
            stream
                .as_ref()
                .map_or_else(|| "none".to_owned(), |s| format!("{} {}", s.rows, s.sha256))
        };
        Digest::of(format!(
            "{}\n{}\n{}\n",
            self.facts_digest,
            stream(&self.pieces),
            stream(&self.candidates)
        ))
    }
}

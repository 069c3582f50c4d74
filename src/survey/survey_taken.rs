//! One survey: everything that was read from the target in one read-only transaction.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Digest, Fact, FactKey, Observed, RoleSurvey, ServerIdentity, Snapshot, facts_digest};

/// Length and digest of an ordered stream of rows that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StreamDigest {
    /// How many rows were read.
    pub rows: u64,
    /// SHA-256 over the length-prefixed fields of every row, in order.
    pub sha256: Digest,
}

/// A stream that could not be read to its end, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnreadStream {
    /// `pieces` or `candidates`: its key among the differences of two surveys.
    pub key: FactKey,
    /// `source pieces` or `live units`: the query of the profile.
    pub query: String,
    /// Why the query may not run, or SQLSTATE and message, or what is wrong with a row.
    pub reason: String,
}

/// One survey: server, snapshot, facts, role and streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Survey {
    /// The server and database that answered.
    pub server: ServerIdentity,
    /// The transaction in which all of it was read.
    pub snapshot: Snapshot,
    /// The facts, in the order of the profile.
    pub facts: Vec<Fact>,
    /// SHA-256 over keys and values of `facts`; see [`facts_digest`].
    pub facts_digest: Digest,
    /// What the role survey found.
    pub role: RoleSurvey,
    /// The live units, read to the end. `None`: they were not asked for (a live read), or `unread` says why.
    pub candidates: Option<StreamDigest>,
    /// The source pieces, read to the end. `None`: they were not asked for, or `unread` says why.
    pub pieces: Option<StreamDigest>,
    /// The streams that failed. They are read side by side: where one failed, the other was not read to its end either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadStream>,
}

impl Survey {
    /// The fact with this key; `None`: the survey has none.
    pub fn fact(&self, key: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.key.as_str() == key)
    }

    /// The streams that were read to their end: key among the differences of two surveys, label, length and digest.
    pub fn streams(&self) -> impl Iterator<Item = (&'static str, &'static str, &StreamDigest)> {
        let streams = [
            ("pieces", "source pieces", &self.pieces),
            ("candidates", "live units", &self.candidates),
        ];
        streams
            .into_iter()
            .filter_map(|(key, label, stream)| Some((key, label, stream.as_ref()?)))
    }

    /// The value of a fact, or the digest of a stream, by its key; `None`: it is unknown or was not read.
    pub fn value(&self, key: &str) -> Option<&str> {
        let mut streams = self.streams();
        match streams.find(|(name, ..)| *name == key) {
            Some((.., stream)) => Some(stream.sha256.as_str()),
            None => self.fact(key)?.observed.value(),
        }
    }

    /// The documents behind its facts.
    pub fn documents(&self) -> BTreeSet<Digest> {
        let documents = self.facts.iter().filter_map(|fact| fact.document.as_ref());
        documents.map(|document| document.sha256.clone()).collect()
    }

    /// The facts whose value is unknown.
    pub fn unknown(&self) -> impl Iterator<Item = &Fact> {
        self.facts
            .iter()
            .filter(|fact| fact.observed.value().is_none())
    }

    /// Why the value of a fact or stream is unknown; `None`: it is known, or was not asked for.
    pub fn unknown_reason(&self, key: &str) -> Option<&str> {
        let stream = self.unread.iter().find(|stream| stream.key.as_str() == key);
        match (&self.fact(key).map(|fact| &fact.observed), stream) {
            (Some(Observed::Unknown { unknown }), _) => Some(unknown),
            (_, Some(stream)) => Some(&stream.reason),
            _ => None,
        }
    }

    /// Whether `facts_digest` is the digest of `facts`, computed again.
    pub fn digest_holds(&self) -> bool {
        facts_digest(&self.facts) == self.facts_digest
    }

    /// The input of the simulator (facts, pieces and candidates) as one digest.
    pub fn input_digest(&self) -> Digest {
        let stream = |stream: &Option<StreamDigest>| {
            stream
                .as_ref()
                // `none` is not the digest of an empty stream, which has 0 rows and a SHA-256.
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

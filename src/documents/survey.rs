//! Document of `survey`: one read-only survey. An unknown value is null.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::SchemaVersion;
use crate::survey::{
    Digest, Provenance, RoleSurvey, ServerIdentity, Snapshot, StreamDigest, TransactionProof,
    UnreadStream,
};

/// What was surveyed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SurveyDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// Which server and database.
    pub server: ServerIdentity,
    /// Which transaction.
    pub snapshot: Snapshot,
    /// The facts, by key.
    pub facts: BTreeMap<String, SurveyFact>,
    /// Digest over the facts.
    pub facts_digest: Digest,
    /// The live units; null: they could not be read.
    pub candidates: Option<StreamDigest>,
    /// The source pieces; null: they could not be read.
    pub pieces: Option<StreamDigest>,
    /// What the role may do.
    pub role: RoleSurvey,
    /// What was measured of the transaction; null: its end was not seen.
    pub proof: Option<TransactionProof>,
    /// Why units or pieces could not be read; left out where they could.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadStream>,
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SurveyFact {
    /// The value in the type of the fact; null: unknown.
    #[cfg_attr(test, schemars(extend("type" = ["string", "integer", "boolean", "null"])))]
    pub value: Value,
    /// LIVE or DERIVED; null: unknown.
    pub provenance: Option<Provenance>,
}

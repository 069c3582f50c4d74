//! Transactions on the surveyed server, and the statements that were sent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::survey::{Digest, TransactionProof};

/// What a transaction was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The checks of profile SQL that execute nothing.
    Validation,
    /// A full survey.
    Survey,
    /// The live facts, while waiting.
    LiveRead,
    /// Schema, catalogue and rows for a rehearsal.
    Rehearsal,
}

/// A transaction is about to be opened: journalled before its BEGIN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TransactionOpened {
    /// Number within the run, from 1.
    pub id: u64,
    /// What for.
    pub purpose: Purpose,
    /// Nonce that it will carry.
    pub nonce: String,
}

/// Its end was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TransactionClosed {
    /// Number.
    pub id: u64,
    /// What was measured from inside.
    pub proof: Arc<TransactionProof>,
}

/// Its end was not seen: killed, or the link was lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TransactionUnseen {
    /// Number.
    pub id: u64,
    /// Why, as far as known.
    pub reason: String,
}

/// What a process has sent so far was kept: texts, once each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatementsRecorded {
    /// Blob: a JSON list of texts.
    pub blob: Digest,
    /// How many texts it holds.
    pub statements: u64,
}

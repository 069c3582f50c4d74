//! One fact of a survey, and the document behind it. Invariant: a fact is LIVE, DERIVED or unknown, never SIMULATED.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Derived, Digest, Live, Provenance};

/// The key of a fact, as in the profile: `icx_total`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct FactKey(String);

impl FactKey {
    /// A key of the profile.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of value a fact has: it decides how the value is aligned, shortened and written to JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An md5 in hex.
    Md5,
    /// A SHA-256 in hex.
    Sha256,
    /// The content digest of a protected table.
    Content,
}

/// What a survey saw of a fact. There is no SIMULATED variant: that is the point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Observed {
    /// Read from the database.
    Live(Live<String>),
    /// Computed from what was read.
    Derived(Derived<String>),
    /// The query failed: nothing is known, and the reason says why.
    Unknown {
        /// SQLSTATE and message, without secrets.
        unknown: String,
    },
}

impl Observed {
    /// The value, if one is known.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Live(value) => Some(value.get()),
            Self::Derived(value) => Some(value.get()),
            Self::Unknown { .. } => None,
        }
    }

    /// The provenance of a known value.
    pub fn provenance(&self) -> Option<Provenance> {
        match self {
            Self::Live(_) => Some(Provenance::Live),
            Self::Derived(_) => Some(Provenance::Derived),
            Self::Unknown { .. } => None,
        }
    }
}

/// The address of a document in the run's blobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DocumentRef {
    /// SHA-256 of the document's bytes: its name under `blobs/`.
    pub sha256: Digest,
    /// How many lines it has.
    pub lines: u64,
}

/// A document behind a fact: function source, grant lines, rows of a table, role survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactDocument {
    /// The bytes, UTF-8, lines ended by `\n`.
    pub text: String,
}

impl FactDocument {
    /// Where the document will be found once it is stored.
    pub fn reference(&self) -> DocumentRef {
        DocumentRef {
            sha256: Digest::of(&self.text),
            lines: self.text.lines().count() as u64,
        }
    }
}

/// One fact of one survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fact {
    /// Key of the profile.
    pub key: FactKey,
    /// Label for people: `ICX-CONST total`.
    pub label: String,
    /// Kind of the value.
    pub kind: FactKind,
    /// What was seen, with its provenance.
    pub observed: Observed,
    /// Number of rows behind a content digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The document behind the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentRef>,
    /// SHA-256 of the SQL that read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql_sha256: Option<Digest>,
    /// Whether it is read again while a run waits.
    #[serde(default)]
    pub live: bool,
}

impl Fact {
    /// The known value or an empty text.
    pub fn value(&self) -> &str {
        self.observed.value().unwrap_or("")
    }

    /// The value as JSON: a number, a boolean, a text or null.
    pub fn json_value(&self) -> serde_json::Value {
        let Some(value) = self.observed.value() else {
            return serde_json::Value::Null;
        };
        match self.kind {
            FactKind::Integer => value
                .parse::<i64>()
                .map_or_else(|_| value.into(), Into::into),
            FactKind::Boolean => value
                .parse::<bool>()
                .map_or_else(|_| value.into(), Into::into),
            _ => value.into(),
        }
    }
}

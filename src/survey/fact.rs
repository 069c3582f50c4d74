//! One fact of a survey, and the document behind it.
//! Invariant: a fact is LIVE, DERIVED or unknown, never SIMULATED. Held by the variants of `Observed`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Derived, Digest, DriftRule, FactPart, Live, Provenance};

/// The key of a fact, as in the profile: `icx_total`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct FactKey(String);

impl FactKey {
    /// Takes a key over as it stands in the profile.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key as it stands in the profile.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as people read it. Journal and JSON name the stream of the live units otherwise.
    pub fn shown(&self) -> &str {
        match self.as_str() {
            "candidates" => "live_units",
            key => key,
        }
    }
}

impl fmt::Display for FactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

/// What kind of value a fact has: it decides how the value is aligned, shortened and written to JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Any text; in JSON a string.
    Text,
    /// A whole number; in JSON a number.
    Integer,
    /// `true` or `false`; in JSON a boolean.
    Boolean,
    /// An md5, 32 hex characters, such as that of a pinned function.
    Md5,
    /// A SHA-256, 64 hex characters.
    Sha256,
    /// The content digest of a protected table.
    Content,
}

/// What a survey read for a fact. A simulated value has no variant, so the compiler refuses it as a fact.
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
    /// The value; `None`: it is unknown.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Live(value) => Some(value.get()),
            Self::Derived(value) => Some(value.get()),
            Self::Unknown { .. } => None,
        }
    }

    /// The provenance of the value; `None`: it is unknown.
    pub fn provenance(&self) -> Option<Provenance> {
        match self {
            Self::Live(_) => Some(Provenance::Live),
            Self::Derived(_) => Some(Provenance::Derived),
            Self::Unknown { .. } => None,
        }
    }
}

/// Digest and length of a document that is kept among the blobs of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DocumentRef {
    /// SHA-256 of the document's bytes: its name under `blobs/`.
    pub sha256: Digest,
    /// How many lines the document has.
    pub lines: u64,
}

/// A document behind a fact: function source, grant lines, rows of a table, role survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactDocument {
    text: String,
    reference: DocumentRef,
}

impl FactDocument {
    /// A document of this text, UTF-8, lines ended by `\n`.
    pub fn new(text: String) -> Self {
        let reference = DocumentRef {
            sha256: Digest::of(&text),
            lines: text.lines().count() as u64,
        };
        Self { text, reference }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, once nothing else of the document is needed.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Digest and length, by which the document is found once it is stored.
    pub fn reference(&self) -> &DocumentRef {
        &self.reference
    }
}

/// One fact of one survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fact {
    /// The key in the profile.
    pub key: FactKey,
    /// Label for people: `ICX-CONST total`.
    pub label: String,
    /// What kind of value it is.
    pub kind: FactKind,
    /// What was read, with its provenance, or why nothing is known.
    pub observed: Observed,
    /// Number of rows behind a content digest; `None`: the fact is no content digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The document behind the value; `None`: the value is all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentRef>,
    /// SHA-256 of the SQL that read it; `None`: not recorded for this kind of fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql_sha256: Option<Digest>,
    /// Whether it is read again while a run waits.
    #[serde(default)]
    pub live: bool,
    /// Which differences of it void an approval.
    #[serde(default, skip_serializing_if = "DriftRule::is_any")]
    pub drift: DriftRule,
    /// The parts of the definition of a table: itself, then its partitions; empty: the fact has no parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<FactPart>,
}

impl Fact {
    /// The known value; an unknown one is an empty text.
    pub fn value(&self) -> &str {
        self.observed.value().unwrap_or("")
    }

    /// The value as JSON: a number, a boolean, a text or null.
    pub fn json_value(&self) -> serde_json::Value {
        let Some(value) = self.observed.value() else {
            return serde_json::Value::Null;
        };
        match self.kind {
            // A number that does not fit 64 bits is written as a string and loses nothing.
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

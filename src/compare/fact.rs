//! One fact on two sides. Invariant: an unknown value never equals anything, and what was not read is not called equal.

use serde::Serialize;

use crate::run::LedgerRef;
use crate::survey::{
    Digest, DocumentRef, Fact, FactKey, FactKind, Observed, Provenance, RowChange, Sides,
};

/// The keys of the streams of units and pieces, which stand beside the facts.
const STREAMS: [&str; 3] = ["pieces", "candidates", UNITS];
/// The key of the row that tells the units of a ledger one by one.
pub(super) const UNITS: &str = "units";

/// How the sides of a fact differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Both known and equal.
    Equal,
    /// Both known and different.
    Changed,
    /// Only on the right.
    Added,
    /// Only on the left.
    Removed,
    /// A value is unknown.
    Unknown,
    /// One side was not read.
    NotRead,
}

impl Change {
    /// Whether it counts as a difference.
    pub fn differs(self) -> bool {
        !matches!(self, Self::Equal | Self::NotRead)
    }
}

/// What one side says of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SideValue {
    /// The value; `None`: unknown.
    pub value: Option<String>,
    /// Where it comes from.
    pub provenance: Option<Provenance>,
    /// Why it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Rows behind a content digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The document behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentRef>,
    /// SHA-256 of the SQL that read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql_sha256: Option<Digest>,
    /// The unit ledger that it is told from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerRef>,
    /// A document made from the survey itself.
    #[serde(skip)]
    pub text: Option<String>,
}

impl SideValue {
    /// What a survey saw.
    pub fn of(fact: &Fact) -> Self {
        let unknown = match &fact.observed {
            Observed::Unknown { unknown } => Some(unknown.clone()),
            _ => None,
        };
        Self {
            value: fact.observed.value().map(str::to_owned),
            provenance: fact.observed.provenance(),
            unknown,
            rows: fact.rows,
            document: fact.document.clone(),
            sql_sha256: fact.sql_sha256.clone(),
            ledger: None,
            text: None,
        }
    }

    /// A bare value.
    pub fn bare(value: Option<String>, provenance: Provenance) -> Self {
        Self {
            provenance: value.is_some().then_some(provenance),
            value,
            unknown: None,
            rows: None,
            document: None,
            sql_sha256: None,
            ledger: None,
            text: None,
        }
    }

    /// The value, or that it is unknown and why.
    pub fn words(&self) -> String {
        match (&self.value, &self.unknown) {
            (Some(text), _) => text.clone(),
            (None, Some(why)) => format!("unknown: {why}"),
            (None, None) => "unknown".to_owned(),
        }
    }

    /// Whether there is something to open.
    pub fn opens(&self) -> bool {
        self.document.is_some() || self.ledger.is_some() || self.text.is_some()
    }
}

/// One fact on two sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedFact {
    /// Key.
    pub key: FactKey,
    /// Label for people.
    pub label: String,
    /// Kind of the value.
    pub kind: FactKind,
    /// How the sides differ.
    pub change: Change,
    /// Both values; `None`: this side has no such fact.
    pub sides: Sides<Option<SideValue>>,
    /// The rows that the journal names as different.
    pub rows: Vec<RowChange>,
}

impl ComparedFact {
    /// Puts two values beside each other.
    pub fn of(
        key: FactKey,
        label: String,
        kind: FactKind,
        sides: Sides<Option<SideValue>>,
    ) -> Self {
        let change = match (&sides.before, &sides.after) {
            (Some(one), Some(two)) => match (&one.value, &two.value) {
                (Some(one), Some(two)) if one == two => Change::Equal,
                (Some(_), Some(_)) => Change::Changed,
                _ => Change::Unknown,
            },
            (None, Some(_)) => Change::Added,
            _ => Change::Removed,
        };
        Self {
            key,
            label,
            kind,
            change,
            sides,
            rows: Vec::new(),
        }
    }

    /// Whether it is the digest of a stream of units or pieces, and no fact of the profile.
    pub fn is_stream(&self) -> bool {
        STREAMS.contains(&self.key.as_str())
    }

    /// What it is called: its key, a stream in words.
    pub fn name(&self) -> &str {
        if self.is_stream() {
            &self.label
        } else {
            self.key.as_str()
        }
    }

    /// Whether both sides were read by other SQL.
    pub fn method_differs(&self) -> bool {
        let sql = self.sides.as_ref().map(|side| {
            side.as_ref()
                .and_then(|value| value.sql_sha256.as_ref().map(Digest::as_str))
        });
        let both = self.sides.before.is_some() && self.sides.after.is_some();
        both && sql.before != sql.after
    }

    /// Whether a document can be opened on a side.
    pub fn opens(&self) -> bool {
        let opens = |side: &Option<SideValue>| side.as_ref().is_some_and(SideValue::opens);
        opens(&self.sides.before) || opens(&self.sides.after)
    }
}

//! One fact on both sides of a comparison.
//! Invariant: an unknown value never counts as equal. Held by `ComparedFact::of`.

use serde::Serialize;

use crate::run::{CheckName, LedgerRef, RunState};
use crate::survey::{
    Digest, DocumentRef, Fact, FactKey, FactKind, Observed, Provenance, RowChange, Sides,
    content_of_two_formats,
};

/// The key of the row behind which the units of a ledger are listed.
pub(super) const UNITS: &str = "units";
/// The key of the row behind which the rows of a rehearsed change are listed.
pub(super) const ROWS: &str = "rows";

/// How the two sides of a fact differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Both values are known and equal.
    Equal,
    /// Both values are known and differ.
    Changed,
    /// Both values are known and differ beside the change: the difference voids nothing.
    Beside,
    /// The fact is only on the right.
    Added,
    /// The fact is only on the left.
    Removed,
    /// At least one value is unknown.
    Unknown,
    /// One side was not read, which is neither equal nor a difference.
    NotRead,
    /// Both were digested in different evidence formats, which is neither equal nor a difference.
    NotComparable,
}

impl Change {
    /// Whether it counts as a difference. An unknown value does.
    pub fn differs(self) -> bool {
        !matches!(self, Self::Equal | Self::NotRead | Self::NotComparable)
    }
}

/// The value of a fact on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SideValue {
    /// The value as text; `None`: unknown.
    pub value: Option<String>,
    /// Where the value comes from; `None`: unknown, or not from the database (code and program).
    pub provenance: Option<Provenance>,
    /// Why it is unknown; `None`: it is known, or no reason was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Number of rows behind a content digest or a rehearsal; `None`: not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The document behind it, kept as a blob; `None`: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentRef>,
    /// SHA-256 of the SQL that read it; `None`: not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql_sha256: Option<Digest>,
    /// The unit ledger whose lines stand behind it; `None`: no ledger does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerRef>,
    /// The blob of the rehearsal whose rows or schema lines stand behind it; `None`: it was not rehearsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Digest>,
    /// A document that is in no blob: it is made from the survey, or was read just now.
    #[serde(skip)]
    pub text: Option<String>,
}

impl SideValue {
    /// The value of a fact as a survey read it.
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
            rehearsal: None,
            text: None,
        }
    }

    /// A value without document, SQL or rows.
    pub fn bare(value: Option<String>, provenance: Provenance) -> Self {
        Self {
            provenance: value.is_some().then_some(provenance),
            value,
            unknown: None,
            rows: None,
            document: None,
            sql_sha256: None,
            ledger: None,
            rehearsal: None,
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

    /// Whether a document can be opened behind the value.
    pub fn opens(&self) -> bool {
        let elsewhere = self.ledger.is_some() || self.rehearsal.is_some();
        self.document.is_some() || elsewhere || self.text.is_some()
    }
}

/// One fact with its values on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedFact {
    /// Key of the fact.
    pub key: FactKey,
    /// The label for people: `ICX-CONST total`.
    pub label: String,
    /// What kind of value it is.
    pub kind: FactKind,
    /// How the sides differ.
    pub change: Change,
    /// Both values; `None`: this side has no such fact.
    pub sides: Sides<Option<SideValue>>,
    /// The rows that differ, as the journal lists them.
    pub rows: Vec<RowChange>,
    /// Whether it differs as it follows from the change that was carried out: then nobody has to look after it.
    pub follows: bool,
}

impl ComparedFact {
    /// Adds the digest of the SQL of a content or stream, which is not kept with its value: G1 recorded it with its ruling.
    pub(super) fn add_recorded_sql(&mut self, run: &RunState) {
        let query = match self.key.as_str() {
            "pieces" => "source pieces".to_owned(),
            "candidates" => "live units".to_owned(),
            key if self.kind == FactKind::Content => format!("content {key}"),
            _ => return,
        };
        let check = run
            .checks()
            .find(|(_, check)| check.name == CheckName::FactsArePlainReads);
        let rulings = check.and_then(|(_, check)| check.raw["rulings"].as_array());
        let mut rulings = rulings.into_iter().flatten();
        let ruling = rulings.find(|ruling| ruling["query"] == query.as_str());
        let digest = ruling.and_then(|ruling| ruling["sql_sha256"].as_str()?.parse().ok());
        for value in [&mut self.sides.before, &mut self.sides.after]
            .into_iter()
            .flatten()
        {
            value.sql_sha256 = value.sql_sha256.take().or_else(|| digest.clone());
        }
    }

    /// Puts the values of both sides beside each other and judges them.
    pub fn of(
        key: FactKey,
        label: String,
        kind: FactKind,
        sides: Sides<Option<SideValue>>,
    ) -> Self {
        let change = match (&sides.before, &sides.after) {
            (Some(one), Some(two)) => match (&one.value, &two.value) {
                (Some(one), Some(two)) if one == two => Change::Equal,
                (one, two) if content_of_two_formats(kind, one.as_deref(), two.as_deref()) => {
                    Change::NotComparable
                }
                (Some(_), Some(_)) => Change::Changed,
                // Two unknown values are not equal: nobody knows what they are.
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
            follows: false,
        }
    }

    /// Whether it is one of the two streams, which a partial read never reads.
    pub fn is_stream(&self) -> bool {
        matches!(self.key.as_str(), "pieces" | "candidates")
    }

    /// Whether it is the row behind which units or rows are listed.
    pub fn is_ledger(&self) -> bool {
        [UNITS, ROWS].contains(&self.key.as_str())
    }

    /// The name for people: the key; the label of what has no key there.
    pub fn name(&self) -> &str {
        if self.is_ledger() {
            &self.label
        } else {
            self.key.shown()
        }
    }

    /// Whether the sides were read by different SQL. Their values then answer different questions.
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

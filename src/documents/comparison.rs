//! Document of `diff`: two sides, fact by fact.

use std::collections::BTreeMap;

use serde::Serialize;

use super::SchemaVersion;
use crate::compare::{AttributionText, Change, MethodChange, ReviewNote, SideSource, SideValue};
use crate::run::{ClaimVerdict, NonMutationVerdict, RunId};
use crate::survey::{AlignmentCounts, FactKey, FieldChange, Sides};

/// Two sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffDocument {
    /// Version of this document: 1.
    pub schema: SchemaVersion,
    /// The run.
    pub run_id: RunId,
    /// What is compared: `pre | post`.
    pub compare: String,
    /// The outcome in one line.
    pub headline: String,
    /// Whether anything differs.
    pub differs: bool,
    /// How many facts differ.
    pub facts_changed: usize,
    /// How many facts differ beside the change, which voids nothing.
    pub facts_beside: usize,
    /// How many facts are known on both sides and equal.
    pub facts_equal: usize,
    /// How many facts one side did not read.
    pub facts_not_read: usize,
    /// Where the values of each side come from.
    pub sides: Sides<SideSource>,
    /// The non-mutation verdict, where it is about these sides.
    pub verdict: Option<NonMutationVerdict>,
    /// The claims of the run, by name: `A` to `E`.
    pub claims: BTreeMap<&'static str, ClaimMeasured>,
    /// What changed, when, and by whom as far as visible.
    pub attribution: AttributionText,
    /// What differs in how the sides were read.
    pub method: Vec<MethodChange>,
    /// The facts: those that differ first.
    pub facts: Vec<DiffFact>,
    /// Notes of reviewers; null: they do not chain.
    pub notes: Option<Vec<ReviewNote>>,
    /// Why the notes do not chain; null: they do.
    pub notes_broken: Option<String>,
}

/// What was measured of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClaimMeasured {
    /// Verdict.
    pub verdict: ClaimVerdict,
    /// One sentence.
    pub measured: String,
}

/// A fact on two sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffFact {
    /// Key of the profile.
    pub key: FactKey,
    /// Label for people.
    pub label: String,
    /// How the sides differ.
    pub change: Change,
    /// The left side; null: it has no such fact.
    pub before: Option<SideValue>,
    /// The right side; null: it has no such fact.
    pub after: Option<SideValue>,
    /// Whether the sides were read by different SQL.
    pub method_differs: bool,
    /// The rows behind it that differ, 1000 at most.
    pub rows: Vec<DiffRow>,
    /// How many rows beyond these differ.
    pub rows_left_out: usize,
    /// Lines of the documents behind it, by kind; null: they were not kept.
    pub counts: Option<AlignmentCounts>,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum DiffRow {
    /// Found by laying the documents of both sides beside each other.
    Line {
        /// What differs, in words.
        says: String,
        /// The line on the left.
        before: Option<String>,
        /// The line on the right.
        after: Option<String>,
        /// Its number on the left, from 1.
        before_line: Option<usize>,
        /// Its number on the right, from 1.
        after_line: Option<usize>,
        /// The fields that differ, where both lines are rows of a table.
        fields: Vec<FieldChange>,
    },
    /// As the journal names it, where no documents were kept.
    Recorded {
        /// Key of the row.
        key: String,
        /// The row on the left.
        before: Option<String>,
        /// The row on the right.
        after: Option<String>,
    },
}

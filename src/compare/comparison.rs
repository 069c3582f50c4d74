//! Two surveys side by side, with what was proven. Invariant: every fact of either side is listed once; values and method are told apart.

use std::fmt;

use serde::Serialize;

use super::attribution::AttributionText;
use super::fact::{Change, ComparedFact};
use crate::run::{ApprovalGate, Claim, NonMutationVerdict, RunId};
use crate::survey::{Sides, UtcTime};

/// What is put side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compare {
    /// The pin and the post survey.
    PrePost,
    /// What a gate's evidence says, and what was found when its approval was to take effect.
    Evidence(ApprovalGate),
    /// The evidence of SG1 and that of SG2.
    Gates,
    /// The pin and the last read while waiting.
    Now,
    /// The last PASS of the same profile and target, and this run.
    LastPass,
    /// What is, and what a live run would make of it.
    Predicted,
    /// This run and another.
    Runs(RunId),
    /// The last survey of a sealed run, and one taken now.
    Rechecked,
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrePost => f.write_str("pre | post"),
            Self::Evidence(gate) => write!(f, "evidence of {gate} | found"),
            Self::Gates => f.write_str("SG1 evidence | SG2 evidence"),
            Self::Now => f.write_str("pinned | now"),
            Self::LastPass => f.write_str("last PASS | this run"),
            Self::Predicted => f.write_str("LIVE | ~predicted"),
            Self::Rechecked => f.write_str("sealed | now"),
            Self::Runs(other) => write!(f, "this run | {}", other.short()),
        }
    }
}

/// Where the values of a side come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SideSource {
    /// What the side is called: `approved`, `found`, `pre`, `post`.
    pub name: String,
    /// The run, by its id.
    pub run_id: Option<String>,
    /// When it was read.
    pub read_at: Option<UtcTime>,
    /// Nonce of its transaction.
    pub nonce: Option<String>,
    /// Its snapshot, as the server gave it.
    pub snapshot: Option<String>,
    /// Server and role.
    pub server: Option<String>,
}

/// Something about how values were read that differs between the sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MethodChange {
    /// What: `profile`, `tool`, `server`, `SQL of icx_total`.
    pub what: String,
    /// On the left.
    pub before: String,
    /// On the right.
    pub after: String,
}

/// Two sides, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What is compared.
    pub compare: Compare,
    /// Where each side comes from.
    pub sources: Sides<SideSource>,
    /// The non-mutation verdict of the run, where it is about these sides.
    pub verdict: Option<NonMutationVerdict>,
    /// The claims of the run.
    pub claims: Vec<Claim>,
    /// What, when, who, and what cannot be seen.
    pub attribution: AttributionText,
    /// The facts: those that differ first, in the order of the profile.
    pub facts: Vec<ComparedFact>,
    /// What differs in how they were read.
    pub method: Vec<MethodChange>,
}

impl Comparison {
    /// How many facts differ.
    pub fn differing(&self) -> usize {
        self.count(Change::differs)
    }

    /// How many facts are known to be equal.
    pub fn equal(&self) -> usize {
        self.count(|change| change == Change::Equal)
    }

    /// How many facts were not read on one side.
    pub fn not_read(&self) -> usize {
        self.count(|change| change == Change::NotRead)
    }

    /// Whether anything differs, values or method.
    pub fn differs(&self) -> bool {
        self.differing() > 0 || !self.method.is_empty()
    }

    /// The words that lead the comparison.
    pub fn headline(&self) -> String {
        if let Some(verdict) = self.verdict {
            return verdict.word().replace('_', " ");
        }
        let changed = self.differing();
        match (&self.compare, changed) {
            (Compare::Predicted, 0) => "A LIVE RUN WOULD CHANGE NOTHING".to_owned(),
            (Compare::Predicted, _) => "A LIVE RUN WOULD CHANGE ROWS".to_owned(),
            (Compare::Rechecked, 0) if !self.differs() => "IT STILL HOLDS".to_owned(),
            (_, 0) if self.not_read() > 0 => "NOTHING READ AGAIN DIFFERS".to_owned(),
            (_, 0) if self.method.is_empty() => "NOTHING DIFFERS".to_owned(),
            (_, 0) => "VALUES EQUAL, READ IN ANOTHER WAY".to_owned(),
            (Compare::Evidence(_) | Compare::Now, _) => "FACTS MOVED".to_owned(),
            (_, 1) => "1 FACT DIFFERS".to_owned(),
            (_, changed) => format!("{changed} FACTS DIFFER"),
        }
    }

    /// `15 facts: 8 changed, 7 equal`.
    pub fn tally(&self) -> String {
        let not_read = match self.count_of(false, |change| change == Change::NotRead) {
            0 => String::new(),
            count => format!(", {count} not read again"),
        };
        let predicted = self.compare == Compare::Predicted;
        let streams = match self.count_of(true, Change::differs) {
            _ if predicted => String::new(),
            0 => String::new(),
            1 => ", 1 stream changed".to_owned(),
            count => format!(", {count} streams changed"),
        };
        format!(
            "{} {}: {} changed, {} equal{not_read}{streams}",
            self.count_of(false, |_| true),
            if predicted { "tables" } else { "facts" },
            self.count_of(false, Change::differs),
            self.count_of(false, |change| change == Change::Equal),
        )
    }

    fn count_of(&self, streams: bool, counts: impl Fn(Change) -> bool) -> usize {
        let these = self.facts.iter().filter(|fact| fact.is_stream() == streams);
        these.filter(|fact| counts(fact.change)).count()
    }

    fn count(&self, counts: impl Fn(Change) -> bool) -> usize {
        self.facts.iter().filter(|fact| counts(fact.change)).count()
    }
}

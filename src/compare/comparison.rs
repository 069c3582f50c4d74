//! A comparison of two surveys: facts, verdict, claims and how they were read.
//! Invariant: every fact of either side is listed once. Held by `facts` of build_comparison.rs.

use std::fmt;

use serde::Serialize;

use super::attribution::AttributionText;
use super::fact::{Change, ComparedFact};
use crate::run::{ApprovalGate, CarriedOut, Claim, NonMutationVerdict, RunId};
use crate::survey::{Sides, UtcTime};

/// Which two sides are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compare {
    /// The pin and the post survey.
    PrePost,
    /// The evidence of a gate, and what was found when its approval was to take effect.
    Evidence(ApprovalGate),
    /// The evidence of SG1 and that of SG2.
    Gates,
    /// The pin and the last read while waiting.
    Now,
    /// The last PASS of the same profile and target, and this run.
    LastPass,
    /// The live values, and what a live run would make of them.
    Predicted,
    /// What was there, and what the change did to it when it was rehearsed.
    Rehearsed,
    /// This run and another one.
    Runs(RunId),
    /// The last survey of a sealed run, and a survey taken now.
    Rechecked,
}

impl Compare {
    /// Whether both sides are readings of the same run.
    pub(super) fn is_within_run(&self) -> bool {
        matches!(
            self,
            Self::PrePost | Self::Evidence(_) | Self::Gates | Self::Now
        )
    }
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
            Self::Rehearsed => f.write_str("before | #rehearsed"),
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
    /// Id of the run; `None`: the side belongs to no run.
    pub run_id: Option<String>,
    /// When it was read; `None`: it was not read from a database.
    pub read_at: Option<UtcTime>,
    /// Nonce of its transaction; `None`: the values are not from one transaction.
    pub nonce: Option<String>,
    /// Its snapshot as the server gave it; `None`: as for the nonce, or not recorded.
    pub snapshot: Option<String>,
    /// Server version, database and transport.
    pub server: Option<String>,
}

/// A difference in how the values of both sides were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MethodChange {
    /// What differs: `profile`, `tool`, `server`, `SQL of icx_total`.
    pub what: String,
    /// How it was on the left side.
    pub before: String,
    /// How it was on the right side.
    pub after: String,
}

/// Two sides and what differs between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Which two sides are compared.
    pub compare: Compare,
    /// Where each side comes from.
    pub sources: Sides<SideSource>,
    /// The non-mutation verdict of the run; `None`: it is not about these two sides, or not judged yet.
    pub verdict: Option<NonMutationVerdict>,
    /// The claims of the run, as far as they can be judged.
    pub claims: Vec<Claim>,
    /// The sentences about what, when, who, and what cannot be seen.
    pub attribution: AttributionText,
    /// The facts: those that differ first, in the order of the profile.
    pub facts: Vec<ComparedFact>,
    /// How both sides were read, where that differs.
    pub method: Vec<MethodChange>,
    /// What came of the change that the run is about; `None`: it was not asked for.
    pub after: Option<AfterChange>,
}

/// What `recheck --after` found, as the headline of its comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterChange {
    /// What came of the change; `None`: it cannot be said.
    pub came: Option<CarriedOut>,
    /// The same in a sentence with its counts, and what to do.
    pub says: String,
}

impl AfterChange {
    fn headline(&self) -> &'static str {
        match self.came {
            Some(CarriedOut::CameTrue) => "CAME TRUE",
            Some(CarriedOut::NotCarriedOut) => "NOT CARRIED OUT",
            Some(CarriedOut::DidNotComeTrue) => "DID NOT COME TRUE",
            None => "NOT COMPARED",
        }
    }
}

impl Comparison {
    /// How many facts differ. Those that differ beside the change, or as they follow from it, are not among them.
    pub fn differing(&self) -> usize {
        self.count(|fact| fact.change.differs() && fact.change != Change::Beside && !fact.follows)
    }

    /// How many facts differ as they follow from the change that was carried out.
    pub fn following(&self) -> usize {
        self.count(|fact| fact.follows)
    }

    /// How many facts differ from the pin by what the run itself read later; 0 where the two sides are others.
    pub fn differing_from_pin(&self) -> usize {
        match self.compare {
            Compare::PrePost | Compare::Evidence(_) | Compare::Now => self.differing(),
            Compare::Gates
            | Compare::LastPass
            | Compare::Predicted
            | Compare::Rehearsed
            | Compare::Runs(_)
            | Compare::Rechecked => 0,
        }
    }

    /// How many facts differ beside the change.
    pub fn beside(&self) -> usize {
        self.count(|fact| fact.change == Change::Beside)
    }

    /// How many facts are equal. Facts that were not read are not among them.
    pub fn equal(&self) -> usize {
        self.count(|fact| fact.change == Change::Equal)
    }

    /// How many facts were not read on one side.
    pub fn not_read(&self) -> usize {
        self.count(|fact| fact.change == Change::NotRead)
    }

    /// Whether a value differs, or how it was read.
    pub fn differs(&self) -> bool {
        self.differing() + self.following() + self.beside() > 0 || !self.method.is_empty()
    }

    /// The first words of the comparison, in capitals.
    pub fn headline(&self) -> String {
        // If the run has a verdict about these two sides, that is the headline.
        if let Some(verdict) = self.verdict {
            return verdict.name().replace('_', " ");
        }
        if let Some(after) = &self.after {
            return after.headline().to_owned();
        }
        let changed = self.differing();
        match (&self.compare, changed) {
            (Compare::Predicted, 0) => "A LIVE RUN WOULD CHANGE NOTHING".to_owned(),
            (Compare::Predicted, _) => "A LIVE RUN WOULD CHANGE ROWS".to_owned(),
            (Compare::Rehearsed, 0) => "THE CHANGE DID NOTHING".to_owned(),
            (Compare::Rehearsed, _) => "THE CHANGE DID THIS, REHEARSED".to_owned(),
            (Compare::Rechecked, 0) if self.method.is_empty() => "IT STILL HOLDS".to_owned(),
            (_, 0) if self.beside() > 0 => "CHANGED BESIDE, NOTHING ELSE DIFFERS".to_owned(),
            (_, 0) if self.not_read() > 0 => "NOTHING READ AGAIN DIFFERS".to_owned(),
            (_, 0) if self.method.is_empty() => "NOTHING DIFFERS".to_owned(),
            (_, 0) => "VALUES EQUAL, READ IN ANOTHER WAY".to_owned(),
            (Compare::Evidence(_) | Compare::Now, _) => "FACTS MOVED".to_owned(),
            (_, 1) => "1 FACT DIFFERS".to_owned(),
            (_, changed) => format!("{changed} FACTS DIFFER"),
        }
    }

    /// The counts in words: `15 facts: 8 changed, 7 equal`.
    pub fn tally(&self) -> String {
        let not_read = match self.not_read() {
            0 => String::new(),
            count => format!(", {count} not read again"),
        };
        let beside = match self.beside() {
            0 => String::new(),
            count => format!(", {count} changed beside"),
        };
        let follows = match self.following() {
            0 => String::new(),
            count => format!(", {count} follow from the change"),
        };
        let not_comparable = match self.count(|fact| fact.change == Change::NotComparable) {
            0 => String::new(),
            count => format!(", {count} not comparable"),
        };
        let noun = match self.compare {
            Compare::Predicted => "tables",
            Compare::Rehearsed => "objects",
            _ => "facts",
        };
        format!(
            "{} {noun}: {} changed{follows}{beside}, {} equal{not_read}{not_comparable}",
            self.count(|_| true),
            self.differing(),
            self.equal(),
        )
    }

    fn count(&self, counts: impl Fn(&ComparedFact) -> bool) -> usize {
        // The units one by one are behind the tables, and no table themselves.
        let facts = self.facts.iter().filter(|fact| !fact.is_ledger());
        facts.filter(|fact| counts(fact)).count()
    }
}

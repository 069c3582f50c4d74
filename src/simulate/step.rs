//! CUT, VERIFY and ENACT, decided unit by unit. Invariant: a decision is a pure function of one pairing and the lifecycle.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Lifecycle, Pairing, PredictedEffect};
use crate::survey::Simulated;

/// The three simulated steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SimulatedStep {
    /// Units are cut from the source pieces.
    Cut,
    /// Cut units are compared with the live ones.
    Verify,
    /// Drafts are enacted.
    Enact,
}

impl SimulatedStep {
    /// The name in file names and events: `cut`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Verify => "verify",
            Self::Enact => "enact",
        }
    }
}

impl fmt::Display for SimulatedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().to_uppercase())
    }
}

/// What VERIFY says of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnitVerification {
    /// The live unit's content digest equals the piece's, its state is legal.
    Equal,
    /// The unit would be inserted by CUT as it was cut: nothing live to compare with.
    AsCut,
    /// The content digests differ.
    Differs,
    /// A live unit that no piece explains.
    Gap,
    /// A key that occurs twice.
    Duplicate,
    /// The live unit's state is not one of the lifecycle.
    IllegalState,
}

/// What the three steps decide about one unit: a line of the unit ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitDecision {
    /// The unit's key.
    pub key: String,
    /// `would_insert`, `already_present`, or none for a unit that no piece explains.
    pub cut: Option<String>,
    /// VERIFY's finding.
    pub verify: UnitVerification,
    /// `would_enact`, `already_enacted`, or none where ENACT does not apply.
    pub enact: Option<String>,
    /// The live state, where there is a live unit.
    pub state: Option<String>,
}

impl UnitDecision {
    /// Decides one pairing.
    pub fn of(pairing: &Pairing, lifecycle: &Lifecycle) -> Self {
        match pairing {
            Pairing::Both(piece, unit) => {
                let legal = lifecycle.states.contains(&unit.state);
                let verify = if !legal {
                    UnitVerification::IllegalState
                } else if piece.content == unit.content {
                    UnitVerification::Equal
                } else {
                    UnitVerification::Differs
                };
                Self {
                    key: piece.key.clone(),
                    cut: Some("already_present".to_owned()),
                    verify,
                    enact: enact_word(&unit.state, lifecycle),
                    state: Some(unit.state.clone()),
                }
            }
            Pairing::OnlyPiece(piece) => Self {
                key: piece.key.clone(),
                cut: Some("would_insert".to_owned()),
                verify: UnitVerification::AsCut,
                enact: enact_word(&lifecycle.initial, lifecycle),
                state: None,
            },
            Pairing::OnlyUnit(unit) => Self {
                key: unit.key.clone(),
                cut: None,
                verify: UnitVerification::Gap,
                enact: None,
                state: Some(unit.state.clone()),
            },
            Pairing::Duplicate(key) => Self {
                key: key.clone(),
                cut: None,
                verify: UnitVerification::Duplicate,
                enact: None,
                state: None,
            },
        }
    }
}

fn enact_word(state: &str, lifecycle: &Lifecycle) -> Option<String> {
    if state == lifecycle.target {
        Some("already_enacted".to_owned())
    } else if state == lifecycle.initial {
        Some("would_enact".to_owned())
    } else {
        None
    }
}

/// The counts of the three steps. All SIMULATED.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepCounts {
    /// Pieces that CUT would insert as units.
    pub would_insert: Simulated<u64>,
    /// Pieces whose unit is present already.
    pub already_present: Simulated<u64>,
    /// Units that VERIFY found equal, or as cut.
    pub verified: Simulated<u64>,
    /// Units that VERIFY found wrong: differing, gap, duplicate, illegal state.
    pub unverified: Simulated<u64>,
    /// Units that ENACT would enact.
    pub would_enact: Simulated<u64>,
    /// Units that are enacted already.
    pub already_enacted: Simulated<u64>,
}

/// One simulation of all three steps over one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Simulation {
    /// The counts.
    pub counts: StepCounts,
    /// Up to 20 units that VERIFY found wrong, with what was found.
    pub first_unverified: Vec<(String, UnitVerification)>,
}

fn bump(count: &mut Simulated<u64>) {
    *count = Simulated::new(count.get() + 1);
}

impl Simulation {
    /// Counts one decision.
    pub fn add(&mut self, decision: &UnitDecision) {
        match decision.cut.as_deref() {
            Some("would_insert") => bump(&mut self.counts.would_insert),
            Some(_) => bump(&mut self.counts.already_present),
            None => {}
        }
        match decision.verify {
            UnitVerification::Equal | UnitVerification::AsCut => bump(&mut self.counts.verified),
            wrong => {
                bump(&mut self.counts.unverified);
                if self.first_unverified.len() < 20 {
                    self.first_unverified.push((decision.key.clone(), wrong));
                }
            }
        }
        match decision.enact.as_deref() {
            Some("would_enact") => bump(&mut self.counts.would_enact),
            Some(_) => bump(&mut self.counts.already_enacted),
            None => {}
        }
    }

    /// Units seen by all steps.
    pub fn units(&self) -> u64 {
        self.counts.verified.get() + self.counts.unverified.get()
    }

    /// The predicted effect of a live run of all steps.
    pub fn predicted(&self, lifecycle: &Lifecycle, protected: &[String]) -> PredictedEffect {
        PredictedEffect::of(
            lifecycle,
            *self.counts.would_insert.get(),
            *self.counts.would_enact.get(),
            protected,
        )
    }

    /// `candidate_count_confirmed` of the report: verified units.
    pub fn candidate_count_confirmed(&self) -> Simulated<u64> {
        self.counts.verified
    }

    /// `lifecycle_enacted_count` of the report: would_enact + already_enacted.
    pub fn lifecycle_enacted_count(&self) -> Simulated<u64> {
        Simulated::new(self.counts.would_enact.get() + self.counts.already_enacted.get())
    }
}

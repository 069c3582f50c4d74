//! CUT, VERIFY and ENACT, decided unit by unit, and the counts of all units.
//! Invariant: a decision depends on one pairing and the lifecycle alone. Held by `UnitDecision::of`, which takes nothing else.

use serde::{Deserialize, Serialize};

use super::{Lifecycle, Pairing, PredictedEffect};
use crate::survey::{Simulated, named_enum};

/// The three steps that are simulated, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SimulatedStep {
    /// CUT: units are cut from the source pieces.
    Cut,
    /// VERIFY: cut units are compared with the live ones.
    Verify,
    /// ENACT: units in the initial state are enacted.
    Enact,
}

impl SimulatedStep {
    /// The name in file names and events, such as `cut`. What a run calls it is `TeamWords::step`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Verify => "verify",
            Self::Enact => "enact",
        }
    }
}

named_enum! {
    /// What VERIFY found for a unit.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum UnitVerification {
        /// The content digests of live unit and piece are equal, and the state of the unit is legal.
        Equal = "equal",
        /// CUT would insert the unit, so there is no live unit to compare with.
        AsCut = "as_cut",
        /// A piece that has no live unit, and CUT inserts none.
        NotCut = "not_cut",
        /// The content digests of live unit and piece differ.
        Differs = "differs",
        /// A live unit that has no piece.
        Gap = "gap",
        /// A key that occurs twice in one stream.
        Duplicate = "duplicate",
        /// The state of the live unit is not one of the lifecycle.
        IllegalState = "illegal_state",
    }
}

/// What the three steps decide about one unit: a line of the unit ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitDecision {
    /// The key of the unit.
    pub key: String,
    /// `would_insert` or `already_present`; `None`: no piece stands behind the unit, or CUT inserts none for the piece.
    pub cut: Option<String>,
    /// What VERIFY found for it.
    pub verify: UnitVerification,
    /// `would_enact` or `already_enacted`; `None`: ENACT does not apply to the unit.
    pub enact: Option<String>,
    /// The state of the live unit; `None`: there is no live unit.
    pub state: Option<String>,
}

impl UnitDecision {
    /// The decision of all three steps about one pairing.
    pub fn of(pairing: &Pairing, lifecycle: &Lifecycle) -> Self {
        match pairing {
            Pairing::Both(piece, unit) => {
                // An illegal state is the finding even where the content is equal.
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
            // Nothing makes a unit of it, so nothing is enacted either.
            Pairing::OnlyPiece(piece) if !lifecycle.cut_inserts() => Self {
                key: piece.key.clone(),
                cut: None,
                verify: UnitVerification::NotCut,
                enact: None,
                state: None,
            },
            Pairing::OnlyPiece(piece) => Self {
                key: piece.key.clone(),
                cut: Some("would_insert".to_owned()),
                verify: UnitVerification::AsCut,
                // CUT leaves a new unit in the initial state, from which ENACT takes it.
                enact: enact_word(&lifecycle.initial, lifecycle),
                state: None,
            },
            // A live unit without a piece is reported only: CUT did not make it, so ENACT leaves it alone.
            Pairing::OnlyUnit(unit) => Self {
                key: unit.key.clone(),
                cut: None,
                verify: UnitVerification::Gap,
                enact: None,
                state: Some(unit.state.clone()),
            },
            // A duplicate is counted as wrong only: its rows are decided by their own pairings.
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

/// What ENACT would do with a unit in this state; `None`: it is neither in the initial nor in the target state.
fn enact_word(state: &str, lifecycle: &Lifecycle) -> Option<String> {
    if state == lifecycle.target {
        Some("already_enacted".to_owned())
    } else if state == lifecycle.initial {
        Some("would_enact".to_owned())
    } else {
        None
    }
}

/// How many units each step decided in which way. All SIMULATED.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepCounts {
    /// Pieces that CUT would insert as units.
    pub would_insert: Simulated<u64>,
    /// Pieces whose unit is present already.
    pub already_present: Simulated<u64>,
    /// Units that VERIFY found equal, or as cut.
    pub verified: Simulated<u64>,
    /// Units that VERIFY found wrong: content differs, not cut, gap, duplicate or illegal state.
    pub unverified: Simulated<u64>,
    /// Units that ENACT would take to the target state.
    pub would_enact: Simulated<u64>,
    /// Units that are in the target state already.
    pub already_enacted: Simulated<u64>,
}

/// The result of all three steps over the streams of one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Simulation {
    /// How many units were decided in which way.
    pub counts: StepCounts,
    /// Up to 20 units that VERIFY found wrong, with what was found.
    pub first_unverified: Vec<(String, UnitVerification)>,
}

/// Adds one to a simulated count.
fn bump(count: &mut Simulated<u64>) {
    *count = Simulated::new(count.get() + 1);
}

impl Simulation {
    /// Counts the decision about one unit.
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
                // The list goes into an event of the journal: it stays short however many units are wrong.
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

    /// The predicted effect of a live run of CUT and ENACT; VERIFY changes no row.
    pub fn predicted(&self, lifecycle: &Lifecycle, protected: &[String]) -> PredictedEffect {
        PredictedEffect::of(
            lifecycle,
            *self.counts.would_insert.get(),
            *self.counts.would_enact.get(),
            protected,
        )
    }
}

//! The seven gates G0-G6 and the two approval gates SG1, SG2.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::State;
use crate::simulate::SimulatedStep;
use crate::survey::named_enum;

named_enum! {
    /// A gate whose checks the program evaluates.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum Gate {
        /// SSOT + repo.
        G0 = "G0",
        /// Dry-run feasibility.
        G1 = "G1",
        /// Context and prediction.
        G2 = "G2",
        /// Live dry-run orchestration.
        G3 = "G3",
        /// Resume/idempotency proof.
        G4 = "G4",
        /// Safety tests.
        G5 = "G5",
        /// Commit/report.
        G6 = "G6",
    }
}

impl Gate {
    /// Its title where a run has no word of its own for it (`TeamWords::title`), in full and short.
    pub(super) fn plain_titles(self) -> [&'static str; 2] {
        match self {
            Self::G0 => ["SSOT + repo"; 2],
            Self::G1 => ["dry-run feasibility", "feasibility"],
            Self::G2 => ["context and prediction", "context, forecast"],
            Self::G3 => ["live dry-run orchestration", "orchestration"],
            Self::G4 => ["resume/idempotency proof", "resume proof"],
            Self::G5 => ["safety tests"; 2],
            Self::G6 => ["commit/report"; 2],
        }
    }
}

named_enum! {
    /// A gate that only a person opens.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum ApprovalGate {
        /// Allows the first steps.
        SG1 = "SG1",
        /// Allows the change.
        SG2 = "SG2",
    }
}

impl ApprovalGate {
    /// The state in which this gate is asked for.
    pub fn waiting_state(self) -> State {
        match self {
            Self::SG1 => State::AwaitingCutAuthorization,
            Self::SG2 => State::AwaitingLifecycleAuthorization,
        }
    }

    /// The steps that are simulated once this gate is open, in order, with the state that each reaches.
    pub fn steps(self) -> &'static [(SimulatedStep, State)] {
        match self {
            Self::SG1 => &[
                (SimulatedStep::Cut, State::CutSimulated),
                (SimulatedStep::Verify, State::Verified),
            ],
            Self::SG2 => &[(SimulatedStep::Enact, State::EnactSimulated)],
        }
    }
}

impl FromStr for ApprovalGate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_uppercase().as_str() {
            "SG1" => Ok(Self::SG1),
            "SG2" => Ok(Self::SG2),
            _ => Err("an approval gate is SG1 or SG2".to_owned()),
        }
    }
}

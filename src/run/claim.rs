//! The five claims of the non-mutation proof and their verdict. Each claim is printed with what it cannot see
//! (`ClaimName::cannot_see`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::survey::{FactChange, named_enum};

named_enum! {
    /// The claims, printed separately.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum ClaimName {
        /// Our sessions wrote nothing.
        A = "A",
        /// Facts and digests equal between two different snapshots.
        B = "B",
        /// Cluster quiet in between (informative).
        C = "C",
        /// The role could not have written.
        D = "D",
        /// Same server, database, timeline, no restart.
        E = "E",
    }
}

impl ClaimName {
    /// What the claim says.
    pub fn says(self) -> &'static str {
        match self {
            Self::A => "our sessions wrote nothing",
            Self::B => "facts and digests equal between two different snapshots",
            Self::C => "cluster quiet in between (informative)",
            Self::D => "the role could not have written",
            Self::E => "same server, database, timeline, no restart",
        }
    }

    /// What the claim cannot see.
    pub fn cannot_see(self) -> &'static str {
        match self {
            Self::A => {
                "NOTIFY before commit, non-transactional messages, signals, COPY TO, slots, dblink, foreign tables: only D and the trap check exclude these"
            }
            Self::B => "a change made and undone between the two reads; anything undeclared",
            Self::C => "anything on a busy server; transactions without an id",
            Self::D => "what a superuser's function does on the role's behalf (listed by name)",
            Self::E => "a copy of the same cluster restored under the same identifier",
        }
    }
}

named_enum! {
    /// What was measured of a claim.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum ClaimVerdict {
        /// It holds by the recorded measurements.
        Holds = "HOLDS",
        /// It does not hold by the recorded measurements.
        False = "FALSE",
        /// It was not, or not fully, measured.
        NotChecked = "NOT CHECKED",
    }
}

/// One claim with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Claim {
    /// Which.
    pub name: ClaimName,
    /// Verdict.
    pub verdict: ClaimVerdict,
    /// One sentence of what was measured: `4 of 4 transactions`.
    pub measured: String,
    /// Raw values.
    pub raw: Value,
}

named_enum! {
    /// The verdict over all claims (contract, section 6).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum NonMutationVerdict {
        /// A, B, D and E hold.
        Proven = "PROVEN",
        /// A, D and E hold, B is false.
        ChangedByOthers = "CHANGED_BY_OTHERS",
        /// Something was not measured, or D or E do not hold.
        Unproven = "UNPROVEN",
        /// A is false.
        MutationSuspected = "MUTATION_SUSPECTED",
    }
}

impl NonMutationVerdict {
    /// The verdict that follows from the claims. C is informative.
    pub fn of(claims: &[Claim]) -> Self {
        let of = |name| {
            claims
                .iter()
                .find(|claim| claim.name == name)
                .map_or(ClaimVerdict::NotChecked, |claim| claim.verdict)
        };
        let holds = |name| of(name) == ClaimVerdict::Holds;
        // First: if our own session may have written, nothing else about it counts.
        if of(ClaimName::A) == ClaimVerdict::False {
            Self::MutationSuspected
        } else if !(holds(ClaimName::A) && holds(ClaimName::D) && holds(ClaimName::E)) {
            Self::Unproven
        } else {
            match of(ClaimName::B) {
                ClaimVerdict::Holds => Self::Proven,
                ClaimVerdict::False => Self::ChangedByOthers,
                ClaimVerdict::NotChecked => Self::Unproven,
            }
        }
    }
}

/// The non-mutation judgement as it is journalled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NonMutation {
    /// Verdict over the claims.
    pub verdict: NonMutationVerdict,
    /// The five claims.
    pub claims: Vec<Claim>,
    /// What differs between last pin and post survey.
    pub changes: Vec<FactChange>,
}

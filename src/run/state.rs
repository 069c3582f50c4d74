//! The states of a run (contract, section 3).
//! Invariant: the only transitions are those of `State::may_become` (test
//! `every_state_meets_every_kind_of_event_and_every_refusal_names_both` of tests/machine.rs).

use serde::{Deserialize, Serialize};

use super::ApprovalGate;
use crate::survey::named_enum;

named_enum! {
    /// Where a run is.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum State {
        /// Run directory, lock and first journal record exist.
        #[default]
        Created = "created",
        /// G0 done without FAIL.
        Prechecked = "prechecked",
        /// G1 done without FAIL; its survey is the pin.
        Surveyed = "surveyed",
        /// G2 done without FAIL; simulator seeded, context pins written, prediction computed.
        Seeded = "seeded",
        /// SG1 evidence durable; waits for SG1.
        AwaitingCutAuthorization = "awaiting_cut_authorization",
        /// Simulated CUT done.
        CutSimulated = "cut_simulated",
        /// Simulated VERIFY done.
        Verified = "verified",
        /// SG2 evidence durable; waits for SG2.
        AwaitingLifecycleAuthorization = "awaiting_lifecycle_authorization",
        /// Simulated ENACT done.
        EnactSimulated = "enact_simulated",
        /// Post survey taken on a new snapshot.
        PostSurveyed = "post_surveyed",
        /// Non-mutation verdict durable. Final.
        CloseoutReported = "closeout_reported",
        /// A person rejected SG1 or SG2, with a reason. Final.
        Rejected = "rejected",
        /// FAIL in G0-G2, or our own session not proven clean. Final.
        Failed = "failed",
    }
}

impl State {
    /// The gate that a person is asked for in this state.
    pub fn awaits(self) -> Option<ApprovalGate> {
        match self {
            Self::AwaitingCutAuthorization => Some(ApprovalGate::SG1),
            Self::AwaitingLifecycleAuthorization => Some(ApprovalGate::SG2),
            Self::Created
            | Self::Prechecked
            | Self::Surveyed
            | Self::Seeded
            | Self::CutSimulated
            | Self::Verified
            | Self::EnactSimulated
            | Self::PostSurveyed
            | Self::CloseoutReported
            | Self::Rejected
            | Self::Failed => None,
        }
    }

    /// The gate whose approval takes effect when a run enters this state.
    pub fn opened_by(self) -> Option<ApprovalGate> {
        let mut gates = ApprovalGate::ALL.into_iter();
        gates.find(|gate| {
            gate.steps()
                .first()
                .is_some_and(|(_, state)| *state == self)
        })
    }

    /// Whether no transition leaves this state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::CloseoutReported | Self::Rejected | Self::Failed)
    }

    /// The legal transitions. After drift or new evidence a waiting run goes back to `surveyed`.
    pub fn may_become(self, to: Self) -> bool {
        use State as S;
        let forward = matches!(
            (self, to),
            (S::Created, S::Prechecked)
                | (S::Prechecked, S::Surveyed)
                | (S::Surveyed, S::Seeded)
                | (S::Seeded, S::AwaitingCutAuthorization)
                | (S::AwaitingCutAuthorization, S::CutSimulated)
                | (S::CutSimulated, S::Verified)
                | (S::Verified, S::AwaitingLifecycleAuthorization)
                | (S::AwaitingLifecycleAuthorization, S::EnactSimulated)
                | (S::EnactSimulated, S::PostSurveyed)
                | (S::PostSurveyed, S::CloseoutReported)
        );
        let waits = self.awaits().is_some();
        let back = (waits || self == S::CutSimulated) && to == S::Surveyed;
        let rejected = waits && to == S::Rejected;
        let failed = !self.is_final() && to == S::Failed;
        forward || back || rejected || failed
    }
}

//! The verdict of a check and of a gate.
//! Invariant: what was not evaluated is never PASS (`Verdict::of_gate`; test `a_gate_is_as_good_as_its_worst_check`).

use serde::{Deserialize, Serialize};

use crate::survey::named_enum;

named_enum! {
    /// What is known of a check.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum Verdict {
        /// Evaluated, and it holds.
        Pass = "PASS",
        /// Evaluated, and it does not hold.
        Fail = "FAIL",
        /// Not evaluated.
        NotChecked = "NOT CHECKED",
        /// The profile excludes it by name, with a reason.
        OutOfScope = "OUT OF SCOPE",
        /// The profile asks nothing of it. It is said, counted nowhere, and lowers nothing.
        NotAsked = "NOT ASKED",
    }
}

impl Verdict {
    /// PASS or FAIL by a condition that was evaluated.
    pub fn of(holds: bool) -> Self {
        if holds { Self::Pass } else { Self::Fail }
    }

    /// The verdict of a gate: FAIL if a check is, else NOT CHECKED if a check is or nothing was asked, else PASS.
    pub fn of_gate(checks: impl IntoIterator<Item = Self>) -> Self {
        let mut any = false;
        let mut gate = Self::Pass;
        for verdict in checks {
            any |= verdict != Self::NotAsked;
            match verdict {
                Self::Fail => return Self::Fail,
                Self::NotChecked => gate = Self::NotChecked,
                Self::Pass | Self::OutOfScope | Self::NotAsked => {}
            }
        }
        if any { gate } else { Self::NotChecked }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, Fail, NotAsked, NotChecked, OutOfScope, Pass};

    #[test]
    fn a_gate_is_as_good_as_its_worst_check() {
        assert_eq!(Verdict::of_gate([Pass, OutOfScope]), Pass);
        assert_eq!(Verdict::of_gate([Pass, NotChecked]), NotChecked);
        assert_eq!(Verdict::of_gate([NotChecked, Fail, Pass]), Fail);
        assert_eq!(Verdict::of_gate([]), NotChecked);
        assert_eq!(Verdict::of_gate([NotAsked]), NotChecked);
        assert_eq!(Verdict::of_gate([NotAsked, Pass]), Pass);
    }
}

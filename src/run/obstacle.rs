//! What keeps a run that still waits from ending as PASS.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CheckName, Gate, Verdict};

/// Obstacles that are named one by one; the others are counted.
const NAMED: usize = 3;

/// A check that is, or is going to be, FAIL or NOT CHECKED: the run can no longer end as PASS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Obstacle {
    /// Gate of the check.
    pub gate: Gate,
    /// Which check.
    pub check: CheckName,
    /// FAIL or NOT CHECKED.
    pub verdict: Verdict,
    /// What it is about, in one sentence: the units, the difference, what would check it.
    pub subject: String,
}

impl Obstacle {
    /// As what the run can end at best: `FAIL`, `INCOMPLETE`.
    pub fn at_best(all: &[Self]) -> Option<&'static str> {
        let fails = all.iter().any(|one| one.verdict == Verdict::Fail);
        match (all.is_empty(), fails) {
            (true, _) => None,
            (false, true) => Some("FAIL"),
            (false, false) => Some("INCOMPLETE"),
        }
    }
}

impl Obstacle {
    /// All in one sentence: the first ones whole, the others counted.
    pub fn words(all: &[Self]) -> String {
        let mut words: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
        if all.len() > NAMED {
            words.push(format!("and {} more", all.len() - NAMED));
        }
        words.join("; ")
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} is {}: {}",
            self.gate,
            self.check,
            self.verdict,
            self.subject.trim_end_matches('.')
        )
    }
}

//! One check of a gate: name, verdict, sentence, raw values. A PASS carries the values it was computed from, so that `verify`
//! can compute it again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CheckName, Verdict};

/// Why a check failed, where that changes the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It fails through claim B alone: somebody else changed the database.
    ChangedByOthers,
}

/// One evaluated (or named but not evaluated) check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// Which check.
    pub name: CheckName,
    /// Verdict.
    pub verdict: Verdict,
    /// One sentence for people.
    pub says: String,
    /// The raw values that the verdict was computed from.
    pub raw: Value,
    /// What a FAIL is caused by, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// For NOT CHECKED: what would check it; for FAIL: what would mend it, where that is one step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    /// A check that was evaluated: PASS if `holds`.
    pub fn evaluated(name: CheckName, holds: bool, says: impl Into<String>, raw: Value) -> Self {
        Self {
            name,
            verdict: Verdict::of(holds),
            says: says.into(),
            raw,
            cause: None,
            remedy: None,
        }
    }

    /// The raw values that it was computed from: an excluded check keeps them one level down.
    pub fn own_raw(&self) -> &Value {
        match self.verdict {
            Verdict::OutOfScope => self.raw.get("raw").unwrap_or(&Value::Null),
            Verdict::Pass | Verdict::Fail | Verdict::NotChecked | Verdict::NotAsked => &self.raw,
        }
    }

    /// A check that could not be evaluated, and what would evaluate it.
    pub fn not_checked(
        name: CheckName,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            name,
            verdict: Verdict::NotChecked,
            says: says.into(),
            raw: Value::Null,
            cause: None,
            remedy: Some(remedy.into()),
        }
    }
}

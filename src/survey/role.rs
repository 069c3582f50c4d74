//! Why the role could or could not have written (claim D). Invariant: `role_is_read_only` is derived from named findings, never typed.

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A way to write: the role is not read-only.
    Fail,
    /// Not a table write, named for the reader.
    Warn,
}

/// One way in which the role could have an effect, by object and privilege.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoleFinding {
    /// Weight.
    pub severity: Severity,
    /// The row of the role survey that found it: `table privilege`, `ownership`, `predefined role`.
    pub kind: String,
    /// The object: `public.unit_version`, `role pg_write_all_data`.
    pub object: String,
    /// The privilege or attribute: `INSERT (content)`, `SUPERUSER`.
    pub privilege: String,
    /// The role that holds it: ours, `PUBLIC` or one that we may become.
    pub via: String,
    /// Whether the profile allows it by name; allowed findings are shown and do not fail.
    #[serde(default)]
    pub allowed: bool,
}

impl RoleFinding {
    /// The finding as one line: `table privilege: INSERT (content) on public.unit_version via PUBLIC`.
    pub fn line(&self) -> String {
        format!(
            "{}: {} on {} via {}",
            self.kind, self.privilege, self.object, self.via
        )
    }
}

/// Everything the role survey read, complete or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoleSurvey {
    /// The role whose rights were read.
    pub role: String,
    /// The questions that were asked and answered, by name, with how many rows each looked at: the derivation.
    pub asked: Vec<(String, u64)>,
    /// The questions that could not be answered, with the reason. Not empty: nothing is proven.
    pub unanswered: Vec<String>,
    /// What was found, sorted.
    pub findings: Vec<RoleFinding>,
}

impl RoleSurvey {
    /// The ways to write that no allow-list covers.
    pub fn ways_to_write(&self) -> impl Iterator<Item = &RoleFinding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Fail && !finding.allowed)
    }

    /// The named warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &RoleFinding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warn && !finding.allowed)
    }

    /// `true`, `false`, or `None` when a question was not answered and none of the others found a way.
    pub fn is_read_only(&self) -> Option<bool> {
        if self.ways_to_write().next().is_some() {
            return Some(false);
        }
        (self.unanswered.is_empty() && !self.asked.is_empty()).then_some(true)
    }
}

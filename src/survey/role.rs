//! Whether our role could have written (claim D), by findings of the role survey.
//! Invariant: `role_is_read_only` follows from the findings and from the questions that
//! were answered. Held by `RoleSurvey::is_read_only`.

use serde::{Deserialize, Serialize};

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A way to write: the role is not read-only.
    Fail,
    /// No write to a table, but worth knowing.
    Warn,
}

/// One way in which the role could have an effect, by object and privilege.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoleFinding {
    /// Whether it is a way to write or a warning.
    pub severity: Severity,
    /// The row of the role survey that found it: `table privilege`, `ownership`, `predefined role`.
    pub kind: String,
    /// The object: `public.unit_version`, `role pg_write_all_data`.
    pub object: String,
    /// The privilege or attribute: `INSERT (content)`, `SUPERUSER`.
    pub privilege: String,
    /// The role that holds it: ours, `PUBLIC` or one that we may become.
    pub via: String,
    /// Whether the profile allows it by name (`role.allow`). An allowed finding is shown and fails nothing.
    #[serde(default)]
    pub allowed: bool,
}

impl RoleFinding {
    /// Whether it is a warning that every database of PostgreSQL gives: what PUBLIC may run of the server's own functions since
    /// initdb. Nobody is asked to do anything about it.
    pub fn is_of_every_server(&self) -> bool {
        let own = self.object.starts_with("pg_catalog.");
        self.severity == Severity::Warn && own && self.via == "PUBLIC"
    }

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
    /// The role whose privileges were read.
    pub role: String,
    /// The questions that were asked and answered, by name, with how many catalogue rows each looked at.
    pub asked: Vec<(String, u64)>,
    /// The questions that could not be answered, with the reason. Not empty: nothing is proven.
    pub unanswered: Vec<String>,
    /// All findings of all questions, sorted.
    pub findings: Vec<RoleFinding>,
}

impl RoleSurvey {
    /// The ways to write that the profile does not allow.
    pub fn ways_to_write(&self) -> impl Iterator<Item = &RoleFinding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Fail && !finding.allowed)
    }

    /// The warnings that the profile does not allow.
    pub fn warnings(&self) -> impl Iterator<Item = &RoleFinding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warn && !finding.allowed)
    }

    /// The warnings that somebody can act on.
    pub fn warnings_to_act_on(&self) -> impl Iterator<Item = &RoleFinding> {
        self.warnings()
            .filter(|finding| !finding.is_of_every_server())
    }

    /// `true`, `false`, or `None` when a question was not answered and none of the others found a way.
    pub fn is_read_only(&self) -> Option<bool> {
        // One way to write is an answer, whatever the unanswered questions would have said.
        if self.ways_to_write().next().is_some() {
            return Some(false);
        }
        // No question asked at all is no answer either.
        (self.unanswered.is_empty() && !self.asked.is_empty()).then_some(true)
    }
}

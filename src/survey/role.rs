//! Whether our role could have written (claim D), by findings of the role survey.
//! Invariant: `role_is_read_only` follows from the findings and from the questions that
//! were answered. Held by `RoleSurvey::is_read_only`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FactDocument;

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

/// Findings of one question that only the document of the survey names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MoreFindings {
    /// The question: `table privilege`.
    pub kind: String,
    /// Ways to write that the profile does not allow.
    pub ways: u64,
    /// Warnings that the profile does not allow.
    pub warnings: u64,
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
    /// The findings of all questions, sorted; of each question the first ones where there are many.
    pub findings: Vec<RoleFinding>,
    /// How many more there are, by question: the document of `role_is_read_only` names them. Empty: `findings` are all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<MoreFindings>,
}

/// So many ways to write, and so many warnings, of each question stand in a survey of a run.
const NAMED_MAX: usize = 100;

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

    /// How many of them there are, those that are not among `findings` too.
    pub fn warnings_to_act_on_count(&self) -> u64 {
        let more = self.more.iter().map(|more| more.warnings);
        more.fold(
            self.warnings_to_act_on().count() as u64,
            u64::saturating_add,
        )
    }

    /// How many warnings every server gives.
    pub fn of_every_server_count(&self) -> u64 {
        let all = self.warnings();
        all.filter(|finding| finding.is_of_every_server()).count() as u64
    }

    /// How many ways to write there are, those that are not among `findings` too.
    pub fn ways_count(&self) -> u64 {
        let more = self.more.iter().map(|more| more.ways);
        more.fold(self.ways_to_write().count() as u64, u64::saturating_add)
    }

    /// How many warnings there are, those that are not among `findings` too.
    pub fn warnings_count(&self) -> u64 {
        let more = self.more.iter().map(|more| more.warnings);
        more.fold(self.warnings().count() as u64, u64::saturating_add)
    }

    /// Keeps the first findings of each question, and gives all of them as a document, a line each; `None`: there are few enough.
    /// A role may write in hundreds of thousands of ways, and a line of the journal has an end.
    pub fn shorten(&mut self) -> Option<FactDocument> {
        let mut more: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
        let keeps = |finding: &RoleFinding, counts: &mut [usize; 2]| {
            let nth = usize::from(finding.severity == Severity::Warn);
            counts[nth] += 1;
            counts[nth] <= NAMED_MAX
        };
        // What the profile allows it names one by one.
        let kept: Vec<RoleFinding> = self
            .findings
            .iter()
            .filter(|finding| {
                finding.allowed || keeps(finding, more.entry(finding.kind.as_str()).or_default())
            })
            .cloned()
            .collect();
        if kept.len() == self.findings.len() {
            return None;
        }
        let over = |count: usize| count.saturating_sub(NAMED_MAX) as u64;
        self.more = more
            .into_iter()
            .filter(|(_, counts)| counts.iter().any(|count| over(*count) > 0))
            .map(|(kind, [ways, warnings])| MoreFindings {
                kind: kind.to_owned(),
                ways: over(ways),
                warnings: over(warnings),
            })
            .collect();
        let line = |finding: &RoleFinding| {
            let weight = match (finding.severity, finding.allowed) {
                (_, true) => "allowed",
                (Severity::Fail, false) => "way to write",
                (Severity::Warn, false) => "warning",
            };
            // A line break in a name of the database must not begin a new line.
            format!("{weight}\t{}\n", finding.line().replace('\n', "\\n"))
        };
        let text = self.findings.iter().map(line).collect();
        self.findings = kept;
        Some(FactDocument::new(text))
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

#[cfg(test)]
mod tests {
    use super::{MoreFindings, NAMED_MAX, RoleFinding, RoleSurvey, Severity};

    fn finding(severity: Severity, nth: usize, allowed: bool) -> RoleFinding {
        RoleFinding {
            severity,
            kind: "table privilege".to_owned(),
            object: format!("public.t{nth:06}"),
            privilege: "INSERT".to_owned(),
            via: "reader".to_owned(),
            allowed,
        }
    }

    #[test]
    fn of_many_findings_the_first_ones_stay_and_the_others_are_counted() {
        let mut survey = RoleSurvey {
            asked: vec![("table privilege".to_owned(), 1)],
            ..RoleSurvey::default()
        };
        assert_eq!(survey.shorten(), None);
        // What is allowed comes first in the order of names, and must not hide a way to write.
        let allowed = (0..500).map(|nth| finding(Severity::Fail, nth, true));
        let ways = (500..2_500).map(|nth| finding(Severity::Fail, nth, false));
        let warnings = (0..7).map(|nth| finding(Severity::Warn, nth, false));
        survey.findings = allowed.chain(ways).chain(warnings).collect();
        let whole = survey.clone();
        let document = survey.shorten().expect("there are many");
        assert_eq!(document.text().lines().count(), 2_507);
        assert_eq!(survey.findings.len(), 500 + NAMED_MAX + 7);
        let more = MoreFindings {
            kind: "table privilege".to_owned(),
            ways: 1_900,
            warnings: 0,
        };
        assert_eq!(survey.more, [more]);
        assert_eq!(survey.is_read_only(), Some(false));
        assert_eq!(
            (survey.ways_count(), survey.warnings_count()),
            (whole.ways_count(), whole.warnings_count())
        );
        assert_eq!(survey.ways_count(), 2_000);
    }
}

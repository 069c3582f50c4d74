//! One side of a comparison: its facts, where they come from, and how they were read.

use super::comparison::SideSource;
use super::fact::SideValue;
use crate::run::RunState;
use crate::survey::{Fact, FactKey, FactKind, Provenance, RoleFinding, RoleSurvey, Survey};

/// One side of a comparison, before it is put beside the other.
#[derive(Debug, Clone, Default)]
pub(super) struct ComparedSide {
    /// Where the values come from.
    pub(super) source: SideSource,
    /// Key, label, kind and value of each fact, in the order of the profile.
    pub(super) facts: Vec<(FactKey, String, FactKind, SideValue)>,
    /// Names and values of how it was read: `profile`, `tool`, `target`, `server`.
    pub(super) method: Vec<(&'static str, String)>,
}

impl ComparedSide {
    pub(super) fn of_facts(name: &str, facts: &[Fact]) -> Self {
        let fact = |fact: &Fact| {
            let value = SideValue::of(fact);
            (fact.key.clone(), fact.label.clone(), fact.kind, value)
        };
        Self {
            source: SideSource {
                name: name.to_owned(),
                ..SideSource::default()
            },
            facts: facts.iter().map(fact).collect(),
            method: Vec::new(),
        }
    }

    pub(super) fn of_survey(name: &str, survey: &Survey) -> Self {
        let mut seen = Self::of_facts(name, &survey.facts);
        seen.source.read_at = Some(survey.snapshot.began_at);
        seen.source.nonce = Some(survey.snapshot.nonce.clone());
        seen.source.snapshot = Some(survey.snapshot.snapshot.clone());
        seen.source.server = Some(format!(
            "PostgreSQL {} {}, {}",
            survey.server.version, survey.server.database, survey.server.transport
        ));
        // The document of this fact is made from the recorded role survey, as lines with keys that can be aligned.
        for (key, _, _, value) in &mut seen.facts {
            if key.as_str() == RoleSurvey::READ_ONLY_FACT {
                value.text = Some(role_document(&survey.role));
            }
        }
        // The two streams take part in a comparison as if they were facts.
        for (key, label, stream) in survey.streams() {
            let value = SideValue {
                rows: Some(stream.rows),
                ..SideValue::bare(Some(stream.sha256.to_string()), Provenance::Derived)
            };
            let kind = FactKind::Content;
            seen.facts
                .push((FactKey::new(key), label.to_owned(), kind, value));
        }
        seen
    }

    /// Adds run id and method of the run that this side is a reading of.
    pub(super) fn of_run(mut self, run: &RunState) -> Self {
        self.source.run_id = run.run_id().map(ToString::to_string);
        if let Some(created) = &run.created {
            self.method
                .push(("profile", created.profile_sha256.to_string()));
            self.method.push(("tool", created.tool.version.clone()));
            self.method.push(("target", created.target.address()));
        }
        if let Some(server) = &self.source.server {
            self.method.push(("server", server.clone()));
        }
        self
    }
}

/// The role survey as lines `key<TAB>value`, so that it is aligned by key.
fn role_document(role: &RoleSurvey) -> String {
    let asked = role
        .asked
        .iter()
        .map(|(name, rows)| format!("asked: {name}\t{rows} rows"));
    let unanswered = role
        .unanswered
        .iter()
        .map(|why| format!("not answered: {why}\t"));
    let findings = role.findings.iter().map(|finding| {
        let allowed = if finding.allowed {
            ", allowed by the profile"
        } else {
            ""
        };
        format!(
            "{}\t{:?}{allowed}",
            RoleFinding::line(finding),
            finding.severity
        )
    });
    let more = role.more.iter().map(|more| {
        format!(
            "{}: more\t{} ways to write, {} warnings",
            more.kind, more.ways, more.warnings
        )
    });
    let mut text = String::new();
    for line in asked.chain(unanswered).chain(findings).chain(more) {
        // A line break in a name of the database must not begin a new row.
        text.push_str(&line.replace('\n', "\\n"));
        text.push('\n');
    }
    text
}

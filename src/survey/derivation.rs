//! Why a role is or is not read-only, question by question, as a tree of lines.
//! Invariant: every finding is a line of the whole tree and is counted in the grouped one. Held by `branch`
//! and the test `ways_and_allowances_are_named_and_warnings_grouped_until_the_whole_is_asked_for`.

use std::collections::BTreeMap;

use super::{MoreFindings, RoleFinding, RoleSurvey, Severity};

/// How many objects a group of warnings names; the rest is counted.
const NAMED: usize = 2;

/// How much of the tree is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Warnings grouped by privilege and holder, those that every server gives only counted. Ways to write are never grouped.
    Grouped,
    /// Every finding as a line of its own.
    Whole,
}

/// One line of the derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivationLine {
    /// The line, indented.
    pub text: String,
    /// Whether it says that the role could write, or that this is not known.
    pub is_against: bool,
}

impl DerivationLine {
    fn plain(text: String) -> Self {
        let is_against = false;
        Self { text, is_against }
    }
}

impl RoleSurvey {
    /// The key of the fact that is derived from this survey.
    pub const READ_ONLY_FACT: &'static str = "role_is_read_only";
    /// Keys of the facts that every survey has, whatever a profile asks.
    pub const FACTS: [&'static str; 2] = ["role", Self::READ_ONLY_FACT];

    /// The derivation as indented lines: the answer, each question with the rows it looked at, and what it found.
    pub fn derivation(&self, depth: Depth) -> Vec<DerivationLine> {
        let answer = match self.is_read_only() {
            Some(true) => "true",
            Some(false) => "false",
            None => "NOT CHECKED",
        };
        let ways = self.ways_count();
        let mut lines = vec![
            DerivationLine {
                text: format!("{}={answer} for role {}", Self::READ_ONLY_FACT, self.role),
                is_against: self.is_read_only().is_none(),
            },
            DerivationLine::plain(format!(
                "{ways} ways to write by {} questions, {} not answered, {} warnings{}",
                self.asked.len(),
                self.unanswered.len(),
                self.warnings_to_act_on_count(),
                self.of_every_server()
            )),
        ];
        for (question, looked) in &self.asked {
            let own: Vec<&RoleFinding> = self
                .findings
                .iter()
                .filter(|finding| finding.kind == *question)
                .collect();
            let more = self.more.iter().find(|more| more.kind == *question);
            lines.push(DerivationLine::plain(format!(
                "+ {question}: {looked} looked at, {}",
                tally(&own, more)
            )));
            branch(&own, depth, &mut lines);
            lines.extend(more.map(not_named));
        }
        // A finding of a question that is not in the list still gets its line.
        let asked = |kind: &str| self.asked.iter().any(|(question, _)| question == kind);
        for finding in self.findings.iter().filter(|f| !asked(&f.kind)) {
            lines.push(DerivationLine::plain(format!("+ {}", finding.kind)));
            branch(&[finding], depth, &mut lines);
        }
        let more = self.more.iter().filter(|more| !asked(&more.kind));
        lines.extend(more.map(not_named));
        let unanswered = self.unanswered.iter();
        lines.extend(unanswered.map(|why| DerivationLine {
            text: format!("+ NOT CHECKED {why}"),
            is_against: true,
        }));
        lines
    }

    /// `, and 41 of every server`: what PUBLIC may run of PostgreSQL's own functions.
    fn of_every_server(&self) -> String {
        match self.of_every_server_count() {
            0 => String::new(),
            n => format!(", and {n} that every server gives"),
        }
    }
}

fn not_named(more: &MoreFindings) -> DerivationLine {
    DerivationLine {
        text: format!(
            "  - and {} more ways to write, {} more warnings: a document of the run has them",
            more.ways, more.warnings
        ),
        is_against: more.ways > 0,
    }
}

fn tally(findings: &[&RoleFinding], more: Option<&MoreFindings>) -> String {
    let count = |severity| {
        let counts = |f: &&&RoleFinding| f.severity == severity && !f.allowed;
        let more = more.map_or(0, |more| match severity {
            Severity::Fail => more.ways,
            Severity::Warn => more.warnings,
        });
        (findings.iter().filter(counts).count() as u64).saturating_add(more)
    };
    let allowed = findings.iter().filter(|finding| finding.allowed).count() as u64;
    let mut words = vec![match count(Severity::Fail) {
        0 => "no way to write".to_owned(),
        ways => format!("{ways} WAYS TO WRITE"),
    }];
    let own = findings
        .iter()
        .filter(|f| f.is_of_every_server() && !f.allowed);
    let own = own.count() as u64;
    for (count, word) in [
        (count(Severity::Warn) - own, "warnings"),
        (own, "that every server gives"),
        (allowed, "allowed by the profile"),
    ] {
        if count > 0 {
            words.push(format!("{count} {word}"));
        }
    }
    words.join(", ")
}

fn branch(findings: &[&RoleFinding], depth: Depth, lines: &mut Vec<DerivationLine>) {
    let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for finding in findings {
        let weight = match (finding.severity, finding.allowed) {
            (_, true) => "allowed",
            (Severity::Fail, false) => "WAY TO WRITE",
            (Severity::Warn, false) if depth == Depth::Grouped => {
                if !finding.is_of_every_server() {
                    let group = (finding.privilege.as_str(), finding.via.as_str());
                    groups.entry(group).or_default().push(&finding.object);
                }
                continue;
            }
            (Severity::Warn, false) => "warning",
        };
        lines.push(DerivationLine {
            text: format!(
                "  - {weight}: {} on {} via {}",
                finding.privilege, finding.object, finding.via
            ),
            is_against: finding.severity == Severity::Fail && !finding.allowed,
        });
    }
    for ((privilege, via), objects) in groups {
        let more = objects.len().saturating_sub(NAMED);
        let named = objects[..objects.len() - more].join(", ");
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push(DerivationLine::plain(format!(
            "  - warning: {privilege} on {named}{more} via {via}"
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::{Depth, DerivationLine};
    use crate::survey::{RoleFinding, RoleSurvey, Severity};

    fn finding(severity: Severity, object: &str, allowed: bool) -> RoleFinding {
        RoleFinding {
            severity,
            kind: "security definer".to_owned(),
            object: object.to_owned(),
            privilege: "EXECUTE".to_owned(),
            via: "PUBLIC".to_owned(),
            allowed,
        }
    }

    #[test]
    fn ways_and_allowances_are_named_and_warnings_grouped_until_the_whole_is_asked_for() {
        let survey = RoleSurvey {
            role: "reader".to_owned(),
            asked: vec![
                ("ownership".to_owned(), 3),
                ("security definer".to_owned(), 5),
            ],
            unanswered: vec!["trap: 42501".to_owned()],
            findings: vec![
                finding(Severity::Fail, "f", false),
                finding(Severity::Fail, "g", true),
                finding(Severity::Warn, "a", false),
                finding(Severity::Warn, "b", false),
                finding(Severity::Warn, "c", false),
            ],
            more: Vec::new(),
        };
        let grouped = survey.derivation(Depth::Grouped);
        let against = |line: &&DerivationLine| line.is_against;
        let bad: Vec<&str> = grouped
            .iter()
            .filter(against)
            .map(|l| l.text.as_str())
            .collect();
        assert_eq!(
            bad,
            [
                "  - WAY TO WRITE: EXECUTE on f via PUBLIC",
                "+ NOT CHECKED trap: 42501"
            ]
        );
        assert_eq!(
            grouped
                .into_iter()
                .map(|line| line.text)
                .collect::<Vec<_>>(),
            [
                "role_is_read_only=false for role reader",
                "1 ways to write by 2 questions, 1 not answered, 3 warnings",
                "+ ownership: 3 looked at, no way to write",
                "+ security definer: 5 looked at, 1 WAYS TO WRITE, 3 warnings, 1 allowed by the profile",
                "  - WAY TO WRITE: EXECUTE on f via PUBLIC",
                "  - allowed: EXECUTE on g via PUBLIC",
                "  - warning: EXECUTE on a, b and 1 more via PUBLIC",
                "+ NOT CHECKED trap: 42501",
            ]
        );
        let whole = survey.derivation(Depth::Whole);
        for object in ["f", "g", "a", "b", "c"] {
            let named = |line: &&DerivationLine| line.text.contains(&format!("on {object} via"));
            assert_eq!(whole.iter().filter(named).count(), 1, "{object}");
        }
    }
}

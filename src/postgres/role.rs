//! The role survey: could this role have written?
//! Invariant: a question without an answer is listed in `unanswered`, and then the role is not called read-only
//! (`RoleSurvey::is_read_only`).

use super::call::PlannedRead;
use super::read_batch::ReadAnswer;
use super::statement::Statement;
use super::wire::AnswerRows;
use crate::profile::RoleAllowances;
use crate::survey::{RoleFinding, RoleSurvey, Severity};

/// One question, and the first server version (`server_version_num`) that knows it.
struct Question {
    kind: &'static str,
    statement: Statement,
    since: u32,
}

const ALWAYS: u32 = 0;

/// Every question of the survey.
const QUESTIONS: [Question; 17] = [
    question("role attribute", Statement::ROLE_ATTRIBUTES),
    question("predefined role", Statement::ROLE_REACHABLE),
    question("role membership", Statement::ROLE_MEMBERSHIP),
    question("ownership", Statement::ROLE_OWNERSHIP),
    question("table privilege", Statement::ROLE_RELATIONS),
    question("column privilege", Statement::ROLE_COLUMNS),
    question("create or temporary", Statement::ROLE_CREATE),
    question("untrusted language", Statement::ROLE_LANGUAGES),
    question("foreign data", Statement::ROLE_FOREIGN),
    Question {
        kind: "parameter privilege",
        statement: Statement::ROLE_PARAMETERS,
        since: 150_000,
    },
    question("security definer", Statement::ROLE_DEFINERS),
    question("function", Statement::ROLE_FUNCTIONS),
    question("built-in function", Statement::ROLE_BUILTINS),
    question("default privilege", Statement::ROLE_DEFAULTS),
    question("large object", Statement::ROLE_LARGE_OBJECTS),
    question("trap", Statement::ROLE_TRAPS),
    question("event trigger", Statement::ROLE_EVENT_TRIGGERS),
];

const fn question(kind: &'static str, statement: Statement) -> Question {
    Question {
        kind,
        statement,
        since: ALWAYS,
    }
}

fn asked(version: u32) -> impl Iterator<Item = Question> {
    QUESTIONS
        .into_iter()
        .filter(move |question| question.since <= version)
}

/// The reads of the survey on a server of this version.
pub(super) fn reads(version: u32) -> Vec<PlannedRead> {
    asked(version)
        .map(|question| PlannedRead::ask(question.kind, question.statement))
        .collect()
}

/// Builds the survey from the answers to [`reads`].
pub(super) fn survey(
    role: &str,
    version: u32,
    answers: impl Iterator<Item = ReadAnswer>,
    allowances: &RoleAllowances,
) -> RoleSurvey {
    let mut survey = RoleSurvey {
        role: role.to_owned(),
        ..RoleSurvey::default()
    };
    for (question, answer) in asked(version).zip(answers) {
        match answer {
            Ok(rows) => take(&mut survey, question.kind, rows, allowances),
            Err(reason) => survey
                .unanswered
                .push(format!("{}: {reason}", question.kind)),
        }
    }
    survey.findings.sort();
    survey.findings.dedup();
    survey
}

/// So many rows each question answers at the most (`LIMIT` of its SQL): ways to write, then the count of what it looked at,
/// then warnings.
const ROWS_MAX: usize = 2_001;

fn take(survey: &mut RoleSurvey, kind: &str, rows: AnswerRows, allowances: &RoleAllowances) {
    let mut looked = None;
    let named = rows.len();
    for row in rows {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut cell = || cells.next().unwrap_or_default();
        let (what, object) = (cell(), cell());
        let severity = match what.as_str() {
            "looked" => {
                looked = object.parse().ok();
                continue;
            }
            "warn" => Severity::Warn,
            // Whatever is not known to be harmless is a way to write.
            _ => Severity::Fail,
        };
        let mut finding = RoleFinding {
            severity,
            kind: kind.to_owned(),
            object,
            privilege: cell(),
            via: cell(),
            allowed: false,
        };
        finding.allowed = allowances.allow.contains(&finding.line());
        survey.findings.push(finding);
    }
    match looked {
        Some(looked) => {
            survey.asked.push((kind.to_owned(), looked));
            // Ways to write come before the count, so that only warnings were cut off.
            if named >= ROWS_MAX {
                survey.findings.push(RoleFinding {
                    severity: Severity::Warn,
                    kind: kind.to_owned(),
                    object: "objects that are not named".to_owned(),
                    privilege: "further warnings".to_owned(),
                    via: survey.role.clone(),
                    allowed: false,
                });
            }
        }
        None if named >= ROWS_MAX => survey
            .unanswered
            .push(format!("{kind}: {named} ways to write, or more, are named")),
        // Without the count an empty answer could also mean that nothing was looked at.
        None => survey
            .unanswered
            .push(format!("{kind}: it did not say how many rows it looked at")),
    }
}

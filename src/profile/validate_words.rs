//! Rules for `[words]`: steps that fit their column, file names that are none of a path, rows that the audit has.

use super::findings::Findings;
use super::{PathStep, nearest};
use crate::run::{CheckName, TeamWords};

/// The longest name of a step: its column on the run screen.
const STEP_MAX: usize = 7;

/// The last number of a report.
const REPORTS: u32 = 14;

/// Validates the words of a profile.
pub(super) fn validate_words(findings: &mut Findings<'_, '_>, words: &TeamWords) {
    let key = PathStep::Key("words");
    let at = |name| [key, PathStep::Key(name)];
    for step in &words.steps {
        let fits = (1..=STEP_MAX).contains(&step.chars().count());
        if !fits || !step.chars().all(char::is_alphanumeric) {
            let message = format!("words.steps {step:?} must be of 1 to {STEP_MAX} letters");
            findings.refuse(&at("steps"), message);
        }
    }
    findings.distinct(&at("steps"), words.steps.iter().map(String::as_str));
    let [first, last] = &words.does;
    let [would, already] = &words.would;
    for (name, text) in [
        ("does", first),
        ("does", last),
        ("would", would),
        ("would", already),
        ("proves", &words.proves),
        ("probes", &words.probes),
        ("note", &words.note),
    ] {
        findings.not_blank(&at(name), text);
    }
    for (gate, titles) in &words.gates {
        for title in titles {
            findings.not_blank(
                &[key, PathStep::Key("gates"), PathStep::Key(gate.name())],
                title,
            );
        }
    }
    for (number, [file, title]) in &words.reports {
        let here = [key, PathStep::Key("reports"), PathStep::Key(number)];
        let known = (1..=REPORTS).any(|one| format!("{one:02}") == *number);
        if !known {
            let message =
                format!("words.reports has a number from 01 to {REPORTS}, not {number:?}");
            findings.refuse(&here, message);
        }
        if !TeamWords::is_file_name(file) {
            let message = format!("words.reports: {file:?} must be of a-z, 0-9 and -");
            findings.refuse(&here, message);
        }
        findings.not_blank(&here, title);
    }
    let is_row = |check: &&CheckName| check.name().starts_with("forbidden_");
    for (check, text) in &words.audit {
        let name = check.name();
        let here = [key, PathStep::Key("audit"), PathStep::Key(name)];
        if !CheckName::ALL.iter().filter(is_row).any(|row| row == check) {
            let rows = CheckName::ALL.iter().filter(is_row).map(CheckName::name);
            let near = nearest(name, rows);
            let near = near.map_or_else(String::new, |near| format!("; the nearest is {near:?}"));
            findings.refuse(&here, format!("the audit has no row {name:?}{near}"));
        }
        findings.not_blank(&here, text);
    }
}

//! The checks of a rehearsal. Invariant: what was not measured is NOT CHECKED and never PASS (`judge`).

use super::rehearse::{ChangeScript, Rehearsal};
use crate::documents::DoctorLine;
use crate::run::Verdict;

/// One check.
pub(super) fn line(
    name: &'static str,
    verdict: Verdict,
    says: impl Into<String>,
    next: Option<&str>,
) -> DoctorLine {
    DoctorLine {
        name,
        verdict,
        says: says.into(),
        next: next.map(str::to_owned),
    }
}

/// The checks over what was measured.
pub(super) fn judge(found: &mut Rehearsal, change: &ChangeScript) {
    let checks = &mut found.checks;
    if let Some(proof) = &found.proof {
        let violations = proof.violations();
        checks.push(if !violations.is_empty() {
            line(
                "production",
                Verdict::Fail,
                violations.join("; "),
                Some("Tell the makers of drygate."),
            )
        } else if !proof.unmeasured.is_empty() {
            line(
                "production",
                Verdict::NotChecked,
                proof.unmeasured.join("; "),
                Some("Give the reading role what is missing."),
            )
        } else {
            let says = format!(
                "one read-only transaction, {} statements, no transaction id",
                proof.footprint.statements
            );
            line("production", Verdict::Pass, says, None)
        });
    }
    let Some(rehearsed) = &mut found.rehearsed else {
        return;
    };
    let production = found
        .production
        .as_ref()
        .map_or("", |it| it.version.as_str());
    if rehearsed.version.split_whitespace().next() != production.split_whitespace().next() {
        rehearsed.differences.push(format!(
            "PostgreSQL {production} in production, {} here",
            rehearsed.version
        ));
    }
    checks.push(match &rehearsed.script.error {
        None if rehearsed.script.succeeded => line(
            "change",
            Verdict::Pass,
            format!("it ran to its end as {}", change.role),
            None,
        ),
        error => {
            let says = error.clone().unwrap_or_else(|| "it failed".to_owned());
            line("change", Verdict::Fail, says, Some("Correct the change."))
        }
    });
    checks.push(if rehearsed.sentinel_found {
        line(
            "capture",
            Verdict::Pass,
            "a row written behind the change was found",
            None,
        )
    } else {
        line(
            "capture",
            Verdict::Fail,
            "a row written behind the change was not found",
            Some("Tell the makers of drygate."),
        )
    });
    checks.push(if rehearsed.not_reproducible.is_empty() {
        line(
            "reproducible",
            Verdict::Pass,
            "a second run on the same rows had the same effect",
            None,
        )
    } else {
        let says = format!(
            "NOT REPRODUCIBLE: {}",
            rehearsed.not_reproducible.join("; ")
        );
        line(
            "reproducible",
            Verdict::Fail,
            says,
            Some("Have the change name its rows by what does not change."),
        )
    });
    checks.push(if rehearsed.not_checked.is_empty() {
        let rows: u64 = rehearsed.seeded.iter().map(|table| table.rows).sum();
        let says = format!(
            "{rows} rows of {} tables were copied whole",
            rehearsed.seeded.len()
        );
        line("rows", Verdict::Pass, says, None)
    } else {
        line(
            "rows",
            Verdict::NotChecked,
            rehearsed.not_checked.join("; "),
            Some("Give the reading role SELECT on them."),
        )
    });
}

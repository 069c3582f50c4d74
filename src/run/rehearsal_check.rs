//! The checks of a rehearsal. Those that follow from the proof of its transaction and from its outcome are made here, for the
//! rehearsal itself and for `verify`, which makes them again. Invariant: what was not measured is NOT CHECKED and never PASS.

use serde::{Deserialize, Serialize};

use super::{LockPolicy, RecordedChange, RehearsalOutcome, Verdict};
use crate::survey::{TransactionProof, quoted_identifier};

/// One thing that was measured about a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsalCheck {
    /// Its name: `programs`, `isolation`, `schema`, `change`, `capture`, `reproducible`, `rows`, `production`, `locks`.
    pub name: String,
    /// Verdict.
    pub verdict: Verdict,
    /// What was seen.
    pub says: String,
    /// What to do; null where nothing has to be done.
    pub next: Option<String>,
}

impl RehearsalCheck {
    /// One check.
    pub fn new(name: &str, verdict: Verdict, says: impl Into<String>, next: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            says: says.into(),
            next: next.map(str::to_owned),
        }
    }

    /// What a profile says of locks, in a rehearsal that is no part of a run.
    pub fn of_locks(policy: &LockPolicy, recorded: &RecordedChange) -> Self {
        let against = policy.violations(recorded);
        let next = "Take a weaker lock, or hold it for less.";
        let failed = (Verdict::Fail, against.join("; "), next);
        let unread = (Verdict::NotChecked, recorded.unread.join("; "), next);
        let against = if against.is_empty() {
            (!recorded.unread.is_empty()).then_some(unread)
        } else {
            Some(failed)
        };
        Self::of("locks", against, "no lock is forbidden, nor held too long")
    }

    fn of(name: &str, against: Option<(Verdict, String, &str)>, says: impl Into<String>) -> Self {
        match against {
            None => Self::new(name, Verdict::Pass, says, None),
            Some((verdict, says, next)) => Self::new(name, verdict, says, Some(next)),
        }
    }
}

/// What is said of a role that psql cannot run a change as, and what to do.
pub fn may_not_log_in(role: &str) -> [String; 2] {
    [
        format!("role {role} may not log in, so psql cannot run the change as it"),
        format!(
            "name the role that logs in, and let the change begin with SET ROLE {}",
            quoted_identifier(role)
        ),
    ]
}

/// What the transaction on production was, by its proof.
pub fn production_check(proof: &TransactionProof) -> RehearsalCheck {
    let violations = proof.violations();
    let against = if !violations.is_empty() {
        let next = "Tell the makers of drygate.";
        Some((Verdict::Fail, violations.join("; "), next))
    } else if !proof.unmeasured.is_empty() {
        let next = "Give the reading role what is missing.";
        Some((Verdict::NotChecked, proof.unmeasured.join("; "), next))
    } else {
        None
    };
    let statements = proof.footprint.statements;
    let says = format!("one read-only transaction, {statements} statements, no transaction id");
    RehearsalCheck::of("production", against, says)
}

impl RehearsalOutcome {
    /// The checks that follow from it, of a change that ran as `role`.
    pub fn checks(&self, role: &str) -> [RehearsalCheck; 4] {
        let error = self.script.error.as_deref().unwrap_or("it failed");
        let ran = self.script.error.is_none() && self.script.succeeded;
        let failed = (Verdict::Fail, error.to_owned(), "Correct the change.");
        let behind = "a row written behind the change was";
        let lost = (
            Verdict::Fail,
            format!("{behind} not found"),
            "Tell the makers of drygate.",
        );
        let differs = || {
            let says = format!("NOT REPRODUCIBLE: {}", self.not_reproducible.join("; "));
            let next = "Have the change name its rows by what does not change.";
            (Verdict::Fail, says, next)
        };
        let not_copied = || {
            let next = "Give the reading role SELECT on them.";
            (Verdict::NotChecked, self.not_checked.join("; "), next)
        };
        let rows: u64 = self.seeded.iter().map(|table| table.rows).sum();
        let tables = self.seeded.len();
        [
            RehearsalCheck::of(
                "change",
                (!ran).then_some(failed),
                format!("it ran to its end as {role}"),
            ),
            RehearsalCheck::of(
                "capture",
                (!self.sentinel_found).then_some(lost),
                format!("{behind} found"),
            ),
            RehearsalCheck::of(
                "reproducible",
                (!self.not_reproducible.is_empty()).then(differs),
                "a second run on the same rows had the same effect",
            ),
            RehearsalCheck::of(
                "rows",
                (!self.not_checked.is_empty()).then(not_copied),
                format!("{rows} rows of {tables} tables were copied whole"),
            ),
        ]
    }
}

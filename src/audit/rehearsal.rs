//! G3 of a run with a change: what its last rehearsal says. A function of the recorded rehearsals alone, so that `verify` computes
//! the same. Invariant: what was not rehearsed is NOT CHECKED (test `without_a_rehearsal_nothing_is_checked`), and what one rehearsal
//! alone measured stands in the raw values of a check as well, where `verify` compares it (`measured_once`).

use serde_json::{Value, json};

use super::as_simulated::as_simulated;
use super::required::{checks_of_rehearsal, table_of};
use crate::run::{
    ChangeRehearsed, Check, CheckName, Gate, Obstacle, RecordedChange, RehearsalCheck,
    RehearsalOutcome, RehearsedTable, RunState, Verdict, counted,
};
use crate::simulate::ExpectedRows;

/// The checks of the last rehearsal of this round.
pub(super) fn rehearsal_checks(run: &RunState) -> Vec<Check> {
    checks_of(run, run.last_rehearsal())
}

fn checks_of(run: &RunState, last: Option<&ChangeRehearsed>) -> Vec<Check> {
    let names = checks_of_rehearsal(table_of(run)).iter().cloned();
    let Some(last) = last else {
        let why = "the change was not rehearsed: not reached yet";
        let not_yet = |name| Check::not_checked(name, why, "a run that goes on to its approvals");
        return names.map(not_yet).collect();
    };
    let Some(outcome) = &last.outcome else {
        let why = format!("the change was not rehearsed: {}", last.why_not());
        let remedy = remedy(last);
        let mut checks = last.checks.iter();
        let failed = checks.any(|check| check.name == "change" && check.verdict == Verdict::Fail);
        let check = |name| {
            if name == CheckName::ChangeIsolated {
                isolated(last)
            } else if name == CheckName::ChangeRan && failed {
                Check::evaluated(name, false, last.why_not(), json!({"ran": false}))
            } else {
                Check::not_checked(name, &why, &remedy)
            }
        };
        return names.map(check).collect();
    };
    vec![
        isolated(last),
        ran(last, outcome),
        rows_copied(last, outcome),
        captured(outcome),
        reproducible(outcome),
        as_expected(run, outcome),
        as_simulated(run, outcome),
        locks(run, outcome),
    ]
}

/// What G3 is going to say against the change, as far as it is known: by its last rehearsal, or by the preparation of the first.
pub(super) fn foreseen(run: &RunState) -> Vec<Obstacle> {
    let obstacle = |check, verdict, subject| Obstacle {
        gate: Gate::G3,
        check,
        verdict,
        subject,
    };
    let first = run.first_phases.last().map(|last| &**last);
    let Some(last) = run.last_rehearsal().or(first) else {
        let prepared = run.copy.iter().flat_map(|listed| &listed.checks);
        let against = prepared.filter(|check| check.verdict != Verdict::Pass);
        let foreseen = against.map(|check| {
            let name = match check.name.as_str() {
                "change" => CheckName::ChangeRan,
                "schema" => CheckName::ChangeRowsCopied,
                _ => CheckName::ChangeIsolated,
            };
            obstacle(name, check.verdict, check.says.clone())
        });
        return foreseen.collect();
    };
    let checks = checks_of(run, Some(last)).into_iter();
    // What the whole change fails is recorded as a check; of the phase of SG1 no check is recorded, nor is all of it there yet.
    let partly = [CheckName::ChangeAsExpected, CheckName::ChangeAsSimulated];
    let against = checks.filter(|check| match check.verdict {
        Verdict::NotChecked => true,
        Verdict::Fail => last.first_phase && !partly.contains(&check.name),
        Verdict::Pass | Verdict::OutOfScope | Verdict::NotAsked => false,
    });
    against
        .map(|check| {
            obstacle(
                check.name,
                check.verdict,
                format!("{}: {}", last.gate, check.says),
            )
        })
        .collect()
}

/// What would check it, where rows or tables are missing.
const MAY_READ: &str =
    "SELECT on them for the reading role, and their schema among those that SG1 lists";

fn remedy(last: &ChangeRehearsed) -> String {
    let mut against = last.checks.iter();
    let against = against.find(|check| check.verdict != Verdict::Pass);
    let next = against.and_then(|check| check.next.clone());
    next.unwrap_or_else(|| "a machine that can rehearse".to_owned())
}

fn isolated(last: &ChangeRehearsed) -> Check {
    let found = last.checks.iter().find(|check| check.name == "isolation");
    match found {
        Some(RehearsalCheck {
            verdict: Verdict::Pass,
            says,
            ..
        }) => Check::evaluated(
            CheckName::ChangeIsolated,
            true,
            says,
            json!({"gate": last.gate, "checks": last.checks}),
        ),
        _ => Check::not_checked(CheckName::ChangeIsolated, last.why_not(), remedy(last)),
    }
}

/// What the shadow's schema lacks, because the reading role may not see it.
fn lacking(last: &ChangeRehearsed) -> Option<&str> {
    let mut checks = last.checks.iter();
    let schema = checks.find(|check| check.name == "schema")?;
    (schema.verdict == Verdict::NotChecked).then_some(&schema.says)
}

fn ran(last: &ChangeRehearsed, outcome: &RehearsalOutcome) -> Check {
    let script = &outcome.script;
    let error = script.error.as_deref().unwrap_or("it failed");
    let mut raw = json!({"error": script.error, "statement": script.statement});
    measured_once(
        outcome,
        &mut raw,
        json!({"on_top": outcome.on_top, "took_ms": script.took_ms}),
    );
    let recorded = outcome.recorded.as_ref();
    if let Some(sha256) = recorded.and_then(RecordedChange::sha256) {
        raw["recorded_sha256"] = json!(sha256);
    }
    // An error on a schema that is not whole says nothing of production.
    if let (false, Some(lacking)) = (script.succeeded, lacking(last)) {
        let why = format!("{error}; of the schema was {lacking}");
        return Check {
            raw,
            ..Check::not_checked(CheckName::ChangeRan, why, MAY_READ)
        };
    }
    let says = if script.succeeded {
        "it ran to its end"
    } else {
        error
    };
    Check::evaluated(CheckName::ChangeRan, script.succeeded, says, raw)
}

fn rows_copied(last: &ChangeRehearsed, outcome: &RehearsalOutcome) -> Check {
    const NAME: CheckName = CheckName::ChangeRowsCopied;
    let rows: u64 = outcome.seeded.iter().map(|table| table.rows).sum();
    let lacking = lacking(last);
    let against = outcome.not_checked.iter().map(String::as_str);
    let against: Vec<&str> = lacking.into_iter().chain(against).collect();
    let raw = json!({"tables": outcome.seeded, "passes": outcome.passes, "not_checked": against});
    if against.is_empty() {
        let tables = counted(outcome.seeded.len(), "table");
        let says = format!("{rows} rows of {tables} were copied whole");
        return Check::evaluated(NAME, true, says, raw);
    }
    Check {
        raw,
        ..Check::not_checked(NAME, against.join("; "), MAY_READ)
    }
}

fn captured(outcome: &RehearsalOutcome) -> Check {
    let word = if outcome.sentinel_found {
        "was found"
    } else {
        "was not found"
    };
    let mut raw = json!({"sentinel_found": outcome.sentinel_found});
    let captured = json!({
        "counters": outcome.counters,
        "definitions": outcome.definitions,
        "key_salt_sha256": outcome.key_salt_sha256,
        "sequences": outcome.sequences,
    });
    measured_once(outcome, &mut raw, captured);
    Check::evaluated(
        CheckName::ChangeCaptured,
        outcome.sentinel_found,
        format!("a row written behind the change {word}"),
        raw,
    )
}

/// Puts what was measured once, and follows from nothing else, to the raw values of a check. The versions that ran no change on top of
/// itself did not.
fn measured_once(outcome: &RehearsalOutcome, raw: &mut Value, measured: Value) {
    if outcome.on_top.is_some()
        && let (Value::Object(raw), Value::Object(measured)) = (raw, measured)
    {
        raw.extend(measured);
    }
}

fn reproducible(outcome: &RehearsalOutcome) -> Check {
    let differs = &outcome.not_reproducible;
    let says = if differs.is_empty() {
        "a second run on the same rows had the same effect".to_owned()
    } else {
        format!("NOT REPRODUCIBLE: {}", differs.join("; "))
    };
    let raw = json!({"effect_sha256": outcome.effect_sha256, "differs": differs});
    Check::evaluated(CheckName::ChangeReproducible, differs.is_empty(), says, raw)
}

fn as_expected(run: &RunState, outcome: &RehearsalOutcome) -> Check {
    const NAME: CheckName = CheckName::ChangeAsExpected;
    let Some(expected) = run.change().and_then(|change| change.expect.as_ref()) else {
        // The profile asks nothing, which `scope` says.
        return Check::evaluated(NAME, true, "nothing is expected", json!({"expected": null}));
    };
    let none = RehearsedTable::default();
    let named = expected.iter().filter_map(|rows| {
        let found = outcome.table(&rows.table).unwrap_or(&none);
        unlike(rows, found)
    });
    let unnamed = outcome.effect.iter().filter(|table| {
        let rows = table.rows_changed().iter().any(|(_, rows)| *rows.get() > 0);
        rows && !expected.iter().any(|rows| rows.table == table.table)
    });
    let unnamed =
        unnamed.map(|table| format!("{}: {}, which nothing expects", table.table, table.words()));
    let wrong: Vec<String> = unnamed.chain(named).collect();
    let in_range = run.moved_in_range();
    let says = match (wrong.is_empty(), in_range.is_empty()) {
        (true, true) => format!("{} as expected", counted(expected.len(), "table")),
        (true, false) => format!("as expected; within its range: {}", in_range.join("; ")),
        (false, _) => wrong.join("; "),
    };
    let found: Vec<_> = (outcome.effect.iter())
        .map(|table| json!([table.table, table.inserted, table.updated, table.deleted]))
        .collect();
    Check::evaluated(
        NAME,
        wrong.is_empty(),
        says,
        json!({"expected": expected, "found": found}),
    )
}

fn locks(run: &RunState, outcome: &RehearsalOutcome) -> Check {
    const NAME: CheckName = CheckName::ChangeLocks;
    let Some(policy) = run.change().and_then(|change| change.locks.as_ref()) else {
        // The profile asks nothing, which `scope` says.
        return Check::evaluated(NAME, true, "no lock is judged", json!({"policy": null}));
    };
    let Some(recorded) = &outcome.recorded else {
        let why = "the locks of the change were not recorded";
        return Check::not_checked(NAME, why, "a rehearsal by this version of drygate");
    };
    let raw = json!({"policy": policy, "locks": recorded.locks, "unread": recorded.unread});
    let against = policy.violations(recorded);
    if against.is_empty() && !recorded.unread.is_empty() {
        let why = format!("locks are not known: {}", recorded.unread.join("; "));
        return Check {
            raw,
            ..Check::not_checked(NAME, why, "a change whose locks can be read")
        };
    }
    let says = if against.is_empty() {
        let held = recorded.held_lines();
        let held = held.into_iter().next();
        held.unwrap_or_else(|| "no lock that others wait for with their writes".to_owned())
    } else {
        against.join("; ")
    };
    Check::evaluated(NAME, against.is_empty(), says, raw)
}

/// In what the rows of a table are not those that are expected.
fn unlike(expected: &ExpectedRows, found: &RehearsedTable) -> Option<String> {
    let ranges = [expected.insert, expected.update, expected.delete];
    let pairs = found.rows_changed().into_iter().zip(ranges);
    let wrong: Vec<String> = pairs
        .filter(|((_, rows), range)| !range.contains(*rows.get()))
        .map(|((word, rows), range)| format!("{word} {rows}, expected {range}"))
        .collect();
    (!wrong.is_empty()).then(|| format!("{}: {}", expected.table, wrong.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixture::created;
    use super::super::required::CHECK_TABLE_WITH_CHANGE;
    use super::{checks_of_rehearsal, foreseen, rehearsal_checks};
    use crate::run::{
        ApprovalGate, ChangeRehearsed, CheckName, LockMode, LockPolicy, LongestLock,
        RecordedChange, RehearsalCheck, RehearsalOutcome, RehearsedTable, RunChange, RunCreated,
        RunState, ScriptEnd, TakenLock, Verdict,
    };
    use crate::simulate::{ExpectedRows, RowRange};
    use crate::survey::{Digest, Rehearsed};

    fn table(name: &str, updated: u64) -> RehearsedTable {
        RehearsedTable {
            table: name.to_owned(),
            updated: Rehearsed::new(updated),
            ..RehearsedTable::default()
        }
    }

    fn exactly(rows: u64) -> RowRange {
        RowRange {
            least: rows,
            most: rows,
        }
    }

    fn held(mode: LockMode, held_ms: u64) -> LongestLock {
        LongestLock {
            lock: TakenLock {
                relation: "s.t".to_owned(),
                mode,
                held_ms,
                sampled: false,
            },
            phase: 1,
            statement: 2,
            text: "CREATE INDEX ON s.t (a)".to_owned(),
        }
    }

    /// A run that was rehearsed once, with everything as it should be.
    fn rehearsed(damage: impl FnOnce(&mut ChangeRehearsed)) -> RunState {
        let expect = ExpectedRows {
            table: "s.t".to_owned(),
            insert: exactly(0),
            update: RowRange { least: 5, most: 6 },
            delete: exactly(0),
        };
        let change = RunChange {
            command: None,
            role: "r".to_owned(),
            files: vec!["/c.sql".to_owned()],
            expect: Some(vec![expect]),
            of_sg1: None,
            show: Vec::new(),
            bytes_per_second: None,
            valid_seconds: None,
            locks: Some(LockPolicy {
                forbid: vec![LockMode::AccessExclusive],
                held_ms_max: Some(500),
            }),
        };
        let outcome = RehearsalOutcome {
            script: ScriptEnd {
                succeeded: true,
                ..ScriptEnd::default()
            },
            effect: vec![table("s.t", 5)],
            sentinel_found: true,
            recorded: Some(RecordedChange {
                locks: vec![
                    held(LockMode::Share, 500),
                    held(LockMode::RowExclusive, 9_000),
                ],
                ..RecordedChange::default()
            }),
            ..RehearsalOutcome::default()
        };
        let mut one = ChangeRehearsed {
            gate: ApprovalGate::SG1,
            first_phase: false,
            checks: vec![RehearsalCheck {
                name: "isolation".to_owned(),
                verdict: Verdict::Pass,
                says: "walls held".to_owned(),
                next: None,
            }],
            outcome: Some(Box::new(outcome)),
            ledger: None,
            blob: Some(Digest::zero()),
            moved: Vec::new(),
        };
        damage(&mut one);
        RunState {
            created: Some(Arc::new(RunCreated {
                change: Some(change),
                check_table: CHECK_TABLE_WITH_CHANGE,
                ..created()
            })),
            rehearsals: vec![Arc::new(one)],
            ..RunState::default()
        }
    }

    fn not_pass(run: &RunState) -> Vec<(String, Verdict)> {
        let checks = rehearsal_checks(run).into_iter();
        // The change has no phases: that check is NOT ASKED of it (`scope`).
        let asked = checks.filter(|check| check.name != CheckName::ChangeAsSimulated);
        let bad = asked.filter(|check| check.verdict != Verdict::Pass);
        bad.map(|check| (check.name.to_string(), check.verdict))
            .collect()
    }

    #[test]
    fn each_spoiled_part_of_a_rehearsal_fails_its_own_check() {
        type Damage = fn(&mut RehearsalOutcome);
        let cases: [(&str, Verdict, Damage); 11] = [
            ("change_locks", Verdict::Fail, |it| {
                it.recorded.as_mut().expect("there").locks[0].lock.held_ms = 501;
            }),
            ("change_locks", Verdict::Fail, |it| {
                let recorded = it.recorded.as_mut().expect("there");
                recorded.locks.push(held(LockMode::AccessExclusive, 0));
            }),
            ("change_locks", Verdict::NotChecked, |it| {
                let recorded = it.recorded.as_mut().expect("there");
                recorded.unread.push("55P03".to_owned());
            }),
            ("change_locks", Verdict::NotChecked, |it| it.recorded = None),
            ("change_ran", Verdict::Fail, |it| {
                it.script.succeeded = false;
            }),
            ("change_rows_copied", Verdict::NotChecked, |it| {
                it.not_checked.push("s.u: no SELECT".to_owned());
            }),
            ("change_captured", Verdict::Fail, |it| {
                it.sentinel_found = false;
            }),
            ("change_reproducible", Verdict::Fail, |it| {
                it.not_reproducible.push("other rows".to_owned());
            }),
            ("change_as_expected", Verdict::Fail, |it| {
                it.effect = vec![table("s.t", 7)];
            }),
            ("change_as_expected", Verdict::Fail, |it| it.effect.clear()),
            ("change_as_expected", Verdict::Fail, |it| {
                it.effect.push(table("s.other", 1));
            }),
        ];
        assert_eq!(not_pass(&rehearsed(|_| {})), []);
        for (name, verdict, damage) in cases {
            let run = rehearsed(|one| damage(one.outcome.as_mut().expect("there")));
            assert_eq!(not_pass(&run), [(name.to_owned(), verdict)]);
        }
        let six =
            rehearsed(|one| one.outcome.as_mut().expect("there").effect = vec![table("s.t", 6)]);
        assert_eq!(not_pass(&six), [], "inside its range");
    }

    #[test]
    fn without_a_rehearsal_nothing_is_checked() {
        let open = rehearsed(|one| {
            one.outcome = None;
            one.checks[0].verdict = Verdict::NotChecked;
            "no namespaces".clone_into(&mut one.checks[0].says);
        });
        let mut before = rehearsed(|_| {});
        before.rehearsals.clear();
        for run in [&open, &before] {
            let checks = rehearsal_checks(run);
            let names: Vec<_> = checks.iter().map(|check| check.name.clone()).collect();
            assert_eq!(names, checks_of_rehearsal(CHECK_TABLE_WITH_CHANGE));
            assert!(
                checks
                    .iter()
                    .all(|check| check.verdict == Verdict::NotChecked),
                "{checks:?}"
            );
        }
        let told = foreseen(&open);
        let names = checks_of_rehearsal(CHECK_TABLE_WITH_CHANGE);
        assert_eq!(told.len(), names.len());
        assert!(told[0].subject.contains("no namespaces"), "{told:?}");
        assert_eq!(told[0].check, CheckName::ChangeIsolated);
    }
}

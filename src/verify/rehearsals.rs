//! Rehearsals of a change against what they were made of: the files, the tables that were listed, the proof of the transaction on
//! production, the outcome. Invariant: a check that follows from recorded values is made again from them (`measured`).

use std::path::Path;

use crate::audit::CHECK_TABLE_WITH_CHANGE;
use crate::run::{
    ApprovalGate, ChangeMoved, ChangeRehearsed, CopyListed, Event, Purpose, RehearsalCheck,
    RehearsalOutcome, RehearsedTable, RunOnTop, RunState, TableCounters, TransactionEnd, Verdict,
    production_check,
};

/// What comes before the transaction ends, in its order.
const BEFORE: [&str; 4] = ["programs", "isolation", "schema", "change"];

/// What does not follow in a line about the change, which is not yet applied to the run.
pub(super) fn findings(run: &RunState, event: &Event) -> Vec<String> {
    let holds = match event {
        Event::ChangeMoved(ChangeMoved { files }) => {
            let mut paths = files.iter().map(|file| &file.path);
            let named = run.change().is_some_and(|change| {
                let first = paths.by_ref().take(change.files.len());
                let same = first.eq(&change.files);
                // Others are new in the directory of the change.
                let mut new = paths;
                match &change.command {
                    Some(command) => {
                        same && new.all(|path| Path::new(path).starts_with(&command.directory))
                    }
                    None => same && new.next().is_none(),
                }
            });
            let moved = run.change_as_seen().as_ref() != Some(files);
            vec![(
                named && moved,
                "the files are not those of the change, or did not move",
            )]
        }
        Event::CopyListed(CopyListed { checks, .. }) => checks_hold(run, checks, None),
        Event::ChangeRehearsed(rehearsed) => {
            let ChangeRehearsed {
                checks, outcome, ..
            } = &**rehearsed;
            let outcome = outcome.as_deref();
            let mut holds = checks_hold(run, checks, outcome);
            holds.push((
                keeps_rows(run, rehearsed) == rehearsed.ledger.is_some(),
                "a ledger of rows is there that none was to keep, or is missing",
            ));
            holds.push((
                !is_of_today(run) || outcome.is_none_or(is_told_whole),
                "the counters of the server, the run on top of the first, or the definition of a table that was copied and written, are missing",
            ));
            holds.push((
                outcome.and_then(|outcome| outcome.on_top.as_ref()).is_none_or(can_be_on_top),
                "a run on top of the first failed and wrote, or wrote no row of a table that it names",
            ));
            holds.push((
                !is_of_today(run) || outcome.is_none_or(|outcome| has_salt_of(run, outcome)),
                "the keys of rows are hashed with another salt than in an earlier rehearsal of the run",
            ));
            holds.push((
                outcome.is_none_or(counted),
                "the counters of the server saw fewer rows than the effect has",
            ));
            holds.push((
                outcome.is_none_or(|outcome| copied_as_listed(run, outcome)),
                "rows were copied of a table that was not listed, or one table is there twice",
            ));
            holds
        }
        _ => Vec::new(),
    };
    let unlike = holds.into_iter().filter(|(holds, _)| !holds);
    unlike.map(|(_, what)| what.to_owned()).collect()
}

fn checks_hold(
    run: &RunState,
    checks: &[RehearsalCheck],
    outcome: Option<&RehearsalOutcome>,
) -> Vec<(bool, &'static str)> {
    let is_measured = |check: &RehearsalCheck| check.name == "production";
    let end = checks.iter().position(is_measured);
    let (before, after) = checks.split_at(end.unwrap_or(checks.len()));
    // A machine that cannot rehearse says so with one check, whatever was asked of production.
    let impossible = outcome.is_none()
        && matches!(checks, [only] if only.name == "programs" && only.verdict == Verdict::NotChecked);
    vec![
        (
            impossible || after == measured(run, outcome),
            "the checks of the rehearsal are not what its transaction and its outcome give",
        ),
        (
            prepared(before, outcome.is_some()),
            "the rehearsal was not prepared so: a check is missing, of another order, or goes on over what did not hold",
        ),
    ]
}

/// The checks that follow from recorded values.
fn measured(run: &RunState, outcome: Option<&RehearsalOutcome>) -> Vec<RehearsalCheck> {
    let mut transactions = run.transactions.iter().rev();
    let last = transactions.find(|one| one.purpose == Purpose::Rehearsal);
    let proof = last.and_then(|last| match &last.end {
        TransactionEnd::Closed(proof) => Some(production_check(proof)),
        TransactionEnd::Open | TransactionEnd::Unseen(_) => None,
    });
    let role = run.change().map_or("", |change| change.role.as_str());
    let of_outcome = outcome.map(|outcome| outcome.checks(role));
    proof
        .into_iter()
        .chain(of_outcome.into_iter().flatten())
        .collect()
}

/// Whether the checks that were made before the end of the transaction can have been made so.
fn prepared(before: &[RehearsalCheck], is_rehearsed: bool) -> bool {
    let place = |check: &RehearsalCheck| BEFORE.iter().position(|name| *name == check.name);
    let places: Vec<Option<usize>> = before.iter().map(place).collect();
    let in_order = places.iter().all(Option::is_some) && places.is_sorted_by(|a, b| a < b);
    let mut ends = before.iter().rev().skip(1);
    // A schema that is not whole is gone on with.
    let goes_on = ends.all(|check| check.verdict == Verdict::Pass || check.name == "schema");
    let told = |check: &RehearsalCheck| check.verdict != Verdict::Pass || check.next.is_none();
    let whole = places == [Some(0), Some(1), Some(2)]
        && before[..2]
            .iter()
            .all(|check| check.verdict == Verdict::Pass);
    in_order && goes_on && before.iter().all(told) && (whole || !is_rehearsed)
}

/// Whether rows are of tables that SG1 listed, and each table is told once.
fn copied_as_listed(run: &RunState, outcome: &RehearsalOutcome) -> bool {
    let listed = run.copy.iter().flat_map(|listed| &listed.tables);
    let listed: Vec<&String> = listed.map(|table| &table.table).collect();
    let once = |mut names: Vec<&String>| {
        names.sort();
        names.is_sorted_by(|a, b| a < b)
    };
    let seeded: Vec<&String> = outcome.seeded.iter().map(|table| &table.table).collect();
    let touched = outcome.effect.iter().map(|table| &table.table).collect();
    seeded.iter().all(|table| listed.contains(table)) && once(seeded) && once(touched)
}

/// Whether the rows of a rehearsal are kept for what `recheck --after` reads: where the whole change was carried out for SG2.
fn keeps_rows(run: &RunState, rehearsed: &ChangeRehearsed) -> bool {
    let ran = rehearsed.outcome.as_ref();
    let keeps = rehearsed.gate == ApprovalGate::SG2 && ran.is_some_and(|it| it.script.succeeded);
    keeps && (rehearsed.ledger.is_some() || is_of_today(run))
}

/// Whether what is told of a rehearsal now was told when the run was begun: the versions before told less.
fn is_of_today(run: &RunState) -> bool {
    let table = run.created.as_ref().map(|created| created.check_table);
    table >= Some(CHECK_TABLE_WITH_CHANGE)
}

/// Whether everything is there that is told of a change that ran to its end: what its guard compares, and the run on top of the first.
fn is_told_whole(outcome: &RehearsalOutcome) -> bool {
    let copied = |name: &String| outcome.seeded.iter().any(|it| it.table == *name);
    let defined = |name: &String| {
        let mut all = outcome.definitions.iter();
        all.any(|it| format!("{}.{}", it.schema, it.table) == *name)
    };
    let names = outcome.effect.iter().map(|table| &table.table);
    let mut written = names.filter(|name| copied(name));
    let succeeded = outcome.script.succeeded;
    let told = [outcome.counters.is_some(), outcome.on_top.is_some()];
    told == [succeeded; 2] && written.all(defined)
}

/// Whether a run on top of the first can have been so: of one that failed nothing stays, and a table without a written row is not named.
fn can_be_on_top(on_top: &RunOnTop) -> bool {
    let nothing = RunOnTop {
        error: on_top.error.clone(),
        ..RunOnTop::default()
    };
    let wrote = |one: &TableCounters| {
        let rows = [one.inserted, one.updated, one.deleted];
        rows.iter().any(|rows| *rows.get() > 0)
    };
    on_top.wrote.iter().all(wrote) && (on_top.error.is_none() || *on_top == nothing)
}

/// Whether rows can be compared with those of the rehearsals before: a run has one salt, and rows under two are compared with nothing.
fn has_salt_of(run: &RunState, outcome: &RehearsalOutcome) -> bool {
    let before = run.first_phases.iter().chain(&run.rehearsals);
    let mut outcomes = before.filter_map(|one| one.outcome.as_deref());
    outcomes.all(|one| one.key_salt_sha256 == outcome.key_salt_sha256)
}

/// Whether the server counted each row of the effect. It counts more: a row that is written twice, and what was undone.
fn counted(outcome: &RehearsalOutcome) -> bool {
    let Some(counters) = &outcome.counters else {
        return true;
    };
    let is_seen = |table: &&RehearsedTable| {
        let blind = format!("{} ", table.table);
        !table.redefined && !counters.blind.iter().any(|why| why.starts_with(&blind))
    };
    outcome.effect.iter().filter(is_seen).all(|table| {
        let of_table = counters.phases.iter().flatten();
        let of_table = of_table.filter(|it| format!("{}.{}", it.schema, it.table) == table.table);
        let (mut come, mut gone) = (0, 0);
        for one in of_table {
            // Without a key an update is a row that goes and one that comes; a row that was deleted can be put in again.
            come += one.inserted.get() + one.updated.get();
            gone += one.deleted.get() + one.updated.get();
        }
        let updated = *table.updated.get();
        table.inserted.get() + updated <= come && table.deleted.get() + updated <= gone
    })
}

//! `drygate shadow`: the isolated process that runs the change. Only `drygate rehearse` starts it.
//! Invariant: nothing of the change is there before the probes held (`shadow`), and when its input ends everything ends with it,
//! because it is the first process of its namespace (`messages`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::base::Base;
use super::catalogue::{Catalogue, counted, not_seeded, sequences};
use super::change_run::run;
use super::effect::RunEffect;
use super::message::{FromShadow, LedgerFile, QualifiedName, ShadowPlan, ToShadow};
use super::on_top::on_top;
use super::recording_proxy::RecordingProxy;
use super::repeated::{RepeatedRun, digest, table_effects};
use super::row_ledger::LedgerSource;
use super::rows_after::{compare, holding_rows, ledger_tables};
use super::shadow_database::{BASE, ROWS, ShadowDatabase, shown};
use crate::run::{RehearsalOutcome, ScriptEnd, SeededTable, SequenceMove};
use crate::survey::{Digest, line_hunks};

/// How often the change is tried to find the tables that it asks for.
const PASSES_MAX: u32 = 8;
/// How far the sequences of the second run are moved, where they have room.
const SHIFT: u32 = 1_000_003;
const FIRST: &str = "drygate_first";
const SECOND: &str = "drygate_second";

/// Talks over standard input and output until the rehearsal is done.
pub fn shadow() {
    let rehearsed = messages().and_then(|messages| rehearse(&messages));
    if let Err(why) = rehearsed {
        say(&FromShadow::Failed(why));
    }
}

/// What is told over standard input. Its end ends this process, and with it everything in its namespace.
fn messages() -> Result<Receiver<ToShadow>, String> {
    let (tell, messages) = channel();
    let listening = thread::Builder::new().name("messages".to_owned());
    let started = listening.spawn(move || {
        for line in stdin().lock().lines() {
            let Ok(message) = line
                .map_err(drop)
                .and_then(|line| serde_json::from_str(&line).map_err(drop))
            else {
                break;
            };
            if tell.send(message).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    started
        .map(|_| messages)
        .map_err(|error| format!("nothing can be heard in the shadow: {error}"))
}

fn say(message: &FromShadow) {
    if let Ok(mut line) = serde_json::to_string(message) {
        line.push('\n');
        let mut out = stdout().lock();
        // Where nobody reads any more, the end of standard input ends us.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

fn rehearse(messages: &Receiver<ToShadow>) -> Result<(), String> {
    let next = || messages.recv().map_err(|_| "no message came".to_owned());
    let ToShadow::Probe(probes) = next()? else {
        return Err("the first message is no probe".to_owned());
    };
    let outcomes = probes.make();
    let isolated = outcomes.iter().all(|outcome| outcome.holds);
    say(&FromShadow::Probed(outcomes));
    if !isolated {
        return Err("the process is not isolated".to_owned());
    }
    let ToShadow::Plan(plan) = next()? else {
        return Err("the second message is no plan".to_owned());
    };
    step("loading the schema");
    let plan: ShadowPlan = *plan;
    let shadow = ShadowDatabase::load(plan, &probes.scratch)?;
    let proxy = RecordingProxy::listen(&shadow.scratch().join("proxy"), shadow.socket_dir());
    let proxy = proxy.map_err(|error| format!("the recording proxy cannot listen: {error}"))?;
    let mut found = RehearsalOutcome {
        version: shadow.version()?,
        differences: shadow.other_versions()?,
        key_salt_sha256: Some(Digest::of(&shadow.plan().key_salt)),
        ..RehearsalOutcome::default()
    };
    let mut seeded: Vec<QualifiedName> = Vec::new();
    let asked = shadow.plan().asked.clone();
    if let Some(LedgerFile::Compare(ledger)) = &shadow.plan().ledger {
        return compare_rows(&shadow, messages, ledger, found);
    }
    if !asked.is_empty() {
        seeded.extend(seed(&shadow, messages, asked, &mut found)?);
    }
    loop {
        found.passes += 1;
        let derived = shadow.put_sequences(&seeded)?;
        shadow.make_base()?;
        let base = Base::read(&shadow, copied(&seeded, &found))?;
        step(&format!("running the change, pass {}", found.passes));
        // What comes of a first run without rows is only which of them it asks for.
        let without_rows = seeded.is_empty() && found.passes == 1;
        if without_rows {
            shadow.lend_base()?;
        } else {
            shadow.clone_base()?;
        }
        let counters;
        (found.script, counters, found.recorded) = run(&shadow, Some(&proxy))?;
        let database = shadow.plan().database.clone();
        let mut wanted = counted(&shadow, &database)?;
        let first = Catalogue::of(&shadow, &database)?;
        let same = base.catalogue.same_in(&first);
        let tables = base.catalogue.tables.keys();
        wanted.extend(tables.filter(|name| !same.contains(name)).cloned());
        let new: Vec<QualifiedName> = base
            .demanded(wanted)
            .into_iter()
            .filter(|name| !seeded.contains(name))
            .collect();
        if !new.is_empty() && found.passes < PASSES_MAX {
            seeded.extend(seed(&shadow, messages, new, &mut found)?);
            continue;
        }
        if without_rows {
            continue;
        }
        if !new.is_empty() {
            let names: Vec<String> = new.iter().map(shown).collect();
            found.not_checked.push(format!(
                "after {PASSES_MAX} passes the change still asks for {}",
                names.join(", ")
            ));
        }
        say(&FromShadow::Enough);
        for name in not_seeded(&shadow, &database)? {
            found
                .not_checked
                .push(format!("{name}: it was read, and its rows are not copied"));
        }
        if found.script.succeeded {
            found.counters = Some(counters.finish(&base.catalogue, &first));
        }
        finish(&shadow, &mut found, (&base, &first), &derived)?;
        if found.script.succeeded {
            step("running the change on top of itself");
            found.on_top = Some(on_top(&shadow, &proxy, (FIRST, &first))?);
        }
        say(&FromShadow::Done(Box::new(found)));
        return Ok(());
    }
}

/// Asks for the rows of tables and loads them.
fn seed(
    shadow: &ShadowDatabase,
    messages: &Receiver<ToShadow>,
    names: Vec<QualifiedName>,
    found: &mut RehearsalOutcome,
) -> Result<Vec<QualifiedName>, String> {
    say(&FromShadow::Wants(names.clone()));
    let Ok(ToShadow::Rows(files)) = messages.recv() else {
        return Err("no rows came".to_owned());
    };
    step("loading rows");
    match shadow.plan().ledger {
        Some(LedgerFile::Compare(_)) => shadow.put_rows_with_transactions(&files)?,
        _ => shadow.put_rows(&files)?,
    }
    for file in files {
        let table = shown(&file.name);
        match file.rows {
            Ok((_, rows)) => found.seeded.push(SeededTable { table, rows }),
            Err(why) => found.not_checked.push(format!("{table}: {why}")),
        }
    }
    Ok(names)
}

/// Instead of a rehearsal: the rows of production beside those of an earlier one.
fn compare_rows(
    shadow: &ShadowDatabase,
    messages: &Receiver<ToShadow>,
    ledger: &Path,
    mut found: RehearsalOutcome,
) -> Result<(), String> {
    let mut asked = shadow.plan().asked.clone();
    asked.extend(ledger_tables(ledger)?);
    let asked = holding_rows(shadow, ROWS, &asked)?;
    let seeded = seed(shadow, messages, asked, &mut found)?;
    shadow.make_base()?;
    Base::read(shadow, copied(&seeded, &found))?;
    say(&FromShadow::Enough);
    step("comparing rows");
    let mut compared = compare(shadow, ledger)?;
    compared.not_checked.extend(found.not_checked);
    say(&FromShadow::Compared(Box::new(compared)));
    Ok(())
}

fn step(says: &str) {
    say(&FromShadow::Step(says.to_owned()));
}

/// The first run is there; the second one, and what both did.
fn finish(
    shadow: &ShadowDatabase,
    found: &mut RehearsalOutcome,
    (base, catalogue): (&Base, &Catalogue),
    derived: &[QualifiedName],
) -> Result<(), String> {
    shadow.keep_run(FIRST)?;
    step("reading what it did");
    let base = (base, &base.rows(shadow)?);
    let first = RunEffect::of(shadow, base, (FIRST, catalogue))?;
    step("running the change again");
    shadow.clone_base()?;
    // Of what is not changed any more, beside the second run.
    let dumps = [shadow.dump_schema(BASE)?, shadow.dump_schema(FIRST)?];
    shift_sequences(shadow)?;
    let (again, ..) = run(shadow, None)?;
    shadow.keep_run(SECOND)?;
    let of_second = Catalogue::of(shadow, SECOND)?;
    let second = RunEffect::of(shadow, base, (SECOND, &of_second))?;
    let mut repeated = RepeatedRun::of(&first, &second);
    if again.succeeded != found.script.succeeded {
        let word = |end: &ScriptEnd| if end.succeeded { "succeeds" } else { "fails" };
        repeated.differs.push(format!(
            "it {}, and {} in a second run",
            word(&found.script),
            word(&again)
        ));
    }
    found.sentinel_found = first.sentinel_found && second.sentinel_found;
    found.effect = table_effects(&first, &repeated);
    found.effect_sha256 = Some(digest(&first, &repeated));
    found.sequences = moved(shadow)?;
    // A sequence whose place is not known matters where the change took numbers from it.
    for name in derived {
        let shown = shown(name);
        if found.sequences.iter().any(|moved| moved.sequence == shown) {
            found.not_checked.push(format!("sequence {shown}: not readable, so its place was derived from the rows of its table"));
        }
    }
    found.not_reproducible.clone_from(&repeated.differs);
    let [before, after] = dumps.map(ShadowDatabase::schema_text);
    let before = before?;
    found.schema_changes = differing(&before, &after?);
    match &shadow.plan().ledger {
        Some(LedgerFile::Write(file)) if found.script.succeeded => {
            step("keeping its rows");
            let source = LedgerSource {
                shadow,
                run: FIRST,
                tables: &catalogue.tables,
                effect: &first,
                repeated: &repeated,
            };
            source.write(found, &before, file)
        }
        _ => Ok(()),
    }
}

/// The tables whose rows were copied, and how many.
fn copied(seeded: &[QualifiedName], found: &RehearsalOutcome) -> BTreeMap<QualifiedName, u64> {
    let rows = |name: &QualifiedName| {
        let named = shown(name);
        let table = found.seeded.iter().find(|it| it.table == named)?;
        Some((name.clone(), table.rows))
    };
    seeded.iter().filter_map(rows).collect()
}

/// Moves every sequence of the second run, so that what takes its numbers is seen to be volatile.
fn shift_sequences(shadow: &ShadowDatabase) -> Result<(), String> {
    let sql = format!(
        "SELECT pg_catalog.setval(pg_catalog.format('%I.%I', s.schemaname, s.sequencename)::pg_catalog.regclass,
           CASE WHEN s.increment_by > 0 THEN s.here + least({SHIFT}, (s.max_value - s.here) / 2)
                ELSE s.here - least({SHIFT}, (s.here - s.min_value) / 2) END)
         FROM (SELECT q.*, coalesce(q.last_value, q.start_value) AS here FROM pg_catalog.pg_sequences q) s"
    );
    shadow.ask(&shadow.plan().database, &sql).map(drop)
}

fn moved(shadow: &ShadowDatabase) -> Result<Vec<SequenceMove>, String> {
    let (before, after) = (sequences(shadow, BASE)?, sequences(shadow, FIRST)?);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let moved = names.into_iter().filter_map(|name| {
        let was = before.get(name).copied().flatten();
        let is = after.get(name).copied().flatten();
        (was != is).then(|| SequenceMove {
            sequence: name.clone(),
            before: was,
            after: is,
        })
    });
    Ok(moved.collect())
}

/// The lines that differ, each with `-` or `+` in front, or with a space that of their statement.
pub(super) fn differing(before: &[String], after: &[String]) -> Vec<String> {
    let was: Vec<&str> = before.iter().map(String::as_str).collect();
    let is: Vec<&str> = after.iter().map(String::as_str).collect();
    let mut changes = Vec::new();
    for hunk in line_hunks(&was, &is) {
        let begins = begins(&was, hunk.before.start, &is, hunk.after.clone());
        changes.extend(begins.map(|line| format!(" {line}")));
        changes.extend(was[hunk.before].iter().map(|line| format!("-{line}")));
        changes.extend(is[hunk.after].iter().map(|line| format!("+{line}")));
    }
    changes
}

/// Where the changed lines stand within a statement, the line that it begins with.
fn begins<'t>(was: &[&'t str], at: usize, is: &[&str], new: Range<usize>) -> Option<&'t str> {
    let first = is[new].first().or_else(|| was.get(at))?;
    let within = |line: &&&str| line.starts_with([' ', '\t', ')']);
    let before = was[..at].iter().rev();
    within(&first).then(|| before.copied().find(|line| !within(&line)))?
}

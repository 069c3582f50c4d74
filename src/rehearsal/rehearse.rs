//! A rehearsal from the side that reads production: it hands schema and rows to the isolated process and judges what comes back.
//! Invariant: nothing of the change is written where the shadow sees it before every probe held (`isolated`), and production is
//! left as soon as no further rows are asked for, or somebody waits behind us.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::copies::{Copies, to_copy};
use super::ledger_file::{LedgerUse, ledger_file};
use super::machine::{NO_ISOLATION, isolated};
use super::message::{FromShadow, QualifiedName, RowsFile, ToShadow};
use super::plan::plan;
use super::programs::Programs;
use super::shadow_database::shown;
use super::shadow_process::ShadowProcess;
use crate::postgres::throwaway::{ScratchDirectory, ServerBinaries, ThrowawayError};
use crate::postgres::{ConnectionSettings, ShadowSource, SourceCatalogue, SourceRelation, Tries};
use crate::profile::Profile;
use crate::run::{
    ChangeCommand, Progress, RehearsalCheck, RehearsalOutcome, RowsAfter, TableToCopy, Verdict,
    may_not_log_in, production_check,
};
use crate::runner::target::{TargetError, Witness};
use crate::survey::{ServerIdentity, TableDefinition, TransactionProof};

/// How often production is told that we are still here, while the shadow works.
const STAY: Duration = Duration::from_secs(5);

/// A change.
#[derive(Debug, Clone)]
pub struct ChangeScript {
    /// Its files, in order, by phase: the name that people know, and the text. Each phase is one transaction.
    pub phases: Vec<Vec<(String, Vec<u8>)>>,
    /// The program that carries it out in the directory of its files; `None`: psql.
    pub command: Option<ChangeCommand>,
    /// The role that it runs as.
    pub role: String,
    /// What of this machine the shadow must not see, beside what it never sees.
    pub hidden: Vec<PathBuf>,
    /// The tables whose rows may be copied.
    pub copies: Copies,
    /// The tables among these that an earlier rehearsal asked for.
    pub asked: Vec<String>,
    /// The columns, with schema and table, whose values are kept.
    pub show: Vec<String>,
    /// What the connections to production are called there.
    pub name: String,
    /// Salt of the hashes of keys.
    pub key_salt: String,
}

/// What came of a rehearsal.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// What was checked.
    pub checks: Vec<RehearsalCheck>,
    /// Production.
    pub production: Option<ServerIdentity>,
    /// What was measured of the transaction there.
    pub proof: Option<TransactionProof>,
    /// The tables that the change may ask for, those that it asked for first; filled where nothing is copied.
    pub tables: Vec<TableToCopy>,
    /// Every statement that was sent there.
    pub statements: Vec<String>,
    /// What happened on the shadow; `None`: nothing of the change ran to an end.
    pub rehearsed: Option<RehearsalOutcome>,
    /// The ledger of its rows, where one was to be written.
    pub ledger: Option<File>,
    /// What became of the rows of an earlier rehearsal, where that was asked.
    pub compared: Option<RowsAfter>,
}

/// Why a rehearsal ends early: production keeps away, or something cannot be checked.
enum End {
    Error(TargetError),
    NotChecked(&'static str, String, &'static str),
}

impl From<TargetError> for End {
    fn from(error: TargetError) -> Self {
        Self::Error(error)
    }
}

/// What this machine cannot do says nothing of the change, and nothing of production.
impl From<ThrowawayError> for End {
    fn from(error: ThrowawayError) -> Self {
        lost(error.to_string())
    }
}

fn lost(why: String) -> End {
    End::NotChecked("change", why, NO_SHADOW)
}

fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> End {
    move |error| lost(format!("{doing}: {error}"))
}

const NO_PROGRAMS: &str = "Install server and client programs of production's version.";
const NO_SCHEMA: &str = "Give the reading role what is missing, or install what the shadow lacks.";
const NO_SHADOW: &str = "Give this machine the disk, memory or programs that the shadow lacks.";

/// Rehearses a change. The witness is told what is being done. What others keep us from is tried again, as in a survey.
pub async fn rehearse(
    settings: &ConnectionSettings,
    profile: &Profile,
    change: &ChangeScript,
    ledger: LedgerUse<'_>,
    witness: &mut dyn Witness,
) -> Result<Rehearsal, TargetError> {
    let mut tries = Tries::of(&profile.timeouts);
    let mut found = Rehearsal::default();
    loop {
        let error = match steps(settings, profile, (change, ledger), witness, &mut found).await {
            Ok(()) => break,
            Err(End::Error(error)) => error,
            Err(End::NotChecked(name, says, next)) => {
                found.checks.push(RehearsalCheck::new(
                    name,
                    Verdict::NotChecked,
                    says,
                    Some(next),
                ));
                break;
            }
        };
        let Some(pause) = tries.pause(&error) else {
            return Err(error);
        };
        step(witness, "waiting for another session");
        sleep(pause).await;
        found = Rehearsal {
            statements: found.statements,
            ..Rehearsal::default()
        };
    }
    judge(&mut found, change);
    Ok(found)
}

async fn steps(
    settings: &ConnectionSettings,
    profile: &Profile,
    asked: (&ChangeScript, LedgerUse<'_>),
    witness: &mut dyn Witness,
    found: &mut Rehearsal,
) -> Result<(), End> {
    let scratch = ScratchDirectory::for_server()?;
    step(witness, "connecting to production");
    let mut source = ShadowSource::open(settings, profile, &asked.0.name, witness).await?;
    found.production = Some(source.server().clone());
    let (mut shadow, mut definitions) = (None, Vec::new());
    let kept = (&mut shadow, &mut definitions);
    let read = read(&mut source, &scratch, asked, witness, found, kept).await;
    // Whatever happened: rolled back first, so that whoever waits behind us waits no longer.
    let (proof, statements) = source.close(witness).await;
    let sent = statements.into_iter();
    let sent: Vec<String> = sent.filter(|it| !found.statements.contains(it)).collect();
    found.statements.extend(sent);
    found.proof = proof.as_ref().ok().cloned();
    read?;
    proof?;
    let Some(mut shadow) = shadow else {
        return Ok(());
    };
    loop {
        match shadow.next().await {
            Ok(FromShadow::Step(says)) => step(witness, &says),
            Ok(FromShadow::Done(rehearsed)) => {
                let mut rehearsed = *rehearsed;
                definitions.retain(|it| touches(&rehearsed, it));
                rehearsed.definitions = definitions;
                found.rehearsed = Some(rehearsed);
                return Ok(());
            }
            Ok(FromShadow::Compared(compared)) => {
                found.compared = Some(*compared);
                return Ok(());
            }
            Ok(FromShadow::Failed(why)) | Err(why) => return Err(lost(why)),
            Ok(_) => {}
        }
    }
}

fn step(witness: &mut dyn Witness, says: &str) {
    witness.progress(Progress {
        what: says.to_owned(),
        noun: "",
        done: 0,
        total: None,
    });
}

/// The checks over what was measured.
fn judge(found: &mut Rehearsal, change: &ChangeScript) {
    found
        .checks
        .extend(found.proof.as_ref().map(production_check));
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
    found.checks.extend(rehearsed.checks(&change.role));
}

/// Whether the change wrote a table or defined it anew.
fn touches(rehearsed: &RehearsalOutcome, table: &TableDefinition) -> bool {
    let name = format!("{}.{}", table.schema, table.table);
    let counters = rehearsed.counters.iter().flat_map(|it| &it.phases);
    rehearsed.table(&name).is_some()
        || counters
            .flatten()
            .any(|it| it.schema == table.schema && it.table == table.table)
}

/// Everything that needs production; afterwards it can be left. `kept` is the shadow that goes on without it, and how the tables of
/// production are defined.
async fn read(
    source: &mut ShadowSource,
    scratch: &ScratchDirectory,
    (change, ledger): (&ChangeScript, LedgerUse<'_>),
    witness: &mut dyn Witness,
    found: &mut Rehearsal,
    (kept, definitions): (&mut Option<ShadowProcess>, &mut Vec<TableDefinition>),
) -> Result<(), End> {
    let major = source.server().version_num / 10_000;
    let programs =
        Programs::find(major).map_err(|why| End::NotChecked("programs", why, NO_PROGRAMS))?;
    let says = format!("production is PostgreSQL {major}, {}", programs.says());
    found
        .checks
        .push(RehearsalCheck::new("programs", Verdict::Pass, says, None));
    let (mut shadow, check) = isolated(scratch, &programs, change.command.as_ref(), &change.hidden)
        .await
        .map_err(|why| End::NotChecked("isolation", why, NO_ISOLATION))?;
    found.checks.push(check);
    // Out here, so that the change never sees where it is copied from.
    let empty = scratch.empty_cluster(ServerBinaries::at(&programs.server)?);
    let (tell, mut cluster) = oneshot::channel();
    let making = thread::Builder::new().name("empty-cluster".to_owned());
    making
        // Whoever left meanwhile asks no more.
        .spawn(move || drop(tell.send(empty())))
        .map_err(|error| lost(format!("no empty cluster can be made: {error}")))?;
    step(witness, "reading the schema of production");
    let mut catalogue = source.catalogue().await?;
    *definitions = std::mem::take(&mut catalogue.definitions);
    // Where rows are compared nothing is carried out.
    let carries_out = !matches!(ledger, LedgerUse::Compare(_));
    let no_role = carries_out
        .then(|| no_login(&catalogue, &change.role))
        .flatten();
    if let Some([says, next]) = no_role {
        let check = RehearsalCheck::new("change", Verdict::Fail, says, Some(&next));
        found.checks.push(check);
        return Ok(());
    }
    let schema = scratch.path().join("schema.dump");
    let without = not_dumped(&catalogue);
    let dumped = source.dump(&programs.pg_dump, &schema, &without).await?;
    dumped.map_err(|why| End::NotChecked("schema", why, NO_SCHEMA))?;
    scratch.give(&schema)?;
    found.checks.push(schema_check(&catalogue, &without));
    let cluster = loop {
        tokio::select! {
            made = &mut cluster => break made.map_err(|error| lost(error.to_string()))??,
            () = sleep(STAY) => source.stay().await?,
        }
    };
    let ledger_file = match ledger_file(ledger, scratch).map_err(lost)? {
        Some((told, file)) => {
            found.ledger = Some(file);
            Some(told)
        }
        None => None,
    };
    let mut plan = plan(
        scratch,
        &programs,
        change,
        source,
        &catalogue,
        [schema, cluster],
    )
    .map_err(lost)?;
    plan.ledger = ledger_file;
    shadow.tell(&ToShadow::Plan(Box::new(plan))).map_err(lost)?;
    let mut files = 0_usize;
    loop {
        // While the shadow works, production must not take us for idle, nor anybody wait behind us unseen.
        let message = tokio::select! {
            message = shadow.next() => message.map_err(lost)?,
            () = sleep(STAY) => {
                source.stay().await?;
                continue;
            }
        };
        match message {
            FromShadow::Step(says) => step(witness, &says),
            FromShadow::Wants(names) if change.copies == Copies::None => {
                found.tables = to_copy(&catalogue, &names);
                return Ok(());
            }
            FromShadow::Enough if change.copies == Copies::None => return Ok(()),
            FromShadow::Wants(names) => {
                let mut tables = Vec::with_capacity(names.len());
                for name in names {
                    files += 1;
                    let path = scratch.path().join(format!("rows-{files}"));
                    let relation = change.copies.relation(&catalogue, &name);
                    let from = (relation, matches!(ledger, LedgerUse::Compare(_)));
                    tables.push(copy(source, scratch, from, name, path, witness).await?);
                }
                shadow.tell(&ToShadow::Rows(tables)).map_err(lost)?;
            }
            FromShadow::Enough => {
                *kept = Some(shadow);
                return Ok(());
            }
            FromShadow::Failed(why) => return Err(lost(why)),
            FromShadow::Probed(_) | FromShadow::Done(_) | FromShadow::Compared(_) => {
                return Err(lost("the shadow spoke out of turn".to_owned()));
            }
        }
    }
}

/// Why the change cannot run as its role, and what to do.
fn no_login(catalogue: &SourceCatalogue, role: &str) -> Option<[String; 2]> {
    match catalogue.logins.get(role) {
        Some(true) => None,
        Some(false) => Some(may_not_log_in(role)),
        None => Some([
            format!("production has no role {role}"),
            "Name the role that the change runs as with --role.".to_owned(),
        ]),
    }
}

/// The tables that `pg_dump` could not read, and would end at.
fn not_dumped(catalogue: &SourceCatalogue) -> Vec<&SourceRelation> {
    (catalogue.relations.iter())
        .filter(|relation| matches!(relation.kind.as_str(), "r" | "p"))
        .filter(|relation| {
            let why = relation.unreadable.as_deref();
            why.is_some_and(|why| why != "row security")
        })
        .collect()
}

/// Whether all of production's schema is there.
fn schema_check(catalogue: &SourceCatalogue, without: &[&SourceRelation]) -> RehearsalCheck {
    if without.is_empty() {
        let says = format!("{} relations", catalogue.relations.len());
        return RehearsalCheck::new("schema", Verdict::Pass, says, None);
    }
    let names: Vec<String> = without
        .iter()
        .map(|it| format!("{}.{}", it.schema, it.name))
        .collect();
    let says = format!(
        "left out, because this role may not read them: {}",
        names.join(", ")
    );
    RehearsalCheck::new("schema", Verdict::NotChecked, says, Some(NO_SCHEMA))
}

/// Copies a table into a file; `attributed`: each row with the transaction that wrote it, first.
async fn copy(
    source: &mut ShadowSource,
    scratch: &ScratchDirectory,
    (relation, attributed): (Result<&SourceRelation, String>, bool),
    name: QualifiedName,
    path: PathBuf,
    witness: &mut dyn Witness,
) -> Result<RowsFile, End> {
    let relation = match relation {
        Ok(relation) => relation,
        Err(why) => {
            return Ok(RowsFile {
                name,
                columns: String::new(),
                rows: Err(why),
            });
        }
    };
    let mut file = File::options();
    let file = file.write(true).create_new(true).mode(0o600).open(&path);
    let file = file.map_err(io("no file for rows"))?;
    let mut told = |done| {
        witness.progress(Progress {
            what: format!("copying {}", shown(&name)),
            noun: "rows",
            done,
            total: relation.rows,
        });
    };
    let columns = match relation.columns.as_str() {
        columns if !attributed => columns.to_owned(),
        "" => "xmin".to_owned(),
        columns => format!("xmin, {columns}"),
    };
    let copied = source.copy(relation, &columns, file, &mut told).await?;
    scratch.give(&path)?;
    Ok(RowsFile {
        columns: relation.columns.clone(),
        rows: copied
            .map(|rows| (path, rows))
            .map_err(|why| format!("its rows are unknown: {why}")),
        name,
    })
}

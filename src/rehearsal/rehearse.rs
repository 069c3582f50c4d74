//! A rehearsal from the side that reads production: it hands schema and rows to the isolated process and judges what comes back.
//! Invariant: nothing of the change is written where the shadow sees it before every probe held (`isolated`), and production is
//! left as soon as no further rows are asked for, or somebody waits behind us.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;

use super::checks::{judge, line};
use super::isolation::Isolation;
use super::message::{FromShadow, PlannedSequence, QualifiedName, RowsFile, ShadowPlan, ToShadow};
use super::probes::{Probes, namespaces};
use super::programs::Programs;
use super::shadow_database::shown;
use super::shadow_process::ShadowProcess;
use crate::documents::DoctorLine;
use crate::postgres::throwaway::{ScratchDirectory, ThrowawayError};
use crate::postgres::{ConnectionSettings, ShadowSource, SourceCatalogue, SourceRelation};
use crate::profile::Profile;
use crate::run::{RehearsalOutcome, TableToCopy, Verdict};
use crate::runner::target::{TargetError, Witness};
use crate::survey::{ServerIdentity, TransactionProof};

/// Seconds that one run of a change may take.
const SECONDS_MAX: u64 = 300;
/// How often production is told that we are still here, while the shadow works.
const STAY: Duration = Duration::from_secs(5);

/// A change.
#[derive(Debug, Clone)]
pub struct ChangeScript {
    /// Its files, in order: the name that people know, and the text.
    pub files: Vec<(String, Vec<u8>)>,
    /// The role that it runs as.
    pub role: String,
    /// What of this machine the shadow must not see, beside what it never sees.
    pub hidden: Vec<PathBuf>,
    /// The tables whose rows may be copied.
    pub copies: Copies,
    /// The columns, with schema and table, whose values are kept.
    pub show: Vec<String>,
    /// What the connections to production are called there.
    pub name: String,
}

/// The tables whose rows may be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copies {
    /// All that the change asks for.
    All,
    /// None: the change runs once, on the schema alone, to find the tables that it asks for.
    None,
    /// Those that it asks for among these.
    Only(Vec<String>),
}

/// What came of a rehearsal.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// What was checked.
    pub checks: Vec<DoctorLine>,
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
}

/// Why there is no rehearsal at all.
#[derive(Debug, Error)]
pub enum RehearsalError {
    /// Production could not be read.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No scratch directory.
    #[error(transparent)]
    Throwaway(#[from] ThrowawayError),
    /// A file or socket of this machine.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The error of the system.
        source: std::io::Error,
    },
}

fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> RehearsalError {
    move |source| RehearsalError::Io { doing, source }
}

/// Why a rehearsal ends early: production keeps away, or something cannot be checked.
enum End {
    Error(RehearsalError),
    NotChecked(&'static str, String, &'static str),
}

impl<E: Into<RehearsalError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

const NO_ISOLATION: &str = "Install bubblewrap or util-linux, and let this account make user namespaces; \
     as root, drygate's own program must be readable for the account `postgres`.";
const NO_PROGRAMS: &str = "Install server and client programs of production's version.";
const NO_SCHEMA: &str = "Give the reading role what is missing, or install what the shadow lacks.";

/// Rehearses a change. `step` is told what is being done.
pub async fn rehearse(
    settings: &ConnectionSettings,
    profile: &Profile,
    change: &ChangeScript,
    witness: &mut dyn Witness,
    step: &mut dyn FnMut(&str),
) -> Result<Rehearsal, RehearsalError> {
    let mut found = Rehearsal::default();
    match steps(settings, profile, change, witness, step, &mut found).await {
        Ok(()) => {}
        Err(End::Error(error)) => return Err(error),
        Err(End::NotChecked(name, says, next)) => {
            found
                .checks
                .push(line(name, Verdict::NotChecked, says, Some(next)));
        }
    }
    judge(&mut found, change);
    Ok(found)
}

async fn steps(
    settings: &ConnectionSettings,
    profile: &Profile,
    change: &ChangeScript,
    witness: &mut dyn Witness,
    step: &mut dyn FnMut(&str),
    found: &mut Rehearsal,
) -> Result<(), End> {
    step("connecting to production");
    let mut source = ShadowSource::open(settings, profile, &change.name, witness).await?;
    found.production = Some(source.server().clone());
    let scratch = ScratchDirectory::for_server()?;
    let mut shadow = None;
    let read = read(&mut source, &scratch, change, step, found, &mut shadow).await;
    // Whatever happened: rolled back first, so that whoever waits behind us waits no longer.
    let (proof, statements) = source.close(witness).await;
    found.statements = statements;
    found.proof = proof.as_ref().ok().cloned();
    read?;
    proof?;
    let Some(mut shadow) = shadow else {
        return Ok(());
    };
    loop {
        match shadow.next().await {
            Ok(FromShadow::Step(says)) => step(&says),
            Ok(FromShadow::Done(rehearsed)) => {
                found.rehearsed = Some(*rehearsed);
                break;
            }
            Ok(FromShadow::Failed(why)) | Err(why) => {
                return Err(End::NotChecked("change", why, NO_SCHEMA));
            }
            Ok(_) => {}
        }
    }
    drop(shadow);
    scratch.remove()?;
    Ok(())
}

/// Everything that needs production; afterwards it can be left. `kept` is the shadow that goes on without it.
async fn read(
    source: &mut ShadowSource,
    scratch: &ScratchDirectory,
    change: &ChangeScript,
    step: &mut dyn FnMut(&str),
    found: &mut Rehearsal,
    kept: &mut Option<ShadowProcess>,
) -> Result<(), End> {
    let major = source.server().version_num / 10_000;
    let programs =
        Programs::find(major).map_err(|why| End::NotChecked("programs", why, NO_PROGRAMS))?;
    let says = format!(
        "production is PostgreSQL {major}, the shadow {} in {}, pg_dump {}",
        programs.major,
        programs.server.dir().display(),
        programs.pg_dump.display()
    );
    found
        .checks
        .push(line("programs", Verdict::Pass, says, None));
    let mut shadow = isolated(scratch, &programs, change, found).await?;
    step("reading the schema of production");
    let catalogue = source.catalogue().await?;
    if !catalogue.role_names.contains(&change.role) {
        let says = format!("production has no role {}", change.role);
        found.checks.push(line(
            "change",
            Verdict::Fail,
            says,
            Some("Name the role that the change runs as with --role."),
        ));
        return Ok(());
    }
    let schema = scratch.path().join("schema.dump");
    let without: Vec<&SourceRelation> = (catalogue.relations.iter())
        .filter(|relation| matches!(relation.kind.as_str(), "r" | "p"))
        .filter(|relation| {
            relation
                .unreadable
                .as_deref()
                .is_some_and(|why| why != "row security")
        })
        .collect();
    let dumped = source.dump(&programs.pg_dump, &schema, &without).await?;
    dumped.map_err(|why| End::NotChecked("schema", why, NO_SCHEMA))?;
    scratch.give(&schema)?;
    found.checks.push(if without.is_empty() {
        line(
            "schema",
            Verdict::Pass,
            format!("{} relations", catalogue.relations.len()),
            None,
        )
    } else {
        let names: Vec<String> = without
            .iter()
            .map(|it| format!("{}.{}", it.schema, it.name))
            .collect();
        let says = format!(
            "left out, because this role may not read them: {}",
            names.join(", ")
        );
        line("schema", Verdict::NotChecked, says, Some(NO_SCHEMA))
    });
    let plan = plan(scratch, &programs, change, source, &catalogue, schema)?;
    let lost = |why: String| End::NotChecked("change", why, NO_SCHEMA);
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
            FromShadow::Step(says) => step(&says),
            FromShadow::Wants(names) if change.copies == Copies::None => {
                found.tables = to_copy(&catalogue, &names);
                return Ok(());
            }
            FromShadow::Enough if change.copies == Copies::None => return Ok(()),
            FromShadow::Wants(names) => {
                let mut tables = Vec::with_capacity(names.len());
                for name in names {
                    step(&format!("copying {}.{}", name.0, name.1));
                    files += 1;
                    let path = scratch.path().join(format!("rows-{files}"));
                    let allowed = change.copies.allow(&name);
                    tables.push(copy(source, scratch, &catalogue, name, allowed, path).await?);
                }
                shadow.tell(&ToShadow::Rows(tables)).map_err(lost)?;
            }
            FromShadow::Enough => {
                *kept = Some(shadow);
                return Ok(());
            }
            FromShadow::Failed(why) => return Err(lost(why)),
            FromShadow::Probed(_) | FromShadow::Done(_) => {
                return Err(lost("the shadow spoke out of turn".to_owned()));
            }
        }
    }
}

/// Starts the isolated process and has its walls probed from inside.
async fn isolated(
    scratch: &ScratchDirectory,
    programs: &Programs,
    change: &ChangeScript,
    found: &mut Rehearsal,
) -> Result<ShadowProcess, End> {
    let failed = |why: String| End::NotChecked("isolation", why, NO_ISOLATION);
    let isolation = Isolation::of_machine()
        .ok_or_else(|| failed("this machine has neither bubblewrap nor unshare".to_owned()))?;
    let own_program =
        std::env::current_exe().map_err(io("drygate's own program cannot be found"))?;
    // What the probes try to reach is really there.
    let outside = ScratchDirectory::private()?;
    let tcp = TcpListener::bind(("127.0.0.1", 0)).map_err(io("no TCP socket for a probe"))?;
    let unix = outside.path().join("probe");
    let _listener = UnixListener::bind(&unix).map_err(io("no unix socket for a probe"))?;
    let mut hidden = change.hidden.clone();
    hidden.push(outside.path().to_path_buf());
    let probes = Probes {
        tcp: tcp.local_addr().map_err(io("no TCP socket for a probe"))?,
        unix,
        hidden,
        namespaces: namespaces(),
        shown: programs.places(),
        scratch: scratch.path().to_path_buf(),
    };
    let command = isolation.command(scratch, &own_program, &programs.places());
    let mut shadow = ShadowProcess::start(command).map_err(failed)?;
    // Where the process died before, its last words say more than the broken pipe.
    let told = shadow.tell(&ToShadow::Probe(probes));
    let outcomes = match shadow.next().await {
        Ok(FromShadow::Probed(outcomes)) => outcomes,
        Ok(FromShadow::Failed(why)) | Err(why) => return Err(failed(why)),
        Ok(_) => return Err(failed("the shadow spoke out of turn".to_owned())),
    };
    told.map_err(failed)?;
    let open: Vec<&str> = (outcomes.iter())
        .filter(|outcome| !outcome.holds)
        .map(|outcome| outcome.tried.as_str())
        .collect();
    if !open.is_empty() || outcomes.is_empty() {
        return Err(failed(format!(
            "{}: this does not hold: {}",
            isolation.name(),
            open.join(", ")
        )));
    }
    let says = format!(
        "{}: {} probes from inside held",
        isolation.name(),
        outcomes.len()
    );
    found
        .checks
        .push(line("isolation", Verdict::Pass, says, None));
    Ok(shadow)
}

/// Writes the change where the shadow sees it.
fn plan(
    scratch: &ScratchDirectory,
    programs: &Programs,
    change: &ChangeScript,
    source: &ShadowSource,
    catalogue: &SourceCatalogue,
    schema: PathBuf,
) -> Result<ShadowPlan, RehearsalError> {
    let mut scripts = Vec::with_capacity(change.files.len());
    for (at, (name, text)) in change.files.iter().enumerate() {
        let path = scratch.path().join(format!("change-{at}.sql"));
        std::fs::write(&path, text).map_err(io("the change cannot be written for the shadow"))?;
        scratch.give(&path)?;
        scripts.push((name.clone(), path));
    }
    let sequences = catalogue.sequences.iter();
    Ok(ShadowPlan {
        server: programs.server.dir().to_path_buf(),
        psql: programs.psql.clone(),
        pg_restore: programs.pg_restore.clone(),
        pg_dump: programs.pg_dump.clone(),
        schema,
        scripts,
        role: change.role.clone(),
        database: source.server().database.clone(),
        roles: catalogue.roles.clone(),
        database_sql: catalogue.database.clone(),
        extensions: catalogue.extensions.clone(),
        sequences: sequences
            .map(|sequence| PlannedSequence {
                name: (sequence.schema.clone(), sequence.name.clone()),
                owner: sequence.owner.clone(),
                last: sequence.last,
            })
            .collect(),
        show: change.show.clone(),
        seconds_max: SECONDS_MAX,
    })
}

impl Copies {
    fn allow(&self, name: &QualifiedName) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Only(tables) => tables.contains(&shown(name)),
        }
    }
}

/// The tables whose rows a change may need that asked for these: they, and the others of the same schemas that can be read. What
/// it writes only where there are rows, it does not ask for without them.
fn to_copy(catalogue: &SourceCatalogue, asked: &[QualifiedName]) -> Vec<TableToCopy> {
    let schemas: BTreeSet<&str> = asked.iter().map(|name| name.0.as_str()).collect();
    let tables = catalogue
        .relations
        .iter()
        .filter(|relation| relation.kind == "r" && schemas.contains(relation.schema.as_str()));
    let mut found: Vec<TableToCopy> = tables
        .map(|relation| {
            let name = (relation.schema.clone(), relation.name.clone());
            TableToCopy {
                table: shown(&name),
                rows: relation.rows,
                bytes: relation.rows.and(Some(relation.bytes)),
                asked: asked.contains(&name),
            }
        })
        .collect();
    found.sort_by(|one, two| (!one.asked, &one.table).cmp(&(!two.asked, &two.table)));
    found
}

async fn copy(
    source: &mut ShadowSource,
    scratch: &ScratchDirectory,
    catalogue: &SourceCatalogue,
    name: QualifiedName,
    allowed: bool,
    path: PathBuf,
) -> Result<RowsFile, End> {
    if !allowed {
        let why = "its rows are not read: SG1 did not list it".to_owned();
        return Ok(RowsFile {
            name,
            columns: String::new(),
            rows: Err(why),
        });
    }
    let relation = (catalogue.relations.iter()).find(|relation| {
        relation.schema == name.0 && relation.name == name.1 && relation.kind == "r"
    });
    let Some(relation) = relation else {
        let why = "it is no table of production".to_owned();
        return Ok(RowsFile {
            name,
            columns: String::new(),
            rows: Err(why),
        });
    };
    let columns = relation.columns.clone();
    if let Some(why) = &relation.unreadable {
        return Ok(RowsFile {
            name,
            columns,
            rows: Err(format!("its rows are not read: {why}")),
        });
    }
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(io("no file for rows"))?;
    let copied = source.copy(relation, file).await?;
    scratch.give(&path)?;
    let rows = copied.map(|rows| (path, rows));
    Ok(RowsFile {
        name,
        columns,
        rows: rows.map_err(|why| format!("its rows are unknown: {why}")),
    })
}

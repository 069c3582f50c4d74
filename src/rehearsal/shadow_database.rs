//! The databases of the shadow: made, loaded, cloned, and asked with `psql`.
//! Invariant: every program here runs inside the isolated process, and a program that fails is an error (`program_end`).

use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::message::{QualifiedName, ShadowPlan};
use super::program_end::{finished, first_error, whole};
use crate::postgres::throwaway::{
    Cluster, ClusterOptions, ClusterOrigin, ClusterSession, ServerBinaries,
};
use crate::survey::quoted_identifier;

/// The superuser of a throwaway cluster.
pub(super) const SUPERUSER: &str = "postgres";
/// Where statements about other databases are sent from.
const CONTROL: &str = "template1";
/// Schema and rows, without indexes and constraints. It is the database `postgres` of the empty cluster: production's can have that name.
pub(super) const ROWS: &str = "drygate_rows";
/// Schema, rows, indexes and constraints: what every run of the change begins with.
pub(super) const BASE: &str = "drygate_base";
/// A schema that was written and loaded once more.
const AGAIN: &str = "drygate_again";
/// Schema of the sentinel, which is no part of production.
pub(super) const SENTINEL: &str = "drygate_sentinel";
/// Schemas that are not the user's.
pub(super) const FOREIGN: &str =
    "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'drygate_sentinel')";

/// Settings of our own sessions, so that values are written the same way on both sides, and single rows are looked up by an index: they
/// were copied a moment ago and lie in memory.
const OWN_SETTINGS: &str = "-c search_path= -c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres -c extra_float_digits=3 \
     -c bytea_output=hex -c row_security=off -c statement_timeout=0 -c default_transaction_read_only=off \
     -c session_replication_role=origin -c client_min_messages=error -c jit=off -c random_page_cost=1";

/// The rows of a question, each value as text.
pub(super) type Answer = Vec<Vec<Option<String>>>;

/// The cluster of the shadow.
pub(super) struct ShadowDatabase {
    /// The session of the last question, and its database. One at a time: what has a session is neither copied nor renamed.
    open: RefCell<Option<(String, ClusterSession)>>,
    cluster: Cluster,
    plan: ShadowPlan,
    scratch: PathBuf,
}

impl ShadowDatabase {
    /// Starts the cluster and loads roles and schema, without rows.
    pub(super) fn load(plan: ShadowPlan, scratch: &Path) -> Result<Self, String> {
        let binaries = ServerBinaries::at(&plan.server).map_err(|error| error.to_string())?;
        let settings = [
            ("shared_buffers", "128MB"),
            ("max_wal_size", "4GB"),
            // Nothing is recovered here: its log needs no room that is written first.
            ("wal_init_zero", "off"),
            // Read by `gave_out` and `sessions_since`.
            ("log_line_prefix", "%e %d "),
            ("log_connections", "on"),
            // A server that lost a process has lost what the change did.
            ("restart_after_crash", "off"),
        ];
        let cluster = Cluster::start(&ClusterOptions {
            binaries: Some(binaries),
            settings: settings
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            origin: ClusterOrigin::There(plan.cluster.clone()),
            ..ClusterOptions::default()
        })
        .map_err(|error| error.to_string())?;
        let shadow = Self {
            open: RefCell::default(),
            cluster,
            plan,
            scratch: scratch.to_path_buf(),
        };
        shadow.extensions()?;
        shadow.control(&shadow.plan.roles.join(";\n"))?;
        shadow.control(&format!("ALTER DATABASE postgres RENAME TO {ROWS}"))?;
        shadow.section("pre-data", ROWS)?;
        shadow.cluster_sql(
            ROWS,
            &format!(
                "CREATE SCHEMA {SENTINEL}; CREATE TABLE {SENTINEL}.written (at integer PRIMARY KEY, says text)"
            ),
        )?;
        Ok(shadow)
    }

    /// What is rehearsed.
    pub(super) fn plan(&self) -> &ShadowPlan {
        &self.plan
    }

    /// Where files can be written.
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// What this server is.
    pub(super) fn version(&self) -> Result<String, String> {
        let rows = self.ask(CONTROL, "SHOW server_version")?;
        Ok(rows
            .into_iter()
            .flatten()
            .flatten()
            .next()
            .unwrap_or_default())
    }

    /// An extension that this machine lacks is an error; another version is a difference.
    fn extensions(&self) -> Result<(), String> {
        let missing = self.lacking("SELECT name::text FROM pg_catalog.pg_available_extensions")?;
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!(
            "this machine lacks extensions of production: {}; install their packages for the server in {}",
            missing.join(", "),
            self.plan.server.display()
        ))
    }

    fn lacking(&self, sql: &str) -> Result<Vec<String>, String> {
        let rows = self.ask(CONTROL, sql)?;
        let there: Vec<String> = rows.into_iter().flatten().flatten().collect();
        let names = self.plan.extensions.iter().map(|(name, _)| name);
        Ok(names
            .filter(|name| !there.contains(name))
            .cloned()
            .collect())
    }

    /// The extensions that have another version here.
    pub(super) fn other_versions(&self) -> Result<Vec<String>, String> {
        let rows = self.ask(
            ROWS,
            "SELECT extname::text, extversion FROM pg_catalog.pg_extension",
        )?;
        let mut other = Vec::new();
        for (name, version) in &self.plan.extensions {
            let here = rows.iter().find(|row| row[0].as_deref() == Some(name));
            let here = here.and_then(|row| row[1].clone()).unwrap_or_default();
            if here != *version {
                other.push(format!(
                    "extension {name}: {version} in production, {here} here"
                ));
            }
        }
        Ok(other)
    }

    /// Runs one section of the archive in a database, as one transaction.
    fn section(&self, section: &str, database: &str) -> Result<(), String> {
        let sql = self.scratch.join(format!("{section}.sql"));
        if !sql.exists() {
            let restored = Command::new(&self.plan.pg_restore)
                .arg(format!("--section={section}"))
                .arg("--file")
                .arg(&sql)
                .arg(&self.plan.schema)
                .stdin(Stdio::null())
                .output()
                .map_err(|error| format!("pg_restore cannot be run: {error}"))?;
            if !restored.status.success() {
                return Err(first_error("pg_restore", &restored.stderr));
            }
            whole("pg_restore", &std::fs::read(&sql).unwrap_or_default())?;
        }
        let mut psql = self.psql(SUPERUSER, database);
        psql.arg("-1").arg("-f").arg(&sql);
        finished(psql, "the schema cannot be loaded")
    }

    /// Makes the base anew from schema and rows.
    pub(super) fn make_base(&self) -> Result<(), String> {
        self.control(&format!("DROP DATABASE IF EXISTS {BASE}"))?;
        self.copy_database(BASE, ROWS)?;
        self.section("post-data", BASE)
    }

    /// Files are copied as they are. Versions before 15 know no other way, and the other way writes every page to the log as well.
    fn copy_database(&self, name: &str, template: &str) -> Result<(), String> {
        let files = if self.plan.major < 15 {
            ""
        } else {
            " STRATEGY file_copy"
        };
        self.control(&format!(
            "CREATE DATABASE {name} TEMPLATE {template}{files}"
        ))
    }

    /// A copy of the base under production's name.
    pub(super) fn clone_base(&self) -> Result<(), String> {
        self.clone_run(BASE)
    }

    /// A copy of a run under production's name.
    pub(super) fn clone_run(&self, kept: &str) -> Result<(), String> {
        let database = quoted_identifier(&self.plan.database);
        self.control(&format!("DROP DATABASE IF EXISTS {database}"))?;
        self.copy_database(&database, kept)?;
        self.as_production()
    }

    /// The base itself under production's name: the next one is made anew.
    pub(super) fn lend_base(&self) -> Result<(), String> {
        let database = quoted_identifier(&self.plan.database);
        self.control(&format!("ALTER DATABASE {BASE} RENAME TO {database}"))?;
        // What loading it read and wrote is no part of a run; a copy has none of that.
        self.ask(&self.plan.database, "SELECT pg_catalog.pg_stat_reset()")?;
        self.as_production()
    }

    /// Gives what is to be changed the owner, privileges and settings of production, and leaves it.
    fn as_production(&self) -> Result<(), String> {
        self.control(&self.plan.database_sql.join(";\n"))?;
        self.leave();
        Ok(())
    }

    /// Gives the copy another name, so that the next one can have production's.
    pub(super) fn keep_run(&self, name: &str) -> Result<(), String> {
        let database = quoted_identifier(&self.plan.database);
        self.control(&format!("ALTER DATABASE {database} RENAME TO {name}"))
    }

    /// Ends every session in the database of the run.
    pub(super) fn end_sessions(&self) -> Result<(), String> {
        let database = literal(&self.plan.database);
        let ended = format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = {database}"
        );
        // Their counters arrive when they end.
        while !self.ask(CONTROL, &ended)?.is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Waits until the counters know of so many rows of the sentinel: those of what was done before are there by then.
    pub(super) fn wait_for_counters(&self, rows: usize) -> Result<(), String> {
        let sql = format!(
            "SELECT n_tup_ins::text FROM pg_catalog.pg_stat_all_tables WHERE schemaname = '{SENTINEL}' AND relname = 'written'"
        );
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            let counted = self.ask(&self.plan.database, &sql)?;
            let counted = counted.into_iter().flatten().flatten().next();
            if counted == Some(rows.to_string()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("the counters of the shadow do not arrive".to_owned())
    }

    /// A statement about databases or roles.
    pub(super) fn control(&self, sql: &str) -> Result<(), String> {
        self.cluster_sql(CONTROL, sql)
    }

    fn cluster_sql(&self, database: &str, sql: &str) -> Result<(), String> {
        self.ask(database, sql).map(drop)
    }

    /// Asks as superuser; the rows of all statements.
    pub(super) fn ask(&self, database: &str, sql: &str) -> Result<Answer, String> {
        let open = self.open.take().filter(|(of, _)| of == database);
        let session = match open {
            Some((_, session)) => Ok(session),
            None => self.cluster.session(SUPERUSER, database),
        };
        let session = session.map_err(|error| error.to_string())?;
        let answer = session.ask(sql).map_err(|error| error.to_string())?;
        self.open.replace(Some((database.to_owned(), session)));
        Ok(answer)
    }

    /// Ends the session of the last question: the counters of what it wrote arrive then.
    pub(super) fn leave(&self) {
        self.open.replace(None);
    }

    /// `psql` in a database, with nothing of its configuration. It stops at the first error.
    pub(super) fn psql(&self, user: &str, database: &str) -> Command {
        let mut command = self.program(&self.plan.psql, user, database);
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        if user == SUPERUSER {
            command.env("PGOPTIONS", OWN_SETTINGS);
        }
        command
    }

    /// A program that is told of a database of the shadow, as libpq reads it; what it prints goes nowhere.
    pub(super) fn program(
        &self,
        program: impl AsRef<OsStr>,
        user: &str,
        database: &str,
    ) -> Command {
        let mut command = Command::new(program);
        self.connect(&mut command, user, database);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Bytes of the server's log so far.
    pub(super) fn log_length(&self) -> u64 {
        std::fs::metadata(self.cluster.log_path()).map_or(0, |about| about.len())
    }

    /// Whether the change met an error since `from` in the log that speaks of this machine and not of the change: no disk or no
    /// memory (SQLSTATE class 53), an error of the system (58).
    pub(super) fn gave_out(&self, from: u64) -> bool {
        let log = std::fs::read(self.cluster.log_path()).unwrap_or_default();
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
        let log = String::from_utf8_lossy(&log[from..]);
        let of_machine = |line: &str| {
            let state = line.split(' ').next().unwrap_or_default();
            state.len() == 5 && (state.starts_with("53") || state.starts_with("58"))
        };
        let of_run = format!(" {} ", self.plan.database);
        let mut errors = log
            .lines()
            .filter(|line| line.contains("ERROR:") || line.contains("FATAL:"));
        errors.any(|line| of_machine(line) && line.contains(&of_run))
    }

    /// How many sessions began since `from` in the log that are not our own.
    pub(super) fn sessions_since(&self, from: u64) -> usize {
        let log = std::fs::read(self.cluster.log_path()).unwrap_or_default();
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(log.len());
        let log = String::from_utf8_lossy(&log[from..]);
        let began = log
            .lines()
            .filter(|line| line.contains("connection authorized: "));
        let ours = "application_name=drygate/throwaway";
        began.filter(|line| !line.contains(ours)).count()
    }

    /// Where the server of the shadow listens.
    pub(super) fn socket_dir(&self) -> &Path {
        self.cluster.socket_dir()
    }

    fn connect(&self, command: &mut Command, user: &str, database: &str) {
        command
            .env("PGHOST", self.cluster.socket_dir())
            .env("PGPORT", "5432")
            .env("PGUSER", user)
            .env("PGDATABASE", database)
            .env("PGCLIENTENCODING", "UTF8");
    }

    /// The schema of a database, loaded into another one and read there: as often as that of production was when it was loaded here. A
    /// server writes some expressions otherwise than it reads them.
    pub(super) fn schema_text_loaded_again(&self, database: &str) -> Result<Vec<String>, String> {
        let dumped = Self::dumped_schema(self.dump_schema(database)?)?;
        let file = self.scratch.join("schema-again.sql");
        std::fs::write(&file, &dumped).map_err(|error| error.to_string())?;
        let template = "TEMPLATE template0 ENCODING 'UTF8'";
        self.control(&format!("CREATE DATABASE {AGAIN} {template}"))?;
        let mut psql = self.psql(SUPERUSER, AGAIN);
        psql.arg("-1").arg("-f").arg(&file);
        finished(psql, "the schema cannot be loaded again")?;
        Self::schema_text(self.dump_schema(AGAIN)?)
    }

    /// Starts to write the schema of a database with `pg_dump`.
    pub(super) fn dump_schema(&self, database: &str) -> Result<Child, String> {
        let mut command = Command::new(&self.plan.pg_dump);
        self.connect(&mut command, SUPERUSER, database);
        let dump = command
            .args(["--schema-only", "--no-password"])
            .arg(format!("--exclude-schema={SENTINEL}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        dump.spawn()
            .map_err(|error| format!("pg_dump cannot be run: {error}"))
    }

    /// The lines that it wrote, when it has ended.
    pub(super) fn schema_text(dump: Child) -> Result<Vec<String>, String> {
        let dumped = Self::dumped_schema(dump)?;
        let text = String::from_utf8_lossy(&dumped);
        // Comments name objects again, and the two lines with a backslash have a random word.
        let matters =
            |line: &&str| !line.is_empty() && !line.starts_with("--") && !line.starts_with('\\');
        Ok(text.lines().filter(matters).map(str::to_owned).collect())
    }

    fn dumped_schema(dump: Child) -> Result<Vec<u8>, String> {
        let dumped = dump.wait_with_output().map_err(|error| error.to_string())?;
        if !dumped.status.success() {
            return Err(first_error("pg_dump", &dumped.stderr));
        }
        whole("pg_dump", &dumped.stdout)?;
        Ok(dumped.stdout)
    }
}

/// Schema and name as an identifier of SQL.
pub(super) fn quoted_name((schema, name): &QualifiedName) -> String {
    format!("{}.{}", quoted_identifier(schema), quoted_identifier(name))
}

/// A text as a constant of SQL.
pub(super) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Schema and name for people.
pub(super) fn shown((schema, name): &QualifiedName) -> String {
    format!("{schema}.{name}")
}

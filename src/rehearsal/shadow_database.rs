//! The databases of the shadow: made, loaded, cloned, and asked with `psql`.
//! Invariant: every program here runs inside the isolated process, and a program that fails is an error (`Psql`).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::message::{QualifiedName, RowsFile, ShadowPlan};
use crate::postgres::throwaway::{Cluster, ClusterOptions, ClusterOrigin, ServerBinaries};
use crate::survey::quoted_identifier;

/// The superuser of a throwaway cluster.
pub(super) const SUPERUSER: &str = "postgres";
/// Where statements about other databases are sent from.
const CONTROL: &str = "drygate_control";
/// Schema and rows, without indexes and constraints.
const ROWS: &str = "drygate_rows";
/// Schema, rows, indexes and constraints: what every run of the change begins with.
pub(super) const BASE: &str = "drygate_base";
/// Schema of the sentinel, which is no part of production.
pub(super) const SENTINEL: &str = "drygate_sentinel";
/// Schemas that are not the user's.
pub(super) const FOREIGN: &str =
    "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'drygate_sentinel')";

/// Settings of our own sessions, so that values are written the same way on both sides.
const OWN_SETTINGS: &str = "-c search_path= -c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres -c extra_float_digits=3 \
     -c bytea_output=hex -c row_security=off -c statement_timeout=0 -c default_transaction_read_only=off \
     -c session_replication_role=origin -c client_min_messages=error";

/// The rows of a question, each value as text.
pub(super) type Answer = Vec<Vec<Option<String>>>;

/// The cluster of the shadow.
pub(super) struct ShadowDatabase {
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
            cluster,
            plan,
            scratch: scratch.to_path_buf(),
        };
        // Production's database can have the name of one that a new cluster has.
        let renamed = format!("ALTER DATABASE postgres RENAME TO {CONTROL}");
        shadow.cluster_sql("template1", &renamed)?;
        shadow.extensions()?;
        for sql in &shadow.plan.roles {
            shadow.control(sql)?;
        }
        let template = "TEMPLATE template0 ENCODING 'UTF8'";
        shadow.control(&format!("CREATE DATABASE {ROWS} {template}"))?;
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

    /// Puts rows into their tables, and the sequences where they stand. Gives what was derived and is not known.
    pub(super) fn put_rows(&self, tables: &[RowsFile]) -> Result<(), String> {
        for table in tables {
            let Ok((file, _)) = &table.rows else {
                continue;
            };
            let rows = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let mut psql = self.psql(SUPERUSER, ROWS);
            // A list of no columns is no SQL: a table may have none, or generated ones alone.
            let columns = match table.columns.as_str() {
                "" => String::new(),
                columns => format!(" ({columns})"),
            };
            let table_name = quoted_name(&table.name);
            // Of a table that is emptied in the same transaction rows can be written as old ones, which are not looked up again. ONLY: a
            // table that inherits from it may have its rows already.
            psql.args(["-1", "-c"])
                .arg(format!("TRUNCATE ONLY {table_name}"))
                .arg("-c")
                .arg(format!("COPY {table_name}{columns} FROM STDIN (FREEZE)"));
            psql.stdin(rows);
            finished(
                psql,
                &format!("the rows of {} cannot be loaded", shown(&table.name)),
            )?;
            // Rows lie on the disk once.
            std::fs::remove_file(file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(())
    }

    /// Sets the sequences as they stand in production. Gives those whose place was derived from the rows of their table.
    pub(super) fn put_sequences(
        &self,
        seeded: &[QualifiedName],
    ) -> Result<Vec<QualifiedName>, String> {
        let mut derived = Vec::new();
        let mut steps = Vec::new();
        for sequence in &self.plan.sequences {
            let name = literal(&quoted_name(&sequence.name));
            let owner = sequence.owner.as_ref();
            match (sequence.last, owner) {
                (Some((last, called)), _) => {
                    steps.push(format!(
                        "SELECT pg_catalog.setval({name}, {last}, {called})"
                    ));
                }
                (None, Some([schema, table, column]))
                    if seeded.contains(&(schema.clone(), table.clone())) =>
                {
                    let table = quoted_name(&(schema.clone(), table.clone()));
                    let column = quoted_identifier(column);
                    steps.push(format!(
                        "SELECT pg_catalog.setval({name}, x.most) FROM (SELECT max({column}) AS most FROM {table}) AS x \
                         WHERE x.most IS NOT NULL"
                    ));
                    derived.push(sequence.name.clone());
                }
                _ => derived.push(sequence.name.clone()),
            }
        }
        self.cluster_sql(ROWS, &steps.join(";\n"))?;
        Ok(derived)
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

    /// A copy of the base under production's name, with its owner, privileges and settings; `name` comes after the run.
    pub(super) fn clone_base(&self) -> Result<(), String> {
        let database = quoted_identifier(&self.plan.database);
        self.control(&format!("DROP DATABASE IF EXISTS {database}"))?;
        self.copy_database(&database, BASE)?;
        for sql in &self.plan.database_sql {
            self.control(sql)?;
        }
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
        let others = format!("FROM pg_catalog.pg_stat_activity WHERE datname = {database}");
        self.control(&format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) {others}"
        ))?;
        // Their counters arrive when they end.
        loop {
            let left = self.ask(CONTROL, &format!("SELECT count(*)::text {others}"))?;
            if left.into_iter().flatten().flatten().next().as_deref() == Some("0") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
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
        let answer = self.cluster.query(SUPERUSER, database, sql);
        answer.map_err(|error| error.to_string())
    }

    /// `psql` in a database, with nothing of its configuration. It stops at the first error.
    pub(super) fn psql(&self, user: &str, database: &str) -> Command {
        let mut command = Command::new(&self.plan.psql);
        self.connect(&mut command, user, database);
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        if user == SUPERUSER {
            command.env("PGOPTIONS", OWN_SETTINGS);
        }
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

    /// The schema of a database as lines of `pg_dump`.
    pub(super) fn schema_text(&self, database: &str) -> Result<Vec<String>, String> {
        let mut command = Command::new(&self.plan.pg_dump);
        self.connect(&mut command, SUPERUSER, database);
        let dumped = command
            .args(["--schema-only", "--no-password"])
            .arg(format!("--exclude-schema={SENTINEL}"))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("pg_dump cannot be run: {error}"))?;
        if !dumped.status.success() {
            return Err(first_error("pg_dump", &dumped.stderr));
        }
        whole("pg_dump", &dumped.stdout)?;
        let text = String::from_utf8_lossy(&dumped.stdout);
        // Comments name objects again, and the two lines with a backslash have a random word.
        let matters =
            |line: &&str| !line.is_empty() && !line.starts_with("--") && !line.starts_with('\\');
        Ok(text.lines().filter(matters).map(str::to_owned).collect())
    }
}

/// What `psql` says on standard error when it has done everything before.
const DONE: &str = "drygate_done";

/// Has `psql` say at last that it came so far; a status of 0 alone does not say it.
pub(super) fn says_done(psql: &mut Command) -> &mut Command {
    psql.arg("-c").arg(format!("\\warn {DONE}"))
}

/// Whether `psql` said so. What a script said before need not end its line.
pub(super) fn is_done(said: &[u8]) -> Result<(), String> {
    let mut lines = said.split(|byte| *byte == b'\n');
    if lines.any(|line| line.ends_with(DONE.as_bytes())) {
        return Ok(());
    }
    Err("psql ended without an error, and before it had done its work".to_owned())
}

/// Waits for `psql`; one that fails, or leaves work undone, is an error.
pub(super) fn finished(mut psql: Command, doing: &str) -> Result<(), String> {
    let ended = says_done(&mut psql)
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("psql cannot be run: {error}"))?;
    let done = if ended.status.success() {
        is_done(&ended.stderr)
    } else {
        Err(first_error("psql", &ended.stderr))
    };
    done.map_err(|why| format!("{doing}: {why}"))
}

/// Whether a script of `pg_dump` or `pg_restore` has its end.
fn whole(program: &str, script: &[u8]) -> Result<(), String> {
    let mut lines = script.rsplit(|byte| *byte == b'\n');
    if lines.any(|line| line == b"-- PostgreSQL database dump complete") {
        return Ok(());
    }
    Err(format!(
        "{program} ended without an error, and its script has no end"
    ))
}

/// The first error in what a program said.
pub(super) fn first_error(program: &str, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let error = said
        .lines()
        .find(|line| line.to_lowercase().contains("error"));
    let line = error
        .or_else(|| said.lines().next())
        .unwrap_or("it said nothing");
    format!("{program}: {line}")
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

#[cfg(test)]
mod tests {
    use super::is_done;

    #[test]
    fn a_script_that_leaves_its_last_line_open_is_done_all_the_same() {
        for said in [
            "drygate_done\n",
            "NOTICE: a\ndrygate_done\n",
            "half a linedrygate_done\n",
        ] {
            assert_eq!(is_done(said.as_bytes()), Ok(()), "{said}");
        }
        for said in ["", "NOTICE: a\n", "drygate_don"] {
            assert!(is_done(said.as_bytes()).is_err(), "{said}");
        }
    }
}

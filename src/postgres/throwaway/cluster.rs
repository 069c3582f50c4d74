//! A throwaway PostgreSQL cluster, from its making to its removal.
//! Invariant: dropping a `Cluster` ends its server and removes its directory, or the next sweep does.
//! Held by `Drop for Cluster` and the tests `a_cluster_answers_by_its_url_and_leaves_nothing_behind`
//! and `a_sweep_takes_what_a_killed_owner_left` of tests/throwaway.rs.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;

use super::account::ServerAccount;
use super::directory::ClusterDirectory;
#[cfg(feature = "testing")]
use super::error::escaped;
use super::{
    ClusterSession, Scenario, ServerBinaries, ThrowawayError, empty, process, session,
    sweep_abandoned,
};
use crate::postgres::url_encoded;

/// The superuser of every throwaway cluster.
pub(super) const SUPERUSER: &str = "postgres";
const PORT: u16 = 5432;

/// How a cluster is started.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// Whether the server logs every statement, so that a test can read the log as evidence.
    pub log_statement_all: bool,
    /// Further lines of postgresql.conf. They come last and win over the cluster's own.
    pub settings: Vec<(String, String)>,
    /// The server to use; `None`: the one that [`ServerBinaries::find`] finds.
    pub binaries: Option<ServerBinaries>,
    /// What it is made of.
    pub origin: ClusterOrigin,
}

/// Where a cluster comes from.
#[derive(Debug, Clone, Default)]
pub enum ClusterOrigin {
    /// Copied from one that is made once, with whose system identifier it is the same server to everybody who asks.
    #[default]
    Copied,
    /// Made for itself: no other one has its system identifier.
    Made,
    /// [`super::ScratchDirectory::empty_cluster`] put it there.
    There(PathBuf),
}

/// A running cluster. It listens on a unix socket in its own directory only, and lets this account in as any role.
#[derive(Debug)]
pub struct Cluster {
    server: Child,
    directory: ClusterDirectory,
    stopped: bool,
}

impl Cluster {
    /// Removes what crashed processes left, then makes and starts a new cluster.
    pub fn start(options: &ClusterOptions) -> Result<Self, ThrowawayError> {
        // Done at every start, because a killed process cannot clean up after itself.
        sweep_abandoned();
        let binaries = match &options.binaries {
            Some(binaries) => binaries.clone(),
            None => ServerBinaries::find()?,
        };
        let account = ServerAccount::choose()?;
        let directory = ClusterDirectory::create(account)?;
        let (dir, data) = (directory.path(), directory.data());
        let made = match &options.origin {
            ClusterOrigin::Copied => empty::put(&binaries, account, dir, &data),
            ClusterOrigin::Made => empty::initdb(&binaries, account, dir, &data),
            ClusterOrigin::There(path) => {
                fs::rename(path, &data).map_err(ThrowawayError::io("cannot move", path))
            }
        };
        Self::started(made, &binaries, account, directory, options)
    }

    /// A hot standby of a running cluster, by `pg_basebackup`, which not every set of binaries has.
    #[cfg(feature = "testing")]
    pub fn standby_of(primary: &Self, options: &ClusterOptions) -> Result<Self, ThrowawayError> {
        let binaries = ServerBinaries::find()?;
        let account = ServerAccount::choose()?;
        let directory = ClusterDirectory::create(account)?;
        let made = base_backup(&binaries, account, &directory, primary);
        Self::started(made, &binaries, account, directory, options)
    }

    fn started(
        made: Result<(), ThrowawayError>,
        binaries: &ServerBinaries,
        account: ServerAccount,
        directory: ClusterDirectory,
        options: &ClusterOptions,
    ) -> Result<Self, ThrowawayError> {
        let started = made
            .and_then(|()| configure(&directory, options))
            .and_then(|()| process::start(binaries, account, &directory));
        match started {
            Ok(server) => Ok(Self {
                server,
                directory,
                stopped: false,
            }),
            Err(error) => {
                // The error of the start is the one to report. If removing fails too, the next sweep does it.
                drop(directory.remove());
                Err(error)
            }
        }
    }

    /// A connection URL of this cluster that tokio-postgres and libpq both understand.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!(
            "postgresql:///{}?host={}&port={PORT}&user={}",
            url_encoded(database),
            url_encoded(self.socket_dir().as_os_str().as_bytes()),
            url_encoded(user)
        )
    }

    /// The directory that holds the unix socket.
    pub fn socket_dir(&self) -> &Path {
        self.directory.path()
    }

    /// The server's log.
    pub fn log_path(&self) -> PathBuf {
        self.directory.log()
    }

    /// The process id of the server.
    #[cfg(any(test, feature = "testing"))]
    pub fn postmaster_pid(&self) -> u32 {
        self.server.id()
    }

    /// Ends the server at once and starts it again on its data, which it recovers.
    #[cfg(any(test, feature = "testing"))]
    pub fn restart(&mut self) -> Result<(), ThrowawayError> {
        process::stop_child(&mut self.server).map_err(ThrowawayError::io(
            "cannot stop the server of",
            self.directory.path(),
        ))?;
        let (binaries, account) = (ServerBinaries::find()?, ServerAccount::choose()?);
        self.server = process::start(&binaries, account, &self.directory)?;
        Ok(())
    }

    /// Makes `database` and loads the base of `scenario` into it.
    pub fn load_scenario(&self, database: &str, scenario: Scenario) -> Result<(), ThrowawayError> {
        self.create_database(database)?;
        self.load(database, &scenario.base_sql())
    }

    /// Makes an empty database in UTF-8.
    pub fn create_database(&self, database: &str) -> Result<(), ThrowawayError> {
        self.load(
            SUPERUSER,
            &format!(
                "CREATE DATABASE \"{}\" ENCODING 'UTF8'",
                database.replace('"', "\"\"")
            ),
        )
    }

    /// Runs a script as superuser and drops its rows.
    pub fn load(&self, database: &str, sql: &str) -> Result<(), ThrowawayError> {
        self.query(SUPERUSER, database, sql).map(drop)
    }

    /// Runs a script as `user` and returns the rows of all its statements, each value as text; `None`: NULL.
    pub fn query(
        &self,
        user: &str,
        database: &str,
        sql: &str,
    ) -> Result<Vec<Vec<Option<String>>>, ThrowawayError> {
        session::run(self.socket_dir(), user, database, sql)
    }

    /// A session that stays open for several scripts.
    pub fn session(&self, user: &str, database: &str) -> Result<ClusterSession, ThrowawayError> {
        ClusterSession::open(self.socket_dir(), user, database)
    }

    /// Stops the server with an immediate shutdown and removes its directory.
    pub fn stop(mut self) -> Result<(), ThrowawayError> {
        self.end()
    }

    /// Ends server and directory once: `stop` and `Drop` both come here.
    fn end(&mut self) -> Result<(), ThrowawayError> {
        if self.stopped {
            return Ok(());
        }
        self.stopped = true;
        // The server first: a running server must not find its files gone.
        process::stop_child(&mut self.server).map_err(ThrowawayError::io(
            "cannot stop the server of",
            self.directory.path(),
        ))?;
        self.directory.remove()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A drop cannot return an error. What remains is removed by the next sweep.
        drop(self.end());
    }
}

#[cfg(feature = "testing")]
fn base_backup(
    binaries: &ServerBinaries,
    account: ServerAccount,
    directory: &ClusterDirectory,
    primary: &Cluster,
) -> Result<(), ThrowawayError> {
    // `postgres` alone may be linked into a directory of the search path.
    let server = binaries.program("postgres");
    let server = server
        .canonicalize()
        .map_err(ThrowawayError::io("cannot find", &server))?;
    let program = server.with_file_name("pg_basebackup");
    let output = account
        .command(&program, directory.path())
        .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
        .arg(format!("--host={}", primary.socket_dir().display()))
        .arg(format!("--port={PORT}"))
        .arg(format!("--username={SUPERUSER}"))
        .arg("-D")
        .arg(directory.data())
        .output()
        .map_err(ThrowawayError::io("cannot run", &program))?;
    if output.status.success() {
        return Ok(());
    }
    let output = escaped(&String::from_utf8_lossy(&output.stderr));
    Err(ThrowawayError::Initdb { output })
}

/// Appends our settings to postgresql.conf, where the last line of a name wins. Background work is off, so that
/// an idle cluster does nothing.
fn configure(directory: &ClusterDirectory, options: &ClusterOptions) -> Result<(), ThrowawayError> {
    let socket_dir = directory.path().to_string_lossy();
    let port = PORT.to_string();
    let own = [
        // An empty address list: no TCP at all, so no port can be taken and nobody reaches it over the network.
        ("listen_addresses", ""),
        ("unix_socket_directories", &*socket_dir),
        ("unix_socket_permissions", "0700"),
        ("port", &*port),
        // The data is thrown away: it need not survive a crash, and the start is faster without syncs.
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("autovacuum", "off"),
        ("shared_buffers", "16MB"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("log_line_prefix", "%m [%p] %q%u@%d %a "),
        (
            "log_statement",
            if options.log_statement_all {
                "all"
            } else {
                "none"
            },
        ),
    ];
    let further = options
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let mut lines = String::from("\n");
    for (name, value) in own.into_iter().chain(further) {
        // Writing to a String cannot fail.
        // In postgresql.conf a quote inside a value is written twice.
        let _ = writeln!(lines, "{name} = '{}'", value.replace('\'', "''"));
    }
    let path = directory.data().join("postgresql.conf");
    OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(ThrowawayError::io("cannot write", &path))
}

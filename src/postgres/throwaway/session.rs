//! A session without the limits of a survey, for loading and observing.
//! Invariant: it reaches throwaway clusters only. Held by `OpenSession::open`, which takes a socket directory and is used for theirs
//! alone.

use std::path::Path;
use std::thread;

use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::ThrowawayError;

/// The rows of a script, each value as text; `None`: NULL.
pub type ScriptRows = Vec<Vec<Option<String>>>;

/// A session that stays open.
#[derive(Debug)]
pub struct OpenSession {
    client: Client,
}

impl OpenSession {
    /// Opens one with settings as `-c name=value`.
    pub async fn open(
        socket_dir: &Path,
        user: &str,
        database: &str,
        settings: &str,
    ) -> Result<Self, ThrowawayError> {
        let mut config = Config::new();
        config
            .host_path(socket_dir)
            .user(user)
            .dbname(database)
            .options(settings)
            .application_name("drygate/throwaway");
        let connected = config.connect(NoTls).await;
        let (client, connection) = connected.map_err(ThrowawayError::refused)?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// The rows of all statements of a script.
    pub async fn ask(&self, sql: &str) -> Result<ScriptRows, ThrowawayError> {
        // The simple query protocol takes a script of several statements and gives every value as text.
        let answer = self.client.simple_query(sql).await;
        let answer = answer.map_err(ThrowawayError::refused)?;
        let rows = answer.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|column| row.get(column).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        });
        Ok(rows.collect())
    }
}

/// Runs `sql` and returns the rows of all its statements.
///
/// It runs on a thread of its own with its own event loop, so that callers inside and outside of one can use it.
pub(super) fn run(
    socket_dir: &Path,
    user: &str,
    database: &str,
    sql: &str,
) -> Result<ScriptRows, ThrowawayError> {
    thread::scope(|scope| {
        let ask = || ClusterSession::open(socket_dir, user, database)?.ask(sql);
        let asking = thread::Builder::new()
            .spawn_scoped(scope, ask)
            .map_err(ThrowawayError::io("cannot start a thread for", socket_dir))?;
        asking
            .join()
            // A panic in the thread goes on in the caller, with its message.
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// An open session, for a caller that is in no event loop.
#[derive(Debug)]
pub struct ClusterSession {
    session: OpenSession,
    /// It ends with the connection, by which the server knows that nobody asks any more.
    runtime: Runtime,
}

impl ClusterSession {
    pub(super) fn open(
        socket_dir: &Path,
        user: &str,
        database: &str,
    ) -> Result<Self, ThrowawayError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ThrowawayError::io(
                "cannot start an event loop for",
                socket_dir,
            ))?;
        // What is asked of catalogues is planned as dear and takes a moment; to compile it takes 100 ms.
        let session = OpenSession::open(socket_dir, user, database, "-c jit=off");
        let session = runtime.block_on(session)?;
        Ok(Self { session, runtime })
    }

    /// Runs `sql` and returns the rows of all its statements.
    pub fn ask(&self, sql: &str) -> Result<ScriptRows, ThrowawayError> {
        self.runtime.block_on(self.session.ask(sql))
    }
}

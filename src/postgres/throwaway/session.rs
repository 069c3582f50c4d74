//! A session without the limits of a survey, for loading and observing.
//! Invariant: it reaches throwaway clusters only. Held by `ClusterSession::open`, which takes a socket directory and is
//! visible in this folder alone.

use std::path::Path;
use std::thread;

use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::ThrowawayError;

/// The rows of a script, each value as text; `None`: NULL.
pub type ScriptRows = Vec<Vec<Option<String>>>;

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
        scope
            .spawn(|| ClusterSession::open(socket_dir, user, database)?.ask(sql))
            .join()
            // A panic in the thread goes on in the caller, with its message.
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// An open session, for a caller that is in no event loop.
#[derive(Debug)]
pub struct ClusterSession {
    client: Client,
    /// It ends with the connection, by which the server knows that nobody asks any more.
    runtime: Runtime,
}

impl ClusterSession {
    pub(super) fn open(
        socket_dir: &Path,
        user: &str,
        database: &str,
    ) -> Result<Self, ThrowawayError> {
        let mut config = Config::new();
        config
            .host_path(socket_dir)
            .user(user)
            .dbname(database)
            // What is asked of catalogues is planned as dear and takes a moment; to compile it takes 100 ms.
            .options("-c jit=off")
            .application_name("drygate/throwaway");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ThrowawayError::io(
                "cannot start an event loop for",
                socket_dir,
            ))?;
        let connected = runtime.block_on(config.connect(NoTls));
        let (client, connection) = connected.map_err(ThrowawayError::refused)?;
        runtime.spawn(connection);
        Ok(Self { client, runtime })
    }

    /// Runs `sql` and returns the rows of all its statements.
    pub fn ask(&self, sql: &str) -> Result<ScriptRows, ThrowawayError> {
        // The simple query protocol takes a script of several statements and gives every value as text.
        let answer = self.runtime.block_on(self.client.simple_query(sql));
        let messages = answer.map_err(ThrowawayError::refused)?.into_iter();
        let rows = messages.filter_map(|message| match message {
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

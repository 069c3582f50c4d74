//! A session without the limits of a survey, for loading and observing.
//! Invariant: it reaches throwaway clusters only. Held by `OpenSession::open`, which takes a socket directory and is used for theirs
//! alone.

use std::path::Path;
use std::thread;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

use super::ThrowawayError;

/// The rows of a script, each value as text; `None`: NULL.
pub(super) type ScriptRows = Vec<Vec<Option<String>>>;

/// A session that stays open.
pub struct OpenSession {
    client: Client,
    connection: JoinHandle<Result<(), Error>>,
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
        let connection = tokio::spawn(connection);
        Ok(Self { client, connection })
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

    async fn close(self) {
        drop(self.client);
        // Waiting for the connection lets it say goodbye to the server. An error of it would have failed the query before.
        drop(self.connection.await);
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
    let once = async {
        let session = OpenSession::open(socket_dir, user, database, "").await?;
        let answer = session.ask(sql).await;
        session.close().await;
        answer
    };
    thread::scope(|scope| {
        scope
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(ThrowawayError::io(
                        "cannot start an event loop for",
                        socket_dir,
                    ))?;
                runtime.block_on(once)
            })
            .join()
            // A panic in the thread goes on in the caller, with its message.
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

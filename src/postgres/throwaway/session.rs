//! A session without the limits of a survey, for loading and observing.
//! Invariant: it reaches throwaway clusters only. Held by `run`, which takes a socket directory and is
//! visible in this folder alone.

use std::path::Path;
use std::thread;

use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use super::ThrowawayError;

/// The rows of a script, each value as text; `None`: NULL.
pub(super) type ScriptRows = Vec<Vec<Option<String>>>;

/// Runs `sql` and returns the rows of all its statements.
///
/// It runs on a thread of its own with its own event loop, so that callers inside and outside of one can use it.
pub(super) fn run(
    socket_dir: &Path,
    user: &str,
    database: &str,
    sql: &str,
) -> Result<ScriptRows, ThrowawayError> {
    let mut config = Config::new();
    config
        .host_path(socket_dir)
        .user(user)
        .dbname(database)
        .application_name("drygate/throwaway");
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
                runtime
                    .block_on(ask(&config, sql))
                    .map_err(ThrowawayError::refused)
            })
            .join()
            // A panic in the thread goes on in the caller, with its message.
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

async fn ask(config: &Config, sql: &str) -> Result<ScriptRows, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    // The simple query protocol takes a script of several statements and gives every value as text.
    let answer = client.simple_query(sql).await;
    drop(client);
    // Waiting for the connection lets it say goodbye to the server. An error of it would have failed the query before.
    drop(connection.await);
    let rows = answer?.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|column| row.get(column).map(str::to_owned))
                .collect(),
        ),
        _ => None,
    });
    Ok(rows.collect())
}

//! A session that may do anything, for loading and observing. Invariant: it reaches throwaway clusters only, by their socket.

use std::path::Path;
use std::thread;

use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use super::ThrowawayError;

/// The rows of one script, each value as text.
pub(super) type ScriptRows = Vec<Vec<Option<String>>>;

/// Runs `sql` and returns the rows of all its statements.
///
/// A thread of its own carries the runtime, so that callers inside and outside of a runtime may call it.
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
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

async fn ask(config: &Config, sql: &str) -> Result<ScriptRows, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let answer = client.simple_query(sql).await;
    drop(client);
    // Waiting for the connection sends the goodbye; its own failure would have failed the query before.
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

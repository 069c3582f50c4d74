//! Errors of throwaway clusters.
//! Invariant: text of the server is escaped before it becomes part of a message. Held by the callers of `escaped`, the only
//! places that take such text.

use std::io;
use std::path::{Path, PathBuf};

/// Why a throwaway cluster could not be started, loaded or asked.
#[derive(Debug, thiserror::Error)]
pub enum ThrowawayError {
    /// There is no `initdb` and `postgres` on this machine.
    #[error("no PostgreSQL server binaries (initdb, postgres) found; looked in {}", .searched.join(", "))]
    NoServer {
        /// Every place that was searched.
        searched: Vec<String>,
    },
    /// The server refuses to run as root, and there is no account to drop to.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`"
    )]
    NoUnprivilegedUser,
    /// `initdb` was run and failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// What it printed, escaped.
        output: String,
    },
    /// The server ended, or did not become ready in time.
    #[error("the throwaway server did not start ({reason}): {log}")]
    Start {
        /// What was waited for, or how the server ended.
        reason: &'static str,
        /// The last lines of its log, escaped.
        log: String,
    },
    /// A statement or a connection failed.
    #[error("the throwaway server refused: {message}")]
    Refused {
        /// SQLSTATE, message and detail of the server, escaped.
        message: String,
        /// The error of the driver.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A file or a process could not be handled.
    #[error("{doing} {}", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file, directory or program.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
}

impl ThrowawayError {
    /// What a person can do about it, in one line; `None`: no general advice.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NoServer { .. } => Some(
                "install a server (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql; \
                 `make setup` does it), or set DRYGATE_PG_BIN to the directory that holds initdb",
            ),
            Self::NoUnprivilegedUser => Some("run as a user other than root"),
            _ => None,
        }
    }

    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    /// An error of the driver with SQLSTATE, message and detail of the server, if it answered at all.
    pub(super) fn refused(source: tokio_postgres::Error) -> Self {
        let message = match source.as_db_error() {
            Some(error) => {
                let detail = error
                    .detail()
                    .map(|detail| format!(" ({detail})"))
                    .unwrap_or_default();
                format!("{} {}{detail}", error.code().code(), error.message())
            }
            None => source.to_string(),
        };
        Self::Refused {
            message: escaped(&message),
            source,
        }
    }
}

/// Printable text: line breaks stay, other control characters are written as escapes, so that no text of
/// the server controls the terminal.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.trim().chars() {
        if character.is_control() && character != '\n' {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

//! Why a throwaway cluster could not be had. Invariant: text of the server is escaped before it becomes part of a message.

use std::io;
use std::path::{Path, PathBuf};

/// Why a throwaway cluster could not be started, loaded or asked.
#[derive(Debug, thiserror::Error)]
pub enum ThrowawayError {
    /// There is no `initdb` and `postgres` on this machine.
    #[error("no PostgreSQL server binaries (initdb, postgres) found; looked in {}", .searched.join(", "))]
    NoServer {
        /// Every place that was looked at.
        searched: Vec<String>,
    },
    /// The server refuses to run as root, and there is no account to drop to.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`"
    )]
    NoUnprivilegedUser,
    /// `initdb` ran and failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// What it said, escaped.
        output: String,
    },
    /// The server ended, or did not become ready in time.
    #[error("the throwaway server did not start ({reason}): {log}")]
    Start {
        /// What was waited for.
        reason: &'static str,
        /// The last lines of its log, escaped.
        log: String,
    },
    /// A statement or a connection failed.
    #[error("the throwaway server refused: {message}")]
    Refused {
        /// SQLSTATE, message and detail of the server, escaped.
        message: String,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A file or process could not be handled.
    #[error("{doing} {}", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
}

impl ThrowawayError {
    /// The one line that helps, where there is one.
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

/// Printable text: line breaks stay, every other control character is written out.
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

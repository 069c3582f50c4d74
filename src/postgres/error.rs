//! What a failure of the server or the link means. Invariant: no secret is in any text made here.

use tokio_postgres::error::SqlState;

use super::secret::Secret;
use super::socket::TOO_MUCH;
use crate::runner::target::{BudgetUse, TargetError};

/// Why one call was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallError {
    /// The database cannot be used: link, deadline, a lock of another session, SQLSTATE 08, 53, 57, 58.
    Unavailable {
        /// What happened.
        message: String,
        /// What to do.
        hint: String,
        /// Whether the connection is still there, so that the end can be proven.
        connected: bool,
    },
    /// The server answered with an error of the statement.
    Refused {
        /// SQLSTATE.
        code: String,
        /// Its message.
        message: String,
    },
}

impl CallError {
    /// SQLSTATE and message, for the reason of an unknown fact.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Unavailable { message, .. } => message.clone(),
            Self::Refused { code, message } => format!("{code} {message}"),
        }
    }

    /// The link is lost, or a deadline of ours passed.
    pub(super) fn lost(message: impl Into<String>, hint: &str) -> Self {
        Self::Unavailable {
            message: message.into(),
            hint: hint.to_owned(),
            connected: false,
        }
    }

    /// No socket could be opened, or no name verified.
    pub(super) fn unreachable(error: &std::io::Error) -> Self {
        Self::lost(
            format!("error connecting to server: {}", chain(error)),
            LINK_HINT,
        )
    }

    /// The server sent more than may be held.
    pub(super) fn too_much() -> Self {
        Self::lost(
            TOO_MUCH,
            "check that it is the server you mean, then resume",
        )
    }

    /// A definition is newer than the snapshot: another transaction sees it.
    pub(super) fn changed_since_snapshot(relation: &str) -> Self {
        Self::Refused {
            code: SqlState::T_R_SERIALIZATION_FAILURE.code().to_owned(),
            message: format!("{relation} was changed since the snapshot was taken"),
        }
    }

    /// A budget of the profile is spent: nothing more is asked, and the end can still be proven.
    pub(super) fn over_budget(key: &str, limit: u64, spent: &str) -> Self {
        Self::Unavailable {
            message: format!("the survey was ended at {spent}: budgets.{key} is {limit}"),
            hint: format!(
                "resume when the server is less busy, or start a new run with a profile whose budgets.{key} allows it"
            ),
            connected: true,
        }
    }

    /// The budget of the whole run is spent: nothing more is asked, and the end can still be proven.
    pub(super) fn over_run(account: &BudgetUse) -> Self {
        Self::Unavailable {
            message: account.to_string(),
            hint: account.hint(),
            connected: true,
        }
    }

    /// What the driver reported.
    pub(super) fn from_driver(error: &tokio_postgres::Error, secret: Option<&Secret>) -> Self {
        let strip = |text: &str| secret.map_or_else(|| text.to_owned(), |s| s.strip(text));
        let Some(answer) = error.as_db_error() else {
            return Self::lost(strip(&chain(error)), LINK_HINT);
        };
        let code = answer.code().code();
        let message = shortened(strip(answer.message()));
        let is_of = |class: &&str| code.starts_with(*class);
        let goes_on = [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE];
        let connected = goes_on.contains(answer.code());
        if connected || ["08", "53", "57", "58"].iter().any(is_of) {
            return Self::Unavailable {
                message: format!("{code} {message}"),
                hint: hint(answer.code()).to_owned(),
                connected,
            };
        }
        Self::Refused {
            code: code.to_owned(),
            message,
        }
    }

    /// Whether the server said of the statement itself that it cannot be answered; else it may be answered later.
    pub(super) fn is_of_the_fact(&self) -> bool {
        !self.worth_another_try()
    }

    /// Whether the server could not serialize the transaction: another one may go through.
    pub(super) fn is_serialization(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "40001")
    }

    /// Whether trying again may help, within the bounds of the caller.
    pub(super) fn worth_another_try(&self) -> bool {
        matches!(self, Self::Unavailable { .. }) || self.is_serialization()
    }

    /// As the error of a whole survey.
    pub(super) fn into_target(self) -> TargetError {
        let later = self.worth_another_try();
        match self {
            Self::Unavailable { message, hint, .. } => TargetError::Unavailable { message, hint },
            Self::Refused { code, message } if later => TargetError::Unavailable {
                message: format!("{code} {message}"),
                hint: "resume when the server is less busy".to_owned(),
            },
            Self::Refused { code, message } => TargetError::Unfit(format!("{code} {message}")),
        }
    }

    /// As the error of a connection that was not made: every reason is one to go away and come back.
    pub(super) fn into_unconnected(self) -> TargetError {
        match self {
            Self::Refused { code, message } => TargetError::Unavailable {
                message: format!("{code} {message}"),
                hint: connect_hint(&code).to_owned(),
            },
            unavailable @ Self::Unavailable { .. } => unavailable.into_target(),
        }
    }
}

/// The longest text of a server that is kept of an error, in characters.
const MESSAGE_MAX: usize = 2_000;

fn shortened(message: String) -> String {
    match message.char_indices().nth(MESSAGE_MAX) {
        Some((end, _)) => format!("{} ...", &message[..end]),
        None => message,
    }
}

const LINK_HINT: &str = "check that the server is running and reachable, then resume";

fn hint(state: &SqlState) -> &'static str {
    if *state == SqlState::TOO_MANY_CONNECTIONS {
        "wait until connections are free, then resume"
    } else if *state == SqlState::QUERY_CANCELED {
        "raise timeouts.statement_ms of the profile, or resume when the server is less busy"
    } else if *state == SqlState::LOCK_NOT_AVAILABLE {
        "another session holds a lock on what is read; resume once it has let go"
    } else {
        LINK_HINT
    }
}

fn connect_hint(code: &str) -> &'static str {
    match code.get(..2).unwrap_or_default() {
        "28" => "check user, password (PGPASSFILE) and pg_hba.conf, then resume",
        "3D" => "check the name of the database, then resume",
        _ => "check the connection settings, then resume",
    }
}

/// An error with its causes, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

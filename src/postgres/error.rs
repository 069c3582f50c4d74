//! What an error of the server or of the connection means.
//! Invariant: no secret is in a text made here (`Secret::strip`), and only an answer about what was asked becomes the reason of
//! an unknown value (tests `only_an_answer_about_what_was_asked_has_no_kind`,
//! `what_keeps_a_database_away_is_never_a_reason_of_a_value`).

use thiserror::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::secret::Secret;
use crate::planted::{PlantedBug, planted};
use crate::runner::target::{BudgetUse, TargetError, Unavailable, UnavailableKind};

/// Why one call was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum CallError {
    /// The database could not be used now: nothing is said of what was asked.
    #[error("{why}")]
    Unavailable {
        /// What happened, and what to do.
        why: Unavailable,
        /// Whether the connection is still there, so that the end can be proven.
        connected: bool,
    },
    /// The server's answer is an error of what was asked.
    #[error(transparent)]
    Refused(UnknownReason),
}

/// Why a value is unknown: an answer about the value itself, never a lock, a deadline or a lost connection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum UnknownReason {
    /// The server's error about what was asked.
    #[error("{code} {message}")]
    Sql {
        /// SQLSTATE, five characters.
        code: String,
        /// Message text, cut to [`MESSAGE_MAX`] characters.
        message: String,
    },
    /// It may not be asked, or what was answered is no value.
    #[error("{0}")]
    NoValue(String),
}

impl From<String> for UnknownReason {
    fn from(reason: String) -> Self {
        Self::NoValue(reason)
    }
}

impl From<&str> for UnknownReason {
    fn from(reason: &str) -> Self {
        Self::NoValue(reason.to_owned())
    }
}

impl CallError {
    fn unavailable(kind: UnavailableKind, message: impl Into<String>, hint: &str) -> Self {
        Self::Unavailable {
            why: Unavailable {
                kind,
                message: message.into(),
                hint: hint.to_owned(),
            },
            connected: true,
        }
    }

    fn without_link(self) -> Self {
        match self {
            Self::Unavailable { why, .. } => Self::Unavailable {
                why,
                connected: false,
            },
            refused @ Self::Refused(_) => refused,
        }
    }

    /// The link is lost, or was never made.
    pub(super) fn lost(message: impl Into<String>, hint: &str) -> Self {
        Self::unavailable(UnavailableKind::Connection, message, hint).without_link()
    }

    /// A deadline of ours passed, and the link was dropped.
    pub(super) fn too_late(message: impl Into<String>) -> Self {
        let hint = "check the server and the network, then resume";
        Self::unavailable(UnavailableKind::Deadline, message, hint).without_link()
    }

    /// No socket could be opened, or no name verified.
    pub(super) fn unreachable(error: &std::io::Error) -> Self {
        let message = format!("error connecting to server: {}", chain(error));
        // What the name service answers has no kind of its own.
        let hint = if message.contains("lookup address") {
            "check the name of the host, then resume"
        } else if error.kind() == std::io::ErrorKind::NotFound {
            "check that the server is running and keeps its socket in that directory, then resume"
        } else {
            LINK_HINT
        };
        Self::lost(message, hint)
    }

    /// With the host that it came from.
    pub(super) fn at_host(self, host: &str) -> Self {
        match self {
            Self::Unavailable { why, connected } => Self::Unavailable {
                why: Unavailable {
                    message: format!("{host}: {}", why.message),
                    ..why
                },
                connected,
            },
            Self::Refused(UnknownReason::Sql { code, message }) => {
                Self::Refused(UnknownReason::Sql {
                    code,
                    message: format!("{message} ({host})"),
                })
            }
            Self::Refused(UnknownReason::NoValue(why)) => {
                Self::Refused(UnknownReason::NoValue(format!("{host}: {why}")))
            }
        }
    }

    /// A later host failed as well.
    pub(super) fn and_then_also(self, later: Self) -> Self {
        match (self, later) {
            (Self::Unavailable { why: earlier, .. }, Self::Unavailable { why, connected }) => {
                Self::Unavailable {
                    why: Unavailable {
                        message: format!("{}; {}", earlier.message, why.message),
                        ..why
                    },
                    connected,
                }
            }
            (_, later) => later,
        }
    }

    /// The server sent more than may be held.
    pub(super) fn too_much(mib: u64) -> Self {
        let message = format!("the server sent more than {mib} MiB for one question");
        let hint = "check that it is the server you mean, then resume";
        Self::unavailable(UnavailableKind::TooMuch, message, hint).without_link()
    }

    /// What the server sent could not be kept until all of it was there.
    pub(super) fn not_kept(error: &std::io::Error) -> Self {
        let message = format!("the directory for temporary files cannot be used: {error}");
        let hint = "make room there, or name another one with TMPDIR, then resume";
        Self::unavailable(UnavailableKind::TooMuch, message, hint)
    }

    /// A definition is newer than the snapshot: another transaction sees it.
    pub(super) fn changed_since_snapshot(relation: &str) -> Self {
        let code = SqlState::T_R_SERIALIZATION_FAILURE.code();
        let message = format!("{code} {relation} was changed since the snapshot was taken");
        Self::unavailable(UnavailableKind::Conflict, message, LATER_HINT)
    }

    /// A budget of the profile is spent: nothing more is asked, and the end can still be proven.
    pub(super) fn over_budget(key: &str, limit: u64, spent: &str) -> Self {
        let message = format!("the survey was ended at {spent}: budgets.{key} is {limit}");
        let hint = format!(
            "resume when the server is less busy, or start a new run with a profile whose budgets.{key} allows it"
        );
        Self::unavailable(UnavailableKind::Budget, message, &hint)
    }

    /// The budget of the whole run is spent: nothing more is asked, and the end can still be proven.
    pub(super) fn over_run(account: &BudgetUse) -> Self {
        Self::Unavailable {
            why: Unavailable::over_run(account),
            connected: true,
        }
    }

    /// What the driver reported inside a session.
    pub(super) fn from_driver(error: &tokio_postgres::Error, secret: Option<&Secret>) -> Self {
        let is_fatal = |answer: &DbError| {
            matches!(
                answer.parsed_severity(),
                // Whatever its code: the server has ended the session.
                Some(Severity::Fatal | Severity::Panic)
            )
        };
        Self::reported(error, secret, is_fatal)
    }

    /// What the driver reported while a session was made, where every error is fatal and most are about the settings. No query of
    /// ours has run then: a function that raised an error is one of a login trigger.
    pub(super) fn at_startup(error: &tokio_postgres::Error, secret: Option<&Secret>) -> Self {
        let reported = Self::reported(error, secret, |_| false);
        let function = error
            .as_db_error()
            .and_then(DbError::where_)
            .and_then(function_in);
        match (reported, function) {
            (Self::Refused(UnknownReason::Sql { code, message }), Some(function)) => {
                let message =
                    format!("{message} (by the login trigger of the database, {function})");
                Self::Refused(UnknownReason::Sql { code, message })
            }
            (reported, _) => reported,
        }
    }

    fn reported(
        error: &tokio_postgres::Error,
        secret: Option<&Secret>,
        ends_session: impl Fn(&DbError) -> bool,
    ) -> Self {
        let strip = |text: &str| secret.map_or_else(|| text.to_owned(), |s| s.strip(text, false));
        let Some(answer) = error.as_db_error() else {
            return Self::lost(strip(&chain(error)), LINK_HINT);
        };
        let code = answer.code().code();
        let message = shortened(strip(answer.message()));
        let by_code = kind_of(code);
        let ended = ends_session(answer).then_some(UnavailableKind::Server);
        let Some(kind) = by_code.or(ended) else {
            return Self::Refused(UnknownReason::Sql {
                code: code.to_owned(),
                message,
            });
        };
        let failed = Self::unavailable(kind, format!("{code} {message}"), hint(kind, code));
        match answer.parsed_severity() {
            // FATAL and PANIC end the session.
            Some(Severity::Error) => failed,
            _ => failed.without_link(),
        }
    }

    /// With the name of what was being read, where that is what somebody looks for.
    pub(super) fn reading(self, what: &str) -> Self {
        let Self::Unavailable { why, connected } = self else {
            return self;
        };
        let said = &why.message;
        let message = match why.kind {
            UnavailableKind::Lock => {
                format!("{what} could not be read: locked by another session ({said})")
            }
            UnavailableKind::Deadline | UnavailableKind::Conflict => {
                format!("{what} could not be read: {said}")
            }
            _ => said.clone(),
        };
        Self::Unavailable {
            why: Unavailable { message, ..why },
            connected,
        }
    }

    /// The reason of an unknown value; an error ends the survey, because it says nothing of the value.
    pub(super) fn of_the_value(self) -> Result<UnknownReason, TargetError> {
        match self {
            Self::Refused(reason) => Ok(reason),
            Self::Unavailable { why, .. } => Err(why.into()),
        }
    }

    /// As the error of a whole survey.
    pub(super) fn into_target(self) -> TargetError {
        match self {
            Self::Unavailable { why, .. } => why.into(),
            Self::Refused(reason) => TargetError::Unfit(reason.to_string()),
        }
    }

    /// As the error of a connection that was not made: every reason is one to go away and come back.
    pub(super) fn into_unconnected(self) -> Unavailable {
        match self {
            Self::Unavailable { why, .. } => why,
            Self::Refused(reason) => Unavailable {
                kind: UnavailableKind::Connection,
                hint: connect_hint(&reason).to_owned(),
                message: reason.to_string(),
            },
        }
    }
}

/// `PL/pgSQL function public.note()`: the outermost function that the context of an error names.
fn function_in(context: &str) -> Option<String> {
    let calls = context.lines().rev();
    let call = calls
        .map(str::trim)
        .find(|line| line.contains("function "))?;
    let end = call.find(" line ").unwrap_or(call.len());
    Some(shortened(call[..end].to_owned()))
}

/// The kind of a SQLSTATE that says nothing of what was asked; `None`: it is an answer about that.
fn kind_of(code: &str) -> Option<UnavailableKind> {
    match code {
        "55P03" if planted(PlantedBug::LockReadAsFail) => None,
        "55P03" => Some(UnavailableKind::Lock),
        "57014" | "25P03" | "25P04" => Some(UnavailableKind::Deadline),
        // On a standby class 40 is a conflict with replay; a transaction of ours could not be told apart by it.
        _ => match code.get(..2)? {
            "40" | "72" => Some(UnavailableKind::Conflict),
            "08" => Some(UnavailableKind::Connection),
            "53" | "57" | "58" => Some(UnavailableKind::Server),
            _ => None,
        },
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
/// PgBouncer gives every refusal of its own this code.
const POOLER_HINT: &str = "a pooler answered: check role, database and password against what it knows, and what its ignore_startup_parameters lets through, then resume";
const LATER_HINT: &str = "resume when the server is less busy";
/// A serialization failure of a transaction that only reads comes from the replay of a standby.
const REPLAY_HINT: &str = "survey a standby with a longer max_standby_streaming_delay or with hot_standby_feedback, or the primary, or resume when less is replayed";

fn hint(kind: UnavailableKind, code: &str) -> &'static str {
    match kind {
        UnavailableKind::Lock => {
            "another session holds a lock on what is read; resume once it has let go"
        }
        UnavailableKind::Deadline if code == SqlState::QUERY_CANCELED.code() => {
            "raise timeouts.statement_ms of the profile, or resume when the server is less busy"
        }
        UnavailableKind::Conflict if code == SqlState::T_R_SERIALIZATION_FAILURE.code() => {
            REPLAY_HINT
        }
        UnavailableKind::Deadline | UnavailableKind::Conflict => LATER_HINT,
        _ if code == SqlState::TOO_MANY_CONNECTIONS.code() => {
            "wait until connections are free, then resume"
        }
        _ if code == SqlState::PROTOCOL_VIOLATION.code() => POOLER_HINT,
        _ => LINK_HINT,
    }
}

fn connect_hint(reason: &UnknownReason) -> &'static str {
    if matches!(reason, UnknownReason::Sql { message, .. } if message.contains("no encryption")) {
        return "the server lets this user in over TLS alone: say sslmode=require or verify-full, then resume";
    }
    let code = match reason {
        UnknownReason::Sql { code, .. } => code.as_str(),
        UnknownReason::NoValue(_) => "",
    };
    if code == SqlState::READ_ONLY_SQL_TRANSACTION.code() {
        return "our sessions are read only: let the trigger leave this role alone (CREATE EVENT TRIGGER ... ON login), then resume";
    }
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

#[cfg(test)]
mod tests {
    use super::{CallError, UnavailableKind, kind_of};
    use crate::runner::target::TargetError;

    #[test]
    fn only_an_answer_about_what_was_asked_has_no_kind() {
        let kinds = [
            ("55P03", UnavailableKind::Lock),
            ("57014", UnavailableKind::Deadline),
            ("25P03", UnavailableKind::Deadline),
            ("25P04", UnavailableKind::Deadline),
            ("40001", UnavailableKind::Conflict),
            ("40P01", UnavailableKind::Conflict),
            ("08006", UnavailableKind::Connection),
            ("53200", UnavailableKind::Server),
            ("57P01", UnavailableKind::Server),
            ("58030", UnavailableKind::Server),
        ];
        for (code, kind) in kinds {
            assert_eq!(kind_of(code), Some(kind), "{code}");
        }
        for code in [
            "42501", "42P01", "22012", "22P02", "25P02", "55000", "XX000", "",
        ] {
            assert_eq!(kind_of(code), None, "{code}");
        }
    }

    #[test]
    fn what_keeps_a_database_away_is_never_a_reason_of_a_value() {
        let moved = CallError::changed_since_snapshot("public.v").reading("fact one");
        let error = moved.of_the_value().expect_err("it is about the snapshot");
        assert!(
            matches!(&error, TargetError::Unavailable(why) if why.kind.may_pass_soon()
                && why.message.starts_with("fact one could not be read: 40001 public.v")),
            "{error:?}"
        );
        let refused = CallError::Refused("no row".into());
        assert_eq!(refused.of_the_value(), Ok("no row".into()));
    }
}

//! Opening a connection.
//! Invariant: our settings are in the startup packet, before any login trigger or role setting can run (`startup_options`), unless a
//! pooler refuses them there; the first statement of each transaction sets them again. Every wait has a limit.

use std::future::poll_fn;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Config, Connection};

use super::error::CallError;
use super::hosts::HostAddress;
use super::passfile::unread;
use super::settings::{ConnectionSettings, ServerRole};
use super::socket::{Endpoint, ReadAllowance};
use super::statement_record::StatementRecord;
use super::tls::{StartError, Transport};
use super::tls_settings::TlsSettings;
use super::wire::{ConnectionRoute, Wire};
use crate::profile::{Budgets, Timeouts, TlsMode};
use crate::runner::target::TargetError;

/// Longest `application_name` in bytes that a server keeps (NAMEDATALEN - 1).
const NAME_MAX: usize = 63;

/// Pauses between the tries of one connect.
const BACKOFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// What a connection needs beside its settings.
#[derive(Debug, Clone)]
pub(super) struct ConnectOptions {
    /// `drygate/<run_id>`, shown in `pg_stat_activity`.
    pub(super) application_name: String,
    /// Protection that the profile asks for.
    pub(super) tls: TlsMode,
    /// Timeouts of the profile, in milliseconds.
    pub(super) timeouts: Timeouts,
    /// Budgets of one survey.
    pub(super) budgets: Budgets,
    /// Largest answer to one question, in bytes.
    pub(super) answer_bytes_max: u64,
    /// Record of every statement that is sent.
    pub(super) record: StatementRecord,
}

/// Connects to the first host that is reached and fits, trying the whole list three times at the most.
pub(super) async fn connect(
    settings: &ConnectionSettings,
    options: &ConnectOptions,
) -> Result<Wire, TargetError> {
    let mut transports = Vec::new();
    for server in &settings.hosts {
        transports.push(protected_as(server, &settings.tls, options.tls)?);
    }
    let hosts: Vec<_> = settings.hosts.iter().zip(&transports).collect();
    let mut pauses = BACKOFF.iter();
    loop {
        match try_hosts(settings, options, &hosts).await {
            Ok(wire) => return Ok(wire),
            Err(error) => match pauses.next() {
                Some(pause) if matches!(error, CallError::Unavailable { .. }) => {
                    sleep(*pause).await;
                }
                _ => return Err(error.into_unconnected().into()),
            },
        }
    }
}

/// One try of each host in turn; the error names those that were tried.
async fn try_hosts(
    settings: &ConnectionSettings,
    options: &ConnectOptions,
    hosts: &[(&HostAddress, &Transport)],
) -> Result<Wire, CallError> {
    // A standby is looked for on all hosts before another server is taken.
    let passes: &[ServerRole] = match settings.server_role {
        ServerRole::PreferStandby => &[ServerRole::Standby, ServerRole::Any],
        ref wanted => std::slice::from_ref(wanted),
    };
    let mut failed: Option<CallError> = None;
    for wanted in passes {
        failed = None;
        for (server, transport) in hosts {
            let reached = try_once(settings, options, server, transport).await;
            let tried = match reached {
                Ok(wire) => fitting(wire, *wanted, server),
                Err(error) => Err(error),
            };
            let error = match tried {
                Ok(wire) => return Ok(wire),
                Err(error) => error,
            };
            tracing::warn!(reason = ?error.to_string(), "no connection");
            let error = match failed.take() {
                Some(earlier) => earlier.and_then_also(error),
                None => error,
            };
            // As libpq: who is refused by a server that answered asks no other one.
            if matches!(error, CallError::Refused(_)) {
                return Err(error);
            }
            failed = Some(error);
        }
    }
    Err(failed
        .unwrap_or_else(|| CallError::lost("no host is named", "name one with --database-url")))
}

/// The connection, if its server is in the state that `target_session_attrs` asks for.
fn fitting(wire: Wire, wanted: ServerRole, server: &HostAddress) -> Result<Wire, CallError> {
    let (must_recover, is) = match wanted {
        ServerRole::Any | ServerRole::PreferStandby => return Ok(wire),
        ServerRole::Primary => (
            false,
            "a standby, and target_session_attrs asks for a primary",
        ),
        ServerRole::Standby => (
            true,
            "a primary, and target_session_attrs asks for a standby",
        ),
    };
    // The server says so by itself since PostgreSQL 14: nothing is asked before its own parts were looked at.
    let is = match wire.in_recovery() {
        Some(recovers) if recovers == must_recover => return Ok(wire),
        Some(_) => is,
        None => {
            "silent about being a standby (PostgreSQL 13, or a pooler): leave target_session_attrs out"
        }
    };
    Err(CallError::lost(
        format!("{} is {is}", server.named()),
        "name the host of such a server, then resume",
    ))
}

/// Chooses the transport: local ways are not encrypted unless asked for; a weaker one than the profile's is refused.
pub(super) fn protected_as(
    server: &HostAddress,
    tls: &TlsSettings,
    profile: TlsMode,
) -> Result<Transport, TargetError> {
    if server.is_unix_socket() {
        return Ok(Transport::UnixSocket);
    }
    let mode = match tls.mode {
        None if server.is_local() => TlsMode::Disable,
        None => profile,
        Some(asked) if !server.is_local() && strength(asked) < strength(profile) => {
            return Err(TargetError::Unfit(
                "the connection asks for weaker protection (sslmode) than the profile's target.tls; only the profile may weaken it"
                    .to_owned(),
            ));
        }
        Some(asked) => asked,
    };
    Transport::tcp(mode, tls).map_err(|error| TargetError::Unfit(error.to_string()))
}

fn strength(mode: TlsMode) -> u8 {
    match mode {
        TlsMode::Disable => 0,
        TlsMode::Require => 1,
        TlsMode::VerifyCa => 2,
        TlsMode::VerifyFull => 3,
    }
}

/// Whether a pooler refuses settings in the startup packet, as PgBouncer does where `ignore_startup_parameters` does not name them:
/// "unsupported startup parameter: options", "unsupported startup parameter in options: row_security".
fn refuses_options(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|answer| {
        *answer.code() == SqlState::PROTOCOL_VIOLATION
            && answer
                .message()
                .starts_with("unsupported startup parameter")
            && answer.message().contains("options")
    })
}

fn without_password(file: &Path) -> String {
    let what = unread(file).unwrap_or("has none for this host, port, database and user");
    format!("and the password file {} {what}", file.display())
}

async fn try_once(
    settings: &ConnectionSettings,
    options: &ConnectOptions,
    server: &HostAddress,
    transport: &Transport,
) -> Result<Wire, CallError> {
    let limit = settings
        .connect_timeout
        .unwrap_or(Duration::from_millis(options.timeouts.connect_ms));
    let (host, port) = (server.host.as_str(), server.port);
    let (user, database) = (settings.user.as_str(), settings.database.as_str());
    tracing::debug!(
        host,
        port,
        user,
        database,
        tls = transport.name(),
        "connecting"
    );
    let began = Instant::now();
    let config = startup(settings, options, server, transport);
    let endpoint = Endpoint::of(server, settings);
    let allowance = ReadAllowance::of_startup(options.answer_bytes_max);
    let attempt = async {
        let socket = endpoint.open(allowance.clone()).await?;
        let refused = match transport.start(&config, &endpoint.host, socket).await {
            // What the connection asks for itself cannot be set later.
            Err(StartError::Driver(error))
                if settings.options.is_none() && refuses_options(&error) =>
            {
                error
            }
            started => return started,
        };
        tracing::warn!(
            reason = ?refused.to_string(),
            "a pooler refuses settings at startup: they are set by the first statement of each transaction"
        );
        let plain = identity(settings, options, server, transport);
        let socket = endpoint.open(allowance.clone()).await?;
        transport.start(&plain, &endpoint.host, socket).await
    };
    // One limit over socket, TLS handshake and authentication together.
    let Ok(connected) = timeout(limit, attempt).await else {
        return Err(CallError::lost(
            format!(
                "{}: no connection within {} ms",
                server.named(),
                limit.as_millis()
            ),
            "check host, port and network, then resume",
        ));
    };
    let secret = server.password.clone();
    match connected {
        Ok((client, link)) => {
            let took_ms = began.elapsed().as_millis();
            tracing::info!(host, port, user, database, tls = transport.name(), %took_ms, "connected");
            Ok(Wire::new(
                client,
                link,
                ConnectionRoute {
                    transport: transport.clone(),
                    endpoint,
                    allowance,
                },
                secret,
                Duration::from_millis(options.timeouts.statement_ms) + GRACE,
                options.record.clone(),
            ))
        }
        Err(StartError::Driver(error)) => {
            let failed = CallError::at_startup(&error, secret.as_ref());
            // tokio-postgres has no error kind for a missing password, only this text.
            let no_password = failed.to_string().contains("password missing");
            Err(match settings.passfile.as_deref() {
                Some(file) if no_password => CallError::lost(
                    format!("the server asks for a password, {}", without_password(file)),
                    "put it back, or name another one with PGPASSFILE and --database-url, then resume",
                ),
                _ if no_password => CallError::lost(
                    "the server asks for a password, and none is at hand".to_owned(),
                    "write it into ~/.pgpass or a file that PGPASSFILE names, or set PGPASSWORD, then resume",
                )
                .at_host(&server.named()),
                _ => failed.at_host(&server.named()),
            })
        }
        Err(StartError::Socket(error)) => {
            Err(CallError::unreachable(&error).at_host(&server.named()))
        }
    }
}

/// How much longer than the server's own limit we wait for an answer.
const GRACE: Duration = Duration::from_secs(2);

/// A connection being driven, and what the server warned of.
pub(super) struct Link {
    /// The task that reads and writes the socket.
    pub(super) task: JoinHandle<()>,
    /// Whether the server warned that a BEGIN or ROLLBACK did not fit the state of the transaction (class 25).
    pub(super) misplaced: Arc<AtomicBool>,
    /// What ended it, once it ended: the server may say so while nothing is asked.
    pub(super) ended_by: Arc<OnceLock<tokio_postgres::Error>>,
    /// Whether the server was in recovery when it let us in; `None`: it does not say.
    pub(super) in_recovery: Option<bool>,
    /// Told of each notification (NOTIFY) that the server sends.
    pub(super) notified: Arc<Notify>,
}

/// Spawns the task that drives a connection until it ends.
pub(super) fn drive<S, T>(mut link: Connection<S, T>) -> Link
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let in_recovery = link.parameter("in_hot_standby").map(|value| value == "on");
    let misplaced = Arc::new(AtomicBool::new(false));
    let ended_by = Arc::new(OnceLock::new());
    let (seen, last_words) = (Arc::clone(&misplaced), Arc::clone(&ended_by));
    let notified = Arc::new(Notify::new());
    let tells = Arc::clone(&notified);
    // A lost link ends the loop and shows as an error of the call that waits for it.
    let task = tokio::spawn(async move {
        while let Some(told) = poll_fn(|cx| link.poll_message(cx)).await {
            match told {
                // Class 25, invalid transaction state: "there is already a transaction in progress", "there is no transaction
                // in progress".
                Ok(AsyncMessage::Notice(notice)) if notice.code().code().starts_with("25") => {
                    seen.store(true, Ordering::SeqCst);
                }
                Ok(AsyncMessage::Notification(_)) => tells.notify_one(),
                Ok(_) => {}
                Err(error) => {
                    last_words.get_or_init(|| error);
                    break;
                }
            }
        }
    });
    Link {
        task,
        misplaced,
        ended_by,
        in_recovery,
        notified,
    }
}

/// Who asks for which database, with our settings.
fn startup(
    settings: &ConnectionSettings,
    options: &ConnectOptions,
    server: &HostAddress,
    transport: &Transport,
) -> Config {
    let mut config = identity(settings, options, server, transport);
    // The last of two settings with one name wins in the server: ours.
    config.options(match &settings.options {
        Some(named) => format!("{named} {}", startup_options(&options.timeouts)),
        None => startup_options(&options.timeouts),
    });
    config
}

/// Who asks for which database.
fn identity(
    settings: &ConnectionSettings,
    options: &ConnectOptions,
    server: &HostAddress,
    transport: &Transport,
) -> Config {
    identity_of(settings, server, transport, &options.application_name)
}

/// The same under a name that `pg_stat_activity` shows.
pub(super) fn identity_of(
    settings: &ConnectionSettings,
    server: &HostAddress,
    transport: &Transport,
    application_name: &str,
) -> Config {
    let mut config = Config::new();
    let mode = match transport {
        Transport::UnixSocket | Transport::PlainTcp => SslMode::Disable,
        Transport::Tls(..) => SslMode::Require,
    };
    config
        .dbname(&settings.database)
        .user(&settings.user)
        .ssl_mode(mode)
        .channel_binding(settings.channel_binding)
        .application_name(shortened(&match &settings.application_name {
            // Ours first: whoever looks at the server finds the sessions of a run.
            Some(named) => format!("{application_name} {named}"),
            None => application_name.to_owned(),
        }));
    if let Some(password) = &server.password {
        config.password(password.reveal());
    }
    config
}

/// The settings of the startup packet. Nothing may follow `search_path=`.
fn startup_options(timeouts: &Timeouts) -> String {
    format!(
        "-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read -c row_security=off \
         -c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout=30000 -c jit=off \
         -c max_parallel_workers_per_gather=0 -c DateStyle=ISO -c IntervalStyle=iso_8601 -c TimeZone=UTC \
         -c extra_float_digits=3 -c bytea_output=hex -c standard_conforming_strings=on -c synchronize_seqscans=off \
         -c search_path=",
        timeouts.statement_ms, timeouts.lock_ms
    )
}

fn shortened(name: &str) -> &str {
    let fits = |end: &usize| name.is_char_boundary(*end);
    let end = (0..=NAME_MAX.min(name.len())).rev().find(fits);
    &name[..end.unwrap_or(0)]
}

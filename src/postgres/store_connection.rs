//! A connection to a run store: a server of the team that runs are kept in, never the one that is surveyed. It may write, so nothing
//! of it is shared with a survey but sockets, TLS and the settings of a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::Client;

use super::connect::{Link, identity_of, protected_as};
use super::error::CallError;
use super::settings::ConnectionSettings;
use super::socket::{Endpoint, ReadAllowance};
use super::tls::StartError;
use crate::profile::TlsMode;

/// Largest answer to one question to a store, in bytes: a part of a file has 1 MiB, lines are asked for by 4 MiB.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// An open connection to a run store. Nothing is set at its start, so that a pooler may stand in front.
pub struct StoreConnection {
    client: Client,
    link: Link,
    allowance: ReadAllowance,
}

impl StoreConnection {
    /// Connects to the first host that lets us in within `limit`. The error is a sentence without a secret.
    pub async fn open(settings: &ConnectionSettings, limit: Duration) -> Result<Self, String> {
        let mut failed = Vec::new();
        for server in &settings.hosts {
            // Whoever names the store says how it is protected; no profile speaks of it.
            let protection = settings.tls.mode.unwrap_or(TlsMode::VerifyFull);
            let transport = protected_as(server, &settings.tls, protection)
                .map_err(|error| error.to_string())?;
            let config = identity_of(settings, server, &transport, "drygate store");
            let endpoint = Endpoint::of(server, settings);
            let allowance = ReadAllowance::of_startup(ANSWER_BYTES_MAX);
            let attempt = async {
                let socket = endpoint.open(allowance.clone()).await?;
                transport.start(&config, &endpoint.host, socket).await
            };
            let secret = server.password.as_ref();
            let error = match timeout(limit, attempt).await {
                Ok(Ok((client, link))) => {
                    return Ok(Self {
                        client,
                        link,
                        allowance,
                    });
                }
                Ok(Err(StartError::Driver(error))) => CallError::at_startup(&error, secret),
                Ok(Err(StartError::Socket(error))) => CallError::unreachable(&error),
                Err(_) => {
                    CallError::lost(format!("no connection within {} ms", limit.as_millis()), "")
                }
            };
            failed.push(format!("{}: {error}", server.named()));
        }
        Err(failed.join("; "))
    }

    /// The client, for one question more.
    pub fn client(&self) -> &Client {
        self.allowance.grant();
        &self.client
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Told whenever the server notifies of a channel that this connection listens to.
    pub fn notified(&self) -> Arc<Notify> {
        self.link.notified.clone()
    }
}

impl Drop for StoreConnection {
    fn drop(&mut self) {
        self.link.task.abort();
    }
}

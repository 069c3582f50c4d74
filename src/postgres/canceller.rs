//! Ends the statement that a connection waits for, from outside of it. Invariant: a request has a limit of its own (`CANCEL_LIMIT`).

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::CancelToken;

use super::socket::{Endpoint, PER_QUESTION, ReadAllowance};
use super::tls::Transport;

/// How long a cancel request may take.
const CANCEL_LIMIT: Duration = Duration::from_millis(500);

/// Ends the statement that a connection waits for.
pub(super) struct Canceller {
    token: CancelToken,
    transport: Transport,
    endpoint: Endpoint,
}

impl Canceller {
    /// From the token of a connection, and the way to its server.
    pub(super) fn new(token: CancelToken, transport: Transport, endpoint: Endpoint) -> Self {
        Self {
            token,
            transport,
            endpoint,
        }
    }

    /// Whether the server took the request, within a limit of its own. PostgreSQL takes it on a connection of its own.
    pub(super) async fn cancel(&self) -> bool {
        let request = async {
            let allowance = ReadAllowance::of_startup(PER_QUESTION);
            let socket = self.endpoint.open(allowance).await?;
            let transport = &self.transport;
            transport
                .cancel(&self.token, &self.endpoint.host, socket)
                .await
        };
        matches!(timeout(CANCEL_LIMIT, request).await, Ok(Ok(())))
    }
}

//! Protection of a connection: Unix socket, plain TCP, TLS. To a host that is not local it is verified unless the profile says
//! otherwise (`connect::transport`), and what was used is recorded by `Transport::name`.

use std::io;

use thiserror::Error;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect::{Link, drive};
use super::settings::SettingsError;
use super::socket::Metered;
use super::tls_config::client_config;
use super::tls_settings::TlsSettings;
use crate::profile::TlsMode;

/// Transport and protection of a connection.
#[derive(Clone)]
pub(super) enum Transport {
    /// Unix socket of this machine.
    UnixSocket,
    /// TCP without encryption.
    PlainTcp,
    /// TLS, with what was verified.
    Tls(MakeRustlsConnect, TlsMode),
}

impl Transport {
    /// TCP protected as `mode` says.
    pub(super) fn tcp(mode: TlsMode, settings: &TlsSettings) -> Result<Self, SettingsError> {
        Ok(match mode {
            TlsMode::Disable => Self::PlainTcp,
            mode => Self::Tls(MakeRustlsConnect::new(client_config(mode, settings)?), mode),
        })
    }

    /// Its name in `ServerIdentity::transport`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::UnixSocket => "unix socket",
            Self::PlainTcp | Self::Tls(_, TlsMode::Disable) => "plain TCP",
            Self::Tls(_, TlsMode::Require) => "TLS, not verified",
            Self::Tls(_, TlsMode::VerifyCa) => "TLS verify-ca",
            Self::Tls(_, TlsMode::VerifyFull) => "TLS verify-full",
        }
    }

    /// Starts a session over an open socket.
    pub(super) async fn start(
        &self,
        config: &Config,
        host: &str,
        socket: Metered,
    ) -> Result<(Client, Link), StartError> {
        match self {
            Self::UnixSocket | Self::PlainTcp => {
                let (client, link) = config.connect_raw(socket, NoTls).await?;
                Ok((client, drive(link)))
            }
            Self::Tls(tls, _) => {
                let (client, link) = config.connect_raw(socket, connector(tls, host)?).await?;
                Ok((client, drive(link)))
            }
        }
    }

    /// Sends a cancel request the same way.
    pub(super) async fn cancel(
        &self,
        token: &CancelToken,
        host: &str,
        socket: Metered,
    ) -> Result<(), StartError> {
        match self {
            Self::UnixSocket | Self::PlainTcp => Ok(token.cancel_query_raw(socket, NoTls).await?),
            Self::Tls(tls, _) => Ok(token
                .cancel_query_raw(socket, connector(tls, host)?)
                .await?),
        }
    }
}

type Connector = <MakeRustlsConnect as MakeTlsConnect<Metered>>::TlsConnect;

fn connector(tls: &MakeRustlsConnect, host: &str) -> io::Result<Connector> {
    MakeTlsConnect::<Metered>::make_tls_connect(&mut tls.clone(), host).map_err(io::Error::other)
}

/// Why a session or a cancel request did not start.
#[derive(Debug, Error)]
pub(super) enum StartError {
    /// Error of the driver.
    #[error(transparent)]
    Driver(#[from] tokio_postgres::Error),
    /// The socket or the certificate's name says so.
    #[error(transparent)]
    Socket(#[from] io::Error),
}

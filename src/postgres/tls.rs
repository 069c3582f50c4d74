//! Protection of a connection: Unix socket, plain TCP, TLS. To a host that is not local it is verified unless the profile says
//! otherwise (`connect::transport`), and what was used is recorded by `Transport::name`.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect::{Link, drive};
use super::settings::SettingsError;
use super::socket::Metered;
use crate::profile::TlsMode;

/// Transport and protection of a connection.
#[derive(Clone)]
pub(super) enum Transport {
    /// Unix socket of this machine.
    UnixSocket,
    /// TCP without encryption.
    PlainTcp,
    /// TLS, certificate and name verified.
    VerifiedTls(MakeRustlsConnect),
    /// TLS, certificate and name not verified.
    UnverifiedTls(MakeRustlsConnect),
}

impl Transport {
    /// TCP protected as `mode` says; `roots` is a file of trusted certificates, else those of the system.
    pub(super) fn tcp(mode: TlsMode, roots: Option<&Path>) -> Result<Self, SettingsError> {
        Ok(match mode {
            TlsMode::Disable => Self::PlainTcp,
            TlsMode::Require => Self::UnverifiedTls(MakeRustlsConnect::new(unverified()?)),
            TlsMode::VerifyFull => Self::VerifiedTls(MakeRustlsConnect::new(verified(roots)?)),
        })
    }

    /// Its name in `ServerIdentity::transport`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::UnixSocket => "unix socket",
            Self::PlainTcp => "plain TCP",
            Self::VerifiedTls(_) => "TLS verify-full",
            Self::UnverifiedTls(_) => "TLS, not verified",
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
            Self::VerifiedTls(tls) | Self::UnverifiedTls(tls) => {
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
            Self::VerifiedTls(tls) | Self::UnverifiedTls(tls) => Ok(token
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

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, SettingsError> {
    // The provider is named here and not installed for the whole process.
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls(error.to_string()))
}

fn verified(roots: Option<&Path>) -> Result<ClientConfig, SettingsError> {
    let mut store = RootCertStore::empty();
    let trusted = match roots {
        Some(file) => file_roots(file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    store.add_parsable_certificates(trusted);
    // Without this every handshake would fail with an error about an unknown issuer.
    if store.is_empty() {
        return Err(SettingsError::Tls(
            "there is no trusted root certificate; name one with sslrootcert or PGSSLROOTCERT"
                .to_owned(),
        ));
    }
    Ok(builder()?
        .with_root_certificates(store)
        .with_no_client_auth())
}

fn file_roots(file: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let unreadable = |why: String| SettingsError::Tls(format!("sslrootcert: {why}"));
    let text = fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    // A file of roots may hold several certificates; one that does not parse refuses the file.
    CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(error.to_string()))
}

fn unverified() -> Result<ClientConfig, SettingsError> {
    let verifier = AcceptAny(ring::default_provider());
    Ok(builder()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Accepts any certificate, as `sslmode=require` means; the handshake's signatures are still checked.
#[derive(Debug)]
struct AcceptAny(CryptoProvider);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

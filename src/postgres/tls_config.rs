//! TLS of a connection to PostgreSQL as rustls is asked for it: what is verified, revocations, the client's certificate.
//! Invariant: only `sslmode=require` without trusted roots takes a certificate unseen (`Lenient`); the signatures of the
//! handshake are checked always.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime,
};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use super::settings::SettingsError;
use super::tls_settings::{ClientCertificate, TlsSettings};
use crate::profile::TlsMode;

/// The configuration of a client that verifies what `mode` says.
pub(super) fn client_config(
    mode: TlsMode,
    settings: &TlsSettings,
) -> Result<ClientConfig, SettingsError> {
    let failed = |error: &dyn std::fmt::Display| SettingsError::Tls(error.to_string());
    let spoken = [
        (settings.versions.v1_2, &TLS12),
        (settings.versions.v1_3, &TLS13),
    ];
    let versions: Vec<&SupportedProtocolVersion> = spoken
        .into_iter()
        .filter_map(|(on, version)| on.then_some(version))
        .collect();
    // The provider is named here and not installed for the whole process.
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match mode {
        TlsMode::Disable | TlsMode::Require => Lenient::new(None),
        TlsMode::VerifyCa => Lenient::new(Some(trusted(settings)?)),
        TlsMode::VerifyFull => trusted(settings)?,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &settings.client_certificate {
        None => builder.with_no_client_auth(),
        Some(own) => builder
            .with_client_auth_cert(read_all("sslcert", &own.certificate)?, private_key(own)?)
            .map_err(|error| failed(&error))?,
    };
    config.enable_sni = settings.sends_host_name;
    Ok(config)
}

/// Verifies chain, name and revocations against the named roots, else those of the system.
fn trusted(settings: &TlsSettings) -> Result<Arc<WebPkiServerVerifier>, SettingsError> {
    let mut store = RootCertStore::empty();
    let roots = match &settings.root_certificates {
        Some(file) => read_all("sslrootcert", file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    store.add_parsable_certificates(roots);
    // Without this every handshake would fail with an error about an unknown issuer.
    if store.is_empty() {
        return Err(SettingsError::Tls(
            "there is no trusted root certificate; name one with sslrootcert or PGSSLROOTCERT"
                .to_owned(),
        ));
    }
    let revoked: Vec<CertificateRevocationListDer<'static>> = match &settings.revocations {
        Some(file) => read_all("sslcrl", file)?,
        None => Vec::new(),
    };
    let provider = Arc::new(ring::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .with_crls(revoked)
        // As in libpq, a list need not know every issuer of the chain.
        .allow_unknown_revocation_status()
        .build()
        .map_err(|error| SettingsError::Tls(format!("sslrootcert, sslcrl: {error}")))
}

/// All items of a PEM file; one that does not parse refuses the file, and so does a file without any.
fn read_all<T: PemObject>(setting: &str, file: &Path) -> Result<Vec<T>, SettingsError> {
    let unreadable =
        |why: String| SettingsError::Tls(format!("{setting}: {}: {why}", file.display()));
    let text = fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let items: Vec<T> = T::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(error.to_string()))?;
    if items.is_empty() {
        return Err(unreadable("there is nothing of this kind in it".to_owned()));
    }
    Ok(items)
}

/// The private key; as in libpq it must not be readable by others: 0600, or 0640 where it belongs to root.
fn private_key(own: &ClientCertificate) -> Result<PrivateKeyDer<'static>, SettingsError> {
    let file = &own.key;
    let unusable = |why: &str| SettingsError::Tls(format!("sslkey: {}: {why}", file.display()));
    let about = fs::metadata(file).map_err(|error| unusable(&error.to_string()))?;
    let open_to = if about.uid() == 0 { 0o037 } else { 0o077 };
    if about.mode() & open_to != 0 {
        return Err(unusable(
            "others can read it; its permissions must be 0600 or less, 0640 where it belongs to root",
        ));
    }
    PrivateKeyDer::from_pem_file(file).map_err(|error| {
        let encrypted = fs::read_to_string(file).is_ok_and(|text| text.contains("ENCRYPTED"));
        if encrypted {
            unusable("it is encrypted, which is not supported")
        } else {
            unusable(&error.to_string())
        }
    })
}

/// A verifier that leaves out the name (`sslmode=verify-ca`) or, without `chain`, the certificate as well (`sslmode=require`). The
/// signatures of the handshake are checked always.
#[derive(Debug)]
struct Lenient {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: CryptoProvider,
}

impl Lenient {
    fn new(chain: Option<Arc<WebPkiServerVerifier>>) -> Arc<Self> {
        let provider = ring::default_provider();
        Arc::new(Self { chain, provider })
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified =
            chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is looked at last, when chain, times and revocations have held.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

//! The protection of a connection as settings ask for it: `sslmode`, certificates, versions.
//! Where nothing is named, the files of `~/.postgresql` are used that exist, as libpq does.

use std::path::PathBuf;

use super::environment::LibpqEnvironment;
use super::settings::{SettingsError, value_error};
use super::url::Parameters;
use crate::profile::TlsMode;

/// What settings ask of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Protection that was asked for; `None`: what the profile says.
    pub mode: Option<TlsMode>,
    /// File of trusted root certificates; `None`: those of the system.
    pub root_certificates: Option<PathBuf>,
    /// File of certificates that were revoked.
    pub revocations: Option<PathBuf>,
    /// Certificate of the client and its private key.
    pub client_certificate: Option<ClientCertificate>,
    /// Whether the server is told the host name that is asked for (SNI).
    pub sends_host_name: bool,
    /// Versions of the protocol that may be spoken.
    pub versions: TlsVersions,
}

/// Files of a client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, with its chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Versions of TLS: 1.2 and 1.3 are spoken, older ones never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsVersions {
    /// 1.2 may be spoken.
    pub v1_2: bool,
    /// 1.3 may be spoken.
    pub v1_3: bool,
}

impl TlsSettings {
    /// From the settings of a connection text.
    pub(super) fn of(found: &Parameters, env: &LibpqEnvironment) -> Result<Self, SettingsError> {
        let get = |name: &str| found.get(name).map(String::as_str);
        let named = |name: &str| {
            get(name)
                .filter(|path| *path != "system")
                .map(PathBuf::from)
        };
        let own = |name: &str| {
            let file = env.home_file(&format!(".postgresql/{name}"))?;
            file.exists().then_some(file)
        };
        let of_system = get("sslrootcert") == Some("system");
        let root_certificates = named("sslrootcert").or_else(|| own("root.crt"));
        let root_certificates = root_certificates.filter(|_| !of_system);
        let verifies = root_certificates.as_ref().is_some_and(|it| it.exists());
        let mode = match get("sslmode").unwrap_or_default() {
            "disable" => Some(TlsMode::Disable),
            // They say nothing that we would follow: the profile decides.
            "" | "allow" | "prefer" => None,
            // As in libpq: whoever names trusted roots wants them used.
            "require" if verifies => Some(TlsMode::VerifyCa),
            "require" => Some(TlsMode::Require),
            "verify-ca" => Some(TlsMode::VerifyCa),
            "verify-full" => Some(TlsMode::VerifyFull),
            _ => {
                return Err(value_error(
                    "sslmode",
                    "allowed are disable, allow, prefer, require, verify-ca, verify-full",
                ));
            }
        };
        if of_system && mode.is_some_and(|mode| mode != TlsMode::VerifyFull) {
            let why =
                "the certificates of the system can vouch for any host; say sslmode=verify-full";
            return Err(value_error("sslrootcert", why));
        }
        let certificate = named("sslcert").or_else(|| own("postgresql.crt"));
        let key = named("sslkey").or_else(|| own("postgresql.key"));
        let uses_certificate = get("sslcertmode") != Some("disable");
        let client_certificate = match (certificate.filter(|_| uses_certificate), key) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(value_error(
                    "sslkey",
                    "a certificate is named, and no private key",
                ));
            }
            (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        };
        Ok(Self {
            mode,
            root_certificates,
            revocations: named("sslcrl").or_else(|| own("root.crl")),
            client_certificate,
            sends_host_name: get("sslsni") != Some("0"),
            versions: TlsVersions::between(
                get("ssl_min_protocol_version"),
                get("ssl_max_protocol_version"),
            )?,
        })
    }
}

impl TlsVersions {
    fn between(lowest: Option<&str>, highest: Option<&str>) -> Result<Self, SettingsError> {
        let number = |name: &str, text: &str| match text.to_ascii_lowercase().as_str() {
            "tlsv1" => Ok(0),
            "tlsv1.1" => Ok(1),
            "tlsv1.2" => Ok(2),
            "tlsv1.3" => Ok(3),
            _ => Err(value_error(
                name,
                "allowed are TLSv1, TLSv1.1, TLSv1.2, TLSv1.3",
            )),
        };
        let lowest = number("ssl_min_protocol_version", lowest.unwrap_or("TLSv1.2"))?;
        let highest = number("ssl_max_protocol_version", highest.unwrap_or("TLSv1.3"))?;
        if highest < lowest.max(2) {
            let why = "TLS below 1.2 and below ssl_min_protocol_version is never spoken";
            return Err(value_error("ssl_max_protocol_version", why));
        }
        Ok(Self {
            v1_2: lowest <= 2,
            v1_3: highest >= 3,
        })
    }
}

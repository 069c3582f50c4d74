//! Where and as whom to connect: from a connection text, a service, the environment and the password file, in this order.
//! Everything but the [`Secret`] can be printed.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::environment::LibpqEnvironment;
use super::passfile::{self, Login};
use super::secret::Secret;
use super::url::{self, Parameters, encoded};
use crate::profile::TlsMode;

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The connection text is malformed.
    #[error("the connection text: {0}")]
    Url(String),
    /// A setting has a value that is not allowed.
    #[error("{name}: {why}")]
    Value {
        /// Name of the setting, as in libpq.
        name: String,
        /// Why, without the value itself, which may be a secret in the wrong place.
        why: String,
    },
    /// The password file may not be used.
    #[error("{0}")]
    PassFile(String),
    /// The service file has no such service, or cannot be read.
    #[error("{0}")]
    Service(String),
    /// TLS cannot be set up: root certificates or protocol.
    #[error("TLS: {0}")]
    Tls(String),
}

/// Resolved connection settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Host name, address or directory of the unix socket.
    pub host: String,
    /// Address to connect to instead of looking the host up.
    pub hostaddr: Option<IpAddr>,
    /// TCP port, or the number in the socket's name.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// Name of the role.
    pub user: String,
    /// Protection that was asked for; `None`: what the profile says.
    pub tls: Option<TlsMode>,
    /// File of trusted root certificates.
    pub root_certificates: Option<PathBuf>,
    /// Time limit for connecting; `None`: that of the profile.
    pub connect_timeout: Option<Duration>,
    /// The service that completed the settings, and the file that was named for it.
    pub service: Option<Service>,
    /// The password file that was named: by the text, the service or the environment.
    pub passfile: Option<PathBuf>,
    pub(super) password: Option<Secret>,
}

/// A service of a service file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Name of the service.
    pub name: String,
    /// The file, where one was named; `None`: looked for where libpq does.
    pub file: Option<PathBuf>,
}

/// Names of libpq and their variables.
const NAMES: [(&str, &str); 9] = [
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
];

impl ConnectionSettings {
    /// Settings from a connection text, completed by service, environment and password file, in this order.
    pub fn resolve(text: Option<&str>, env: &LibpqEnvironment) -> Result<Self, SettingsError> {
        let mut found = text.map(url::parse).transpose()?.unwrap_or_default();
        known_names(&found)?;
        let service = Service::named(&mut found, env);
        if let Some(service) = &service {
            for (key, value) in service.settings(env)? {
                found.entry(key).or_insert(value);
            }
        }
        for (name, variable) in NAMES {
            if let Some(value) = env.get(variable) {
                found
                    .entry(name.to_owned())
                    .or_insert_with(|| value.to_owned());
            }
        }
        Self::of(&found, service, env)
    }

    /// Settings from a text that [`Self::reconnect`] made: it says where to connect, the environment gives secrets only.
    pub fn resolve_recorded(text: &str, env: &LibpqEnvironment) -> Result<Self, SettingsError> {
        Self::resolve(Some(text), &env.of_secrets())
    }

    fn of(
        found: &Parameters,
        service: Option<Service>,
        env: &LibpqEnvironment,
    ) -> Result<Self, SettingsError> {
        let get = |name: &str| found.get(name).cloned();
        let user = get("user")
            .or_else(|| {
                env.get("USER")
                    .or_else(|| env.get("LOGNAME"))
                    .map(str::to_owned)
            })
            .ok_or_else(|| value_error("user", "no user is named"))?;
        let hostaddr = get("hostaddr")
            .map(|text| text.parse::<IpAddr>())
            .transpose()
            .map_err(|_| value_error("hostaddr", "not an IP address"))?;
        let host = get("host")
            .or_else(|| hostaddr.map(|addr| addr.to_string()))
            .unwrap_or_else(default_host);
        let port = get("port").map_or(Ok(5432), |text| text.parse());
        let seconds = get("connect_timeout").map(|text| text.parse::<u64>());
        let seconds = seconds
            .transpose()
            .map_err(|_| value_error("connect_timeout", "not a number of seconds"))?;
        let mut settings = Self {
            host,
            hostaddr,
            port: port.map_err(|_| value_error("port", "not a port number"))?,
            database: get("dbname").unwrap_or_else(|| user.clone()),
            user,
            tls: get("sslmode").map_or(Ok(None), |mode| tls_mode(&mode))?,
            root_certificates: get("sslrootcert")
                // libpq's word for the certificates of the system, which are the default here.
                .filter(|path| path != "system")
                .map(absolute),
            // 0 means without a limit in libpq; here the profile's limit then holds.
            connect_timeout: seconds.filter(|s| *s > 0).map(Duration::from_secs),
            service,
            passfile: get("passfile")
                .or_else(|| env.get("PGPASSFILE").map(str::to_owned))
                .map(absolute),
            password: get("password").map(Secret::new),
        };
        if settings.password.is_none() {
            settings.password = settings.password_from_file(env)?;
        }
        Ok(settings)
    }

    fn password_from_file(&self, env: &LibpqEnvironment) -> Result<Option<Secret>, SettingsError> {
        let file = self.passfile.clone();
        let file = file.or_else(|| env.home_file(".pgpass"));
        let host = if self.is_unix_socket() {
            "localhost"
        } else {
            &self.host
        };
        let login = Login {
            host,
            port: self.port,
            database: &self.database,
            user: &self.user,
        };
        file.map_or(Ok(None), |file| passfile::password(&file, &login))
    }

    /// Whether the host is a directory with a unix socket.
    pub fn is_unix_socket(&self) -> bool {
        self.host.starts_with('/') && self.hostaddr.is_none()
    }

    /// Whether the way to the host never leaves the machine.
    pub fn is_local(&self) -> bool {
        let loopback = |text: &str| text.parse::<IpAddr>().is_ok_and(|addr| addr.is_loopback());
        match self.hostaddr {
            Some(addr) => addr.is_loopback(),
            None => self.is_unix_socket() || self.host == "localhost" || loopback(&self.host),
        }
    }

    /// A connection text without secrets, from which the same settings are resolved again.
    pub fn reconnect(&self) -> String {
        let mut text = format!(
            "postgresql:///{}?host={}&port={}&user={}",
            encoded(&self.database),
            encoded(&self.host),
            self.port,
            encoded(&self.user)
        );
        let mode = self.tls.map(|mode| match mode {
            TlsMode::Disable => "disable",
            TlsMode::Require => "require",
            TlsMode::VerifyFull => "verify-full",
        });
        let path = |path: &Option<PathBuf>| Some(path.as_ref()?.to_str()?.to_owned());
        let service = self.service.as_ref();
        let seconds = self
            .connect_timeout
            .map(|limit| limit.as_secs().to_string());
        for (name, value) in [
            ("hostaddr", self.hostaddr.map(|addr| addr.to_string())),
            ("sslmode", mode.map(str::to_owned)),
            ("sslrootcert", path(&self.root_certificates)),
            ("connect_timeout", seconds),
            ("service", service.map(|service| service.name.clone())),
            (
                "servicefile",
                service.and_then(|service| path(&service.file)),
            ),
            ("passfile", path(&self.passfile)),
        ] {
            if let Some(value) = value {
                text = format!("{text}&{name}={}", encoded(&value));
            }
        }
        text
    }
}

fn value_error(name: &str, why: &str) -> SettingsError {
    SettingsError::Value {
        name: name.to_owned(),
        why: why.to_owned(),
    }
}

fn known_names(found: &Parameters) -> Result<(), SettingsError> {
    let known = |name: &str| {
        NAMES.iter().any(|(known, _)| *known == name)
            || ["service", "servicefile", "passfile"].contains(&name)
    };
    match found.keys().find(|name| !known(name)) {
        Some(_) => Err(SettingsError::Url(
            "it has a setting that is not supported; known are host, hostaddr, port, dbname, user, password, sslmode, \
             sslrootcert, connect_timeout, service, servicefile, passfile"
                .to_owned(),
        )),
        None => Ok(()),
    }
}

impl Service {
    /// The service that a text or the environment names.
    fn named(found: &mut Parameters, env: &LibpqEnvironment) -> Option<Self> {
        let file = found.remove("servicefile");
        let file = file.or_else(|| env.get("PGSERVICEFILE").map(str::to_owned));
        let name = found.remove("service");
        Some(Self {
            name: name.or_else(|| env.get("PGSERVICE").map(str::to_owned))?,
            file: file.map(absolute),
        })
    }

    fn settings(&self, env: &LibpqEnvironment) -> Result<Parameters, SettingsError> {
        let Self { name, file } = self;
        let user = file.clone().or_else(|| env.home_file(".pg_service.conf"));
        let system = env
            .get("PGSYSCONFDIR")
            .map(|dir| PathBuf::from(dir).join("pg_service.conf"));
        for file in [user, system].into_iter().flatten() {
            if let Some(found) = passfile::service(&file, name)? {
                return Ok(found);
            }
        }
        let places = match file {
            Some(file) if !file.exists() => format!("{} does not exist", file.display()),
            Some(file) => format!("{} does not define it", file.display()),
            None => "it is defined in no service file".to_owned(),
        };
        Err(SettingsError::Service(format!("service {name}: {places}")))
    }
}

/// A path that means the same wherever a later process is started.
fn absolute(path: String) -> PathBuf {
    std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(path))
}

/// `allow` and `prefer` say nothing that we would follow: the profile decides.
fn tls_mode(text: &str) -> Result<Option<TlsMode>, SettingsError> {
    match text {
        "disable" => Ok(Some(TlsMode::Disable)),
        "allow" | "prefer" => Ok(None),
        "require" => Ok(Some(TlsMode::Require)),
        "verify-ca" | "verify-full" => Ok(Some(TlsMode::VerifyFull)),
        _ => Err(value_error(
            "sslmode",
            "allowed are disable, allow, prefer, require, verify-ca, verify-full",
        )),
    }
}

/// The first socket directory that exists, as distributions place it, else the loopback.
fn default_host() -> String {
    ["/var/run/postgresql", "/tmp"]
        .into_iter()
        .find(|dir| Path::new(dir).join(".s.PGSQL.5432").exists())
        .unwrap_or("localhost")
        .to_owned()
}

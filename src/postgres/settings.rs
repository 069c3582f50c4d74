//! Where and as whom to connect: from a connection text, a service, the environment and the password file, in this order.
//! Everything but a [`Secret`] can be printed.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio_postgres::config::ChannelBinding;

use super::environment::LibpqEnvironment;
use super::hosts::{self, HostAddress};
use super::keepalive::Keepalive;
use super::keywords;
use super::passfile::{self, Login};
use super::secret::Secret;
use super::service::Service;
use super::tls_settings::TlsSettings;
use super::url::{self, Parameters, encoded};

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The connection text is malformed.
    #[error("the connection text: {0}")]
    Url(String),
    /// A setting that libpq does not have. Its name is not kept: it may be a part of a password.
    #[error("{place}: it has a setting that libpq does not know{}", meant(*near))]
    Unknown {
        /// Where it stands: the connection text, a service.
        place: String,
        /// The setting that was probably meant.
        near: Option<&'static str>,
    },
    /// A setting of libpq that is not obeyed here, or not with this value.
    #[error("{place}: {name}: {why}")]
    NotSupported {
        /// Where it stands: the connection text, a service, a variable.
        place: String,
        /// Name of the setting, as in libpq.
        name: &'static str,
        /// Why, and what to do instead.
        why: &'static str,
    },
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
    /// TLS cannot be set up: certificates or protocol.
    #[error("TLS: {0}")]
    Tls(String),
}

impl SettingsError {
    /// Whether the connection text itself is wrong, and not what a service or the environment adds to it.
    pub fn is_of_text(&self) -> bool {
        match self {
            Self::Url(_) => true,
            Self::Unknown { place, .. } | Self::NotSupported { place, .. } => place == TEXT,
            _ => false,
        }
    }
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; {near} is near to it"))
}

/// What a connection text is called in messages.
const TEXT: &str = "the connection text";

/// Which servers fit, by `target_session_attrs`. Every session of ours is read only by its own setting, so `read-write` asks for
/// a primary and `read-only` for a standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerRole {
    /// Any server.
    Any,
    /// A server that is not in recovery.
    Primary,
    /// A server that is in recovery.
    Standby,
    /// A standby where one of the hosts is one, else any server.
    PreferStandby,
}

impl ServerRole {
    fn named(text: &str) -> Result<Self, SettingsError> {
        match text {
            "" | "any" => Ok(Self::Any),
            "primary" | "read-write" => Ok(Self::Primary),
            "standby" | "read-only" => Ok(Self::Standby),
            "prefer-standby" => Ok(Self::PreferStandby),
            _ => Err(value_error(
                "target_session_attrs",
                "allowed are any, read-write, read-only, primary, standby, prefer-standby",
            )),
        }
    }
}

/// Resolved connection settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// The servers that are tried, in this order; at least one.
    pub hosts: Vec<HostAddress>,
    /// Which of them fit.
    pub server_role: ServerRole,
    /// Name of the database.
    pub database: String,
    /// Name of the role.
    pub user: String,
    /// Protection that was asked for.
    pub tls: TlsSettings,
    /// How a lost peer is noticed.
    pub keepalive: Keepalive,
    /// Time limit for connecting to one host; `None`: that of the profile.
    pub connect_timeout: Option<Duration>,
    /// The password file that was named: by the text, the service or the environment.
    pub passfile: Option<PathBuf>,
    /// What was named beside ours as `application_name`.
    pub(super) application_name: Option<String>,
    /// Options for the server that were named; ours follow them and win.
    pub(super) options: Option<String>,
    pub(super) channel_binding: ChannelBinding,
    /// The passwords of the text, the service and the environment, those that another one wins over too.
    passwords: Vec<Secret>,
    /// What was named, with absolute paths and without secrets.
    named: Parameters,
}

impl ConnectionSettings {
    /// Settings from a connection text, completed by service, environment and password file, in this order.
    pub fn resolve(text: Option<&str>, env: &LibpqEnvironment) -> Result<Self, SettingsError> {
        let mut found = text.map(url::parse).transpose()?.unwrap_or_default();
        checked(&found, TEXT)?;
        let mut passwords: Vec<String> = found.get("password").cloned().into_iter().collect();
        passwords.extend(env.given("PGPASSWORD").map(str::to_owned));
        if let Some(service) = Service::named(&found, env) {
            let of_service = service.settings(env)?;
            found.extend(service.as_parameters());
            checked(&of_service, "the service file")?;
            passwords.extend(of_service.get("password").cloned());
            for (key, value) in of_service {
                found.entry(key).or_insert(value);
            }
        }
        for (name, variable) in keywords::variables() {
            let value = env.given(variable).filter(|_| !found.contains_key(name));
            // A file of services without the name of one.
            if let Some(value) = value.filter(|_| name != "servicefile") {
                keywords::check(name, value, variable)?;
                found.insert(name.to_owned(), value.to_owned());
            }
        }
        let mut settings = Self::of(found, env)?;
        settings.passwords = passwords.into_iter().map(Secret::new).collect();
        Ok(settings)
    }

    /// `text` without any of the passwords that are known here; `is_cut`: it went on.
    pub(super) fn without_passwords(&self, text: &str, is_cut: bool) -> String {
        let of_hosts = self.hosts.iter().filter_map(|host| host.password.as_ref());
        let all = self.passwords.iter().chain(of_hosts);
        all.fold(text.to_owned(), |text, secret| secret.strip(&text, is_cut))
    }

    /// Settings from a text that [`Self::reconnect`] made: it says where to connect, the environment gives secrets only.
    pub fn resolve_recorded(text: &str, env: &LibpqEnvironment) -> Result<Self, SettingsError> {
        Self::resolve(Some(text), &env.of_secrets())
    }

    fn of(mut found: Parameters, env: &LibpqEnvironment) -> Result<Self, SettingsError> {
        // libpq takes an empty value as none.
        found.retain(|_, value| !value.is_empty());
        for key in ["passfile", "sslrootcert", "sslcert", "sslkey", "sslcrl"] {
            // libpq's word for the certificates of the system is no path.
            if let Some(path) = found.get_mut(key).filter(|path| *path != "system") {
                *path = absolute(std::mem::take(path)).display().to_string();
            }
        }
        let password = found.remove("password").map(Secret::new);
        let get = |name: &str| found.get(name).map(String::as_str);
        let user = get("user").or_else(|| env.account());
        let user = user.ok_or_else(|| value_error("user", "no user is named"))?;
        let seconds = get("connect_timeout").map(|text| text.trim().parse::<i64>());
        let seconds = seconds.transpose();
        let seconds =
            seconds.map_err(|_| value_error("connect_timeout", "not a number of seconds"))?;
        let mut settings = Self {
            hosts: hosts::listed(get("host"), get("hostaddr"), get("port"))?,
            server_role: ServerRole::named(get("target_session_attrs").unwrap_or_default())?,
            database: get("dbname").unwrap_or(user).to_owned(),
            user: user.to_owned(),
            tls: TlsSettings::of(&found, env)?,
            keepalive: Keepalive::of(&found)?,
            // 0 and less mean without a limit in libpq; here the profile's limit then holds.
            connect_timeout: seconds
                .and_then(|seconds| u64::try_from(seconds).ok())
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
            passfile: get("passfile").map(PathBuf::from),
            application_name: get("application_name")
                .or_else(|| get("fallback_application_name"))
                .map(str::to_owned),
            options: get("options").map(str::to_owned),
            channel_binding: channel_binding(get("channel_binding").unwrap_or_default())?,
            passwords: Vec::new(),
            named: Parameters::new(),
        };
        settings.named = found;
        settings.find_passwords(password.as_ref(), env)?;
        Ok(settings)
    }

    /// Gives each host its password: the one of the settings, else that of the password file.
    fn find_passwords(
        &mut self,
        password: Option<&Secret>,
        env: &LibpqEnvironment,
    ) -> Result<(), SettingsError> {
        let file = self.passfile.clone();
        let file = file.or_else(|| env.home_file(".pgpass"));
        for server in &mut self.hosts {
            let login = Login {
                host: server.in_password_file(),
                port: server.port,
                database: &self.database,
                user: &self.user,
            };
            server.password = match (password, &file) {
                (Some(password), _) => Some(password.clone()),
                (None, Some(file)) => passfile::password(file, &login)?,
                (None, None) => None,
            };
        }
        Ok(())
    }

    /// The hosts as they may be shown: `db1.example`, or `db1.example,db2.example`.
    pub fn shown_hosts(&self) -> String {
        let hosts: Vec<_> = self.hosts.iter().map(|it| it.host.as_str()).collect();
        hosts.join(",")
    }

    /// The port of the first host.
    pub fn first_port(&self) -> u16 {
        self.hosts.first().map_or(0, |server| server.port)
    }

    /// A connection text without secrets, from which the same settings are resolved again.
    pub fn reconnect(&self) -> String {
        let ports: Vec<_> = self.hosts.iter().map(|it| it.port.to_string()).collect();
        let mut text = format!(
            "postgresql:///{}?host={}&port={}&user={}",
            encoded(&self.database),
            encoded(self.shown_hosts()),
            encoded(ports.join(",")),
            encoded(&self.user)
        );
        let stands = ["dbname", "host", "port", "user"];
        for (name, value) in &self.named {
            if !stands.contains(&name.as_str()) {
                text = format!("{text}&{name}={}", encoded(value));
            }
        }
        text
    }
}

fn checked(found: &Parameters, place: &str) -> Result<(), SettingsError> {
    found
        .iter()
        .try_for_each(|(name, value)| keywords::check(name, value, place))
}

fn channel_binding(text: &str) -> Result<ChannelBinding, SettingsError> {
    match text {
        "disable" => Ok(ChannelBinding::Disable),
        "" | "prefer" => Ok(ChannelBinding::Prefer),
        "require" => Ok(ChannelBinding::Require),
        _ => Err(value_error(
            "channel_binding",
            "allowed are disable, prefer, require",
        )),
    }
}

/// A value that is not allowed; `why` never holds the value.
pub(super) fn value_error(name: &str, why: &str) -> SettingsError {
    SettingsError::Value {
        name: name.to_owned(),
        why: why.to_owned(),
    }
}

/// A path that means the same wherever a later process is started.
pub(super) fn absolute(path: String) -> PathBuf {
    std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(path))
}

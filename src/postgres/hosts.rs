//! The servers that a connection text names, in the order in which they are tried.
//! Invariant: `host`, `hostaddr` and `port` are matched up as libpq does, or refused (`listed`).

use std::net::IpAddr;
use std::path::Path;

use super::secret::Secret;
use super::settings::{SettingsError, value_error};

/// The port where none is named.
const PORT: u16 = 5432;

/// Where distributions place the socket.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One server that may be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAddress {
    /// Host name, address or directory of the unix socket.
    pub host: String,
    /// Address to connect to instead of looking the host up.
    pub hostaddr: Option<IpAddr>,
    /// TCP port, or the number in the socket's name.
    pub port: u16,
    /// The password for it: of the settings, or of the password file.
    pub(super) password: Option<Secret>,
}

impl HostAddress {
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

    /// What stands for it in a password file: `localhost` for a socket in a usual directory, as in libpq.
    pub(super) fn in_password_file(&self) -> &str {
        let is_usual = self.hostaddr.is_none() && SOCKET_DIRECTORIES.contains(&self.host.as_str());
        if is_usual { "localhost" } else { &self.host }
    }

    /// `db1.example port 5432`, as it stands in messages.
    pub(super) fn named(&self) -> String {
        let Self { host, port, .. } = self;
        match self.hostaddr.filter(|addr| addr.to_string() != *host) {
            Some(addr) => format!("{host} ({addr}) port {port}"),
            None => format!("{host} port {port}"),
        }
    }
}

/// The servers of three lists that are separated by commas; an empty list is none.
pub(super) fn listed(
    hosts: Option<&str>,
    addresses: Option<&str>,
    ports: Option<&str>,
) -> Result<Vec<HostAddress>, SettingsError> {
    let split = |list: Option<&str>| -> Vec<String> {
        let list = list.filter(|list| !list.is_empty());
        list.map_or_else(Vec::new, |list| {
            list.split(',').map(|it| it.trim().to_owned()).collect()
        })
    };
    let (hosts, addresses, ports) = (split(hosts), split(addresses), split(ports));
    let count = hosts.len().max(addresses.len()).max(1);
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        let (of_hosts, of_addresses) = (hosts.len(), addresses.len());
        let why = format!("{of_addresses} addresses for {of_hosts} hosts");
        return Err(value_error("hostaddr", &why));
    }
    // One port serves all hosts.
    if ports.len() > 1 && ports.len() != count {
        let why = format!("{} ports for {count} hosts", ports.len());
        return Err(value_error("port", &why));
    }
    let at = |list: &[String], n: usize| list.get(n).filter(|it| !it.is_empty()).cloned();
    let server = |n: usize| {
        let hostaddr = at(&addresses, n).map(|text| text.parse::<IpAddr>());
        let hostaddr = hostaddr
            .transpose()
            .map_err(|_| value_error("hostaddr", "not an IP address"))?;
        let port = at(&ports, if ports.len() == 1 { 0 } else { n });
        let port = port.map_or(Ok(PORT), |text| match text.parse() {
            Ok(0) | Err(_) => Err(value_error("port", "not a port number, 1 to 65535")),
            Ok(port) => Ok(port),
        })?;
        let host = at(&hosts, n).or_else(|| hostaddr.map(|addr| addr.to_string()));
        Ok(HostAddress {
            host: host.unwrap_or_else(|| default_host(port)),
            hostaddr,
            port,
            password: None,
        })
    };
    (0..count).map(server).collect()
}

/// The first socket directory that exists, as distributions place it, else the loopback.
fn default_host(port: u16) -> String {
    SOCKET_DIRECTORIES
        .into_iter()
        .find(|dir| Path::new(dir).join(format!(".s.PGSQL.{port}")).exists())
        .unwrap_or("localhost")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn lists_are_matched_up_as_libpq_does() {
        let servers = |hosts, addresses, ports| {
            let found = listed(hosts, addresses, ports)?;
            Ok::<_, super::SettingsError>(
                found
                    .iter()
                    .map(super::HostAddress::named)
                    .collect::<Vec<_>>(),
            )
        };
        let one_port = servers(Some("a,b"), None, Some("6001")).expect("one port for all");
        assert_eq!(one_port, ["a port 6001", "b port 6001"]);
        let each = servers(Some("a,::1"), None, Some("6001,")).expect("a port each");
        assert_eq!(each, ["a port 6001", "::1 port 5432"]);
        let address = servers(Some("a"), Some("127.0.0.1"), None).expect("an address");
        assert_eq!(address, ["a (127.0.0.1) port 5432"]);
        let bare = servers(None, Some("127.0.0.1,::1"), None).expect("addresses alone");
        assert_eq!(bare, ["127.0.0.1 port 5432", "::1 port 5432"]);
        for (hosts, addresses, ports) in [
            (Some("a,b,c"), None, Some("1,2")),
            (Some("a,b"), Some("127.0.0.1"), None),
            (Some("a"), None, Some("0")),
            (Some("a"), None, Some("65536")),
            (Some("a"), Some("db1"), None),
        ] {
            assert!(
                servers(hosts, addresses, ports).is_err(),
                "{hosts:?} {ports:?}"
            );
        }
    }
}

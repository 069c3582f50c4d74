//! The address of the target as the screens print it.
//! Invariant: two targets never read the same where an address is whole (`whole`), and in a short one no IP address is cut and no
//! port left out (`short`).

use std::net::IpAddr;

use crate::run::TargetIdentity;

/// `db1.example/kb`, and the port where it is not the usual one: `[2001:db8::5]:6001/kb`.
pub(super) fn whole(target: &TargetIdentity) -> String {
    at(&target.host, target)
}

/// The same without the domain of the host: `db1/kb`. An IP address has none.
pub(super) fn short(target: &TargetIdentity) -> String {
    let host = target.host.as_str();
    let has_domain = host.parse::<IpAddr>().is_err() && !host.starts_with('/');
    let name = host.split('.').next().filter(|_| has_domain);
    at(name.unwrap_or(host), target)
}

fn at(host: &str, target: &TargetIdentity) -> String {
    // A directory of a socket may have a colon in it.
    let host = if host.contains(':') && !host.starts_with('/') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let port = if target.has_usual_port() {
        String::new()
    } else {
        format!(":{}", target.port)
    };
    format!("{host}{port}/{}", target.database)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{short, whole};
    use crate::run::TargetIdentity;

    #[rstest]
    #[case::name("db1.example", 5432, "db1.example/kb", "db1/kb")]
    #[case::port("db1.example", 6001, "db1.example:6001/kb", "db1:6001/kb")]
    #[case::v4("10.0.0.5", 5432, "10.0.0.5/kb", "10.0.0.5/kb")]
    #[case::v4_port("10.0.0.6", 6432, "10.0.0.6:6432/kb", "10.0.0.6:6432/kb")]
    #[case::v6("2001:db8::5", 5432, "[2001:db8::5]/kb", "[2001:db8::5]/kb")]
    #[case::v6_port("::1", 6001, "[::1]:6001/kb", "[::1]:6001/kb")]
    #[case::socket("/run/a.b", 5433, "/run/a.b:5433/kb", "/run/a.b:5433/kb")]
    fn an_ip_address_is_never_cut(
        #[case] host: &str,
        #[case] port: u16,
        #[case] long: &str,
        #[case] cut: &str,
    ) {
        let target = TargetIdentity {
            label: "PRODUCTION".to_owned(),
            color: "red".to_owned(),
            host: host.to_owned(),
            port,
            database: "kb".to_owned(),
            user: "reader".to_owned(),
            reconnect: String::new(),
        };
        assert_eq!((whole(&target), short(&target)), (long.into(), cut.into()));
    }
}

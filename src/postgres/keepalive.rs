//! How a lost peer is noticed on a TCP connection: keepalives and the limit for data that is not acknowledged.

use std::io;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;

use super::settings::{SettingsError, value_error};
use super::url::Parameters;

/// TCP keepalives. Where nothing is said, a dead peer is found after 10 s + 3 x 5 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepalive {
    on: bool,
    idle: Duration,
    interval: Duration,
    count: u32,
    /// Milliseconds that sent data may stay without an acknowledgement; 0: the system's default.
    user_timeout_ms: u32,
}

impl Keepalive {
    /// From the settings of a connection text; 0 means the default, as in libpq.
    pub(super) fn of(found: &Parameters) -> Result<Self, SettingsError> {
        let number = |name: &str| match found.get(name) {
            None => Ok(None),
            Some(text) => match text.trim().parse::<i32>() {
                Ok(number) => Ok(u32::try_from(number).ok().filter(|number| *number > 0)),
                Err(_) => Err(value_error(name, "not a number")),
            },
        };
        let is_off = |text: &String| text.trim().parse() == Ok(0);
        let seconds = |name: &str, usual: u64| {
            Ok(Duration::from_secs(number(name)?.map_or(usual, u64::from)))
        };
        Ok(Self {
            on: number("keepalives")?.is_some() || !found.get("keepalives").is_some_and(is_off),
            idle: seconds("keepalives_idle", 10)?,
            interval: seconds("keepalives_interval", 5)?,
            count: number("keepalives_count")?.unwrap_or(3),
            user_timeout_ms: number("tcp_user_timeout")?.unwrap_or(0),
        })
    }

    /// Sets them on a socket, and TCP_NODELAY.
    pub(super) fn set(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        sockopt::set_socket_keepalive(stream, self.on)?;
        if self.on {
            sockopt::set_tcp_keepidle(stream, self.idle)?;
            sockopt::set_tcp_keepintvl(stream, self.interval)?;
            sockopt::set_tcp_keepcnt(stream, self.count)?;
        }
        // Only Linux has it; libpq takes it elsewhere without effect too.
        #[cfg(target_os = "linux")]
        if self.user_timeout_ms > 0 {
            sockopt::set_tcp_user_timeout(stream, self.user_timeout_ms)?;
        }
        Ok(())
    }
}

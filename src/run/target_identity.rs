//! The database of a run, as it may be shown: without secrets.
//! Invariant: two servers never have the same address (test `two_servers_of_one_host_are_two_targets`).

use serde::{Deserialize, Serialize};

/// The port of PostgreSQL where nobody says otherwise.
const PORT_USUAL: u16 = 5432;

/// The target as it may be shown: without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TargetIdentity {
    /// `target.label` of the profile: `PRODUCTION`.
    pub label: String,
    /// `target.color` of the profile.
    pub color: String,
    /// Host or socket directory.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: String,
    /// User.
    pub user: String,
    /// A connection text without secrets, with which `resume` and `approve` connect again.
    pub reconnect: String,
}

impl TargetIdentity {
    /// `context_pack_readonly@db1.example/kb`, and the port where it is not 5432: two servers of one host are two targets.
    pub fn address(&self) -> String {
        if self.has_usual_port() {
            return self.without_port();
        }
        let Self {
            user, host, port, ..
        } = self;
        format!("{user}@{host}:{port}/{}", self.database)
    }

    /// Whether it listens where PostgreSQL does unless somebody says otherwise.
    pub fn has_usual_port(&self) -> bool {
        self.port == PORT_USUAL
    }

    /// The address for a text that tells the port apart.
    pub fn without_port(&self) -> String {
        format!("{}@{}/{}", self.user, self.host, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::TargetIdentity;

    #[test]
    fn two_servers_of_one_host_are_two_targets() {
        let at = |port| TargetIdentity {
            label: "PRODUCTION".to_owned(),
            color: "red".to_owned(),
            host: "db1.example".to_owned(),
            port,
            database: "kb".to_owned(),
            user: "reader".to_owned(),
            reconnect: String::new(),
        };
        assert_eq!(at(5432).address(), "reader@db1.example/kb");
        assert_eq!(at(6001).address(), "reader@db1.example:6001/kb");
        assert_eq!(at(6001).without_port(), at(5432).address());
    }
}

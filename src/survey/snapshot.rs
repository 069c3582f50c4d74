//! The transaction in which a survey was read, and the server that it was read from.

use serde::{Deserialize, Serialize};

use super::UtcTime;

/// The transaction of a survey, in the server's own values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// Random text that our first query set and our last query read back.
    pub nonce: String,
    /// `virtualtransaction` of our own lock, such as `3/42`.
    pub virtual_xid: String,
    /// `pg_current_snapshot()`, such as `745:745:`.
    pub snapshot: String,
    /// `transaction_timestamp()` by the server's clock.
    pub server_time: String,
    /// When we sent BEGIN, by our clock.
    pub began_at: UtcTime,
    /// When the server had answered ROLLBACK, by our clock.
    pub ended_at: UtcTime,
}

impl Snapshot {
    /// The `xmax` of the snapshot: ids from here on had not finished. `None`: the text is not `xmin:xmax:list`.
    pub fn xmax(&self) -> Option<u64> {
        self.snapshot.split(':').nth(1)?.parse().ok()
    }

    /// Whether `later` is another transaction. Which of the two came first is known from the journal, never from a clock.
    pub fn differs_from(&self, later: &Self) -> bool {
        self.nonce != later.nonce && self.virtual_xid != later.virtual_xid
    }
}

/// Which server and database answered (claim E).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServerIdentity {
    /// `server_version`, such as `15.18`.
    pub version: String,
    /// `server_version_num`, such as 150018.
    pub version_num: u32,
    /// `pg_control_system().system_identifier`; `None`: the role may not read it.
    pub system_identifier: Option<String>,
    /// `pg_control_checkpoint().timeline_id`; `None`: the role may not read it.
    pub timeline: Option<String>,
    /// `current_database()`: the name of the database.
    pub database: String,
    /// The oid of that database; `None` in runs of versions that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_oid: Option<u32>,
    /// `pg_postmaster_start_time()`: another value means a restart.
    pub postmaster_start: String,
    /// Whether the server is in recovery (a standby).
    pub in_recovery: bool,
    /// `session_user`: the role that logged in.
    pub session_user: String,
    /// `current_user`: the role whose privileges count.
    pub current_user: String,
    /// How the connection was protected: `unix socket`, `TLS verify-full`, `TLS verify-ca`, `TLS, not verified`, `plain TCP`.
    pub transport: String,
}

const DATABASE_OID: &str = "database_oid";

impl ServerIdentity {
    /// Why `reached` is not the server and database of this identity, with both named; `None`: it is. What this identity
    /// does not know is not compared; what only `reached` does not know counts as different. A restart or a failover is
    /// not another server: see [`Self::differences`].
    pub fn unlike(&self, reached: &Self) -> Option<String> {
        let known_and_other = self.system_identifier.is_some()
            && self.system_identifier != reached.system_identifier
            || self.database_oid.is_some() && self.database_oid != reached.database_oid
            || self.database != reached.database;
        known_and_other.then(|| {
            format!(
                "this is another server or database than the run surveyed: {} instead of {}",
                reached.place(),
                self.place()
            )
        })
    }

    fn place(&self) -> String {
        let system = self.system_identifier.as_deref().unwrap_or("unknown");
        let oid = self
            .database_oid
            .map_or_else(|| "unknown".to_owned(), |oid| oid.to_string());
        format!(
            "database {} (oid {oid}) of system identifier {system}",
            self.database
        )
    }

    /// What differs between two identities: the field, its value here and its value there. Empty: same server, version,
    /// database and timeline, not restarted.
    pub fn changes(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        // Runs of older versions did not ask for the oid, so it is compared only where both have one.
        let oids = self.database_oid.is_some() && other.database_oid.is_some();
        let (one, two) = (self.fields(), other.fields());
        let pairs = one.into_iter().zip(two);
        pairs
            .map(|((name, one), (_, two))| (name, one, two))
            .filter(|(name, one, two)| one != two && (oids || *name != DATABASE_OID))
            .collect()
    }

    /// The same, as `field: one -> other`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let changes = self.changes(other).into_iter();
        changes
            .map(|(name, one, two)| format!("{name}: {one} -> {two}"))
            .collect()
    }

    /// The fields by which two identities are told apart, each with its value.
    pub fn fields(&self) -> [(&'static str, String); 6] {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        [
            ("system_identifier", text(&self.system_identifier)),
            ("timeline", text(&self.timeline)),
            ("database", self.database.clone()),
            ("postmaster_start", self.postmaster_start.clone()),
            ("version", self.version.clone()),
            (
                DATABASE_OID,
                text(&self.database_oid.map(|oid| oid.to_string())),
            ),
        ]
    }
}

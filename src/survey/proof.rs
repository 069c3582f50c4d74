//! What one transaction of ours did, measured from inside the session (claim A). All values are raw.
//! Invariant: what was not measured is named in `unmeasured` and never counts as clean. Held by `TransactionProof::is_clean`.

use serde::{Deserialize, Serialize};

use super::{Digest, Hasher};

/// What the session still has after its ROLLBACK. A clean one has nothing: zeros and `false`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Residue {
    /// Advisory locks still held by our backend.
    pub advisory_locks: u64,
    /// Channels that our session listens on.
    pub listening_channels: u64,
    /// Whether our session has a temporary schema.
    pub temp_schema: bool,
    /// Prepared transactions of our role.
    pub prepared_transactions: u64,
}

/// The raw values that were measured of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TransactionProof {
    /// The nonce that our first query set.
    pub nonce: String,
    /// The nonce as it was read back before the end.
    pub nonce_at_end: String,
    /// Virtual transaction id at our first query.
    pub virtual_xid: String,
    /// Virtual transaction id before the end.
    pub virtual_xid_at_end: String,
    /// `transaction_timestamp()` at our first query.
    pub server_time: String,
    /// `transaction_timestamp()` before the end.
    pub server_time_at_end: String,
    /// `pg_current_snapshot()` as text: `xmin:xmax:running ids`.
    pub snapshot: String,
    /// `transaction_read_only` before the end; `None`: the values before the end were not read.
    pub read_only: Option<bool>,
    /// `transaction_isolation` before the end.
    pub isolation: String,
    /// `search_path` before the end.
    pub search_path: String,
    /// `row_security` before the end.
    pub row_security: String,
    /// `pg_current_xact_id_if_assigned()`: a transaction that writes has one, so it must be `None`.
    pub xid_assigned: Option<String>,
    /// Our own locks as `locktype/mode`, with counts, sorted.
    pub locks: Vec<String>,
    /// Rows inserted, updated and deleted by this transaction (`pg_stat_xact_all_tables`); `None`: not read.
    pub rows_written: Option<u64>,
    /// What was left after ROLLBACK; `None`: not read.
    pub residue: Option<Residue>,
    /// What the backend had already when the transaction began, behind a pooler; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Residue>,
    /// WAL bytes that our backend wrote (PostgreSQL 18 and newer), hint bits and pruning included; `None`: older, or not read.
    pub backend_wal_bytes: Option<u64>,
    /// The command that ended the transaction, as the server tagged it.
    pub ended_by: String,
    /// Backend process id; `None`: not read.
    pub backend_pid: Option<i32>,
    /// What the transaction cost the server.
    pub footprint: Footprint,
    /// What the server refused to say, each with its answer: `locks: 42501 permission denied for view pg_locks`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmeasured: Vec<String>,
    /// The queries of which what they can run was not the same when it was resolved again after they had run, each with what
    /// differs: `fact icx_total: function public.f() was changed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_while_read: Vec<String>,
}

/// What one transaction cost the server, or several together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Footprint {
    /// Number of connections opened.
    pub connections: u64,
    /// Number of statements sent.
    pub statements: u64,
    /// Number of rows received.
    pub rows: u64,
    /// Bytes of values received.
    pub bytes: u64,
    /// Microseconds from BEGIN to ROLLBACK.
    pub transaction_us: u64,
    /// Microseconds of the longest statement or batch.
    pub longest_us: u64,
    /// `backend_xmin` of our session before the end: rows that died since could not be vacuumed meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_xmin: Option<String>,
    /// How many transaction ids had been assigned since `oldest_xmin` when it was read: what it held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xmin_age: Option<u64>,
}

impl Footprint {
    /// Adds the cost of another transaction.
    pub fn add(&mut self, other: &Self) {
        // A forged journal may say anything: sums stop at the end of the type, they do not end the program.
        self.connections = self.connections.saturating_add(other.connections);
        self.statements = self.statements.saturating_add(other.statements);
        self.rows = self.rows.saturating_add(other.rows);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.transaction_us = self.transaction_us.saturating_add(other.transaction_us);
        self.longest_us = self.longest_us.max(other.longest_us);
        // Transaction ids wrap around and cannot be compared. The first one is the oldest; the largest age
        // is what was held back.
        if self.oldest_xmin.is_none() {
            self.oldest_xmin.clone_from(&other.oldest_xmin);
        }
        self.xmin_age = self.xmin_age.max(other.xmin_age);
    }
}

impl TransactionProof {
    /// Every measured reason why this transaction cannot be called clean. Empty: nothing measured speaks against it.
    pub fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        // `None`: the closing query gave no answer. That is named in `unmeasured` and is no violation.
        if let Some(read_only) = self.read_only {
            self.violations_before_end(read_only, &mut violations);
        }
        let before = self.carried.clone().unwrap_or_default();
        let mut advisory = before.advisory_locks;
        for lock in &self.locks {
            // A read takes ACCESS SHARE, and every transaction locks its own virtual transaction id.
            let read = lock.contains("/AccessShareLock") || lock.starts_with("virtualxid/");
            if !read && !is_carried(lock, &mut advisory) {
                violations.push(format!("held a lock {lock}"));
            }
        }
        if self.ended_by != "ROLLBACK" {
            violations.push(format!("ended by {}", self.ended_by));
        }
        if let Some(residue) = &self.residue {
            residue.violations(&self.carried.clone().unwrap_or_default(), &mut violations);
        }
        violations
    }

    /// SHA-256 over everything that was measured. Claims name it, so that no value of a proof stands for itself alone.
    pub fn sha256(&self) -> Digest {
        let mut hasher = Hasher::new();
        self.hash_into(&mut hasher);
        hasher.finish()
    }

    /// Adds everything that was measured to a digest. Without JSON: a run that waits for days has a hundred thousand proofs.
    pub fn hash_into(&self, hasher: &mut Hasher) {
        let Self {
            nonce,
            nonce_at_end,
            virtual_xid,
            virtual_xid_at_end,
            server_time,
            server_time_at_end,
            snapshot,
            read_only,
            isolation,
            search_path,
            row_security,
            xid_assigned,
            locks,
            rows_written,
            residue,
            carried,
            backend_wal_bytes,
            ended_by,
            backend_pid,
            footprint,
            unmeasured,
            changed_while_read,
        } = self;
        let texts = [
            nonce,
            nonce_at_end,
            virtual_xid,
            virtual_xid_at_end,
            server_time,
            server_time_at_end,
            snapshot,
            isolation,
            search_path,
            row_security,
            ended_by,
        ];
        for text in texts {
            hasher.field(text);
        }
        let measured = format!(
            "{read_only:?} {xid_assigned:?} {rows_written:?} {residue:?} {backend_wal_bytes:?} {backend_pid:?} {footprint:?}"
        );
        hasher.field(measured);
        // Runs of earlier versions have no such value.
        if let Some(carried) = carried {
            hasher.field(format!("{carried:?}"));
        }
        for list in [locks, unmeasured, changed_while_read] {
            hasher.field(list.len().to_string());
            for text in list {
                hasher.field(text);
            }
        }
    }

    /// Whether everything was measured and nothing of it is a violation.
    pub fn is_clean(&self) -> bool {
        self.unmeasured.is_empty()
            && self.changed_while_read.is_empty()
            && self.violations().is_empty()
    }

    fn violations_before_end(&self, read_only: bool, violations: &mut Vec<String>) {
        let mut must = |holds: bool, violation: &dyn Fn() -> String| {
            if !holds {
                violations.push(violation());
            }
        };
        // Nonce, virtual transaction id and timestamp stay the same within one transaction. If one of them changed, our queries
        // did not run in one.
        must(
            !self.nonce.is_empty() && self.nonce == self.nonce_at_end,
            &|| "the nonce of the end is not that of the beginning".to_owned(),
        );
        must(
            !self.virtual_xid.is_empty() && self.virtual_xid == self.virtual_xid_at_end,
            &|| {
                format!(
                    "virtual xid {} became {}",
                    self.virtual_xid, self.virtual_xid_at_end
                )
            },
        );
        must(
            !self.server_time.is_empty() && self.server_time == self.server_time_at_end,
            &|| "the transaction timestamp moved".to_owned(),
        );
        must(read_only, &|| {
            "the transaction was not read only at its end".to_owned()
        });
        must(self.isolation == "repeatable read", &|| {
            format!("isolation was {}", self.isolation)
        });
        // The server prints an empty path as `""`.
        must(
            self.search_path.is_empty() || self.search_path == "\"\"",
            &|| format!("search_path was {}", self.search_path),
        );
        // With `off` a row security policy is an error instead of a silent filter.
        must(self.row_security == "off", &|| {
            format!("row_security was {}", self.row_security)
        });
        must(self.xid_assigned.is_none(), &|| {
            format!(
                "a transaction id was assigned: {}",
                self.xid_assigned.as_deref().unwrap_or("")
            )
        });
        must(self.rows_written == Some(0), &|| {
            self.rows_written.map_or_else(
                || "the rows written were not told".to_owned(),
                |rows| format!("{rows} rows written"),
            )
        });
    }
}

/// Whether these are advisory locks, `advisory/ExclusiveLock x2`, that the backend held before us; takes them from `before`.
fn is_carried(lock: &str, before: &mut u64) -> bool {
    let Some((kind, count)) = lock.rsplit_once(" x") else {
        return false;
    };
    let left = count.parse().ok().and_then(|held| before.checked_sub(held));
    match left {
        Some(left) if kind.starts_with("advisory/") => {
            *before = left;
            true
        }
        _ => false,
    }
}

impl Residue {
    fn violations(&self, carried: &Self, violations: &mut Vec<String>) {
        let mut more = |now: u64, before: u64, what: &str| {
            if now > before {
                violations.push(format!("{} {what}", now - before));
            }
        };
        more(
            self.advisory_locks,
            carried.advisory_locks,
            "advisory locks left",
        );
        more(
            self.listening_channels,
            carried.listening_channels,
            "channels still listened on",
        );
        more(
            self.prepared_transactions,
            carried.prepared_transactions,
            "prepared transactions left",
        );
        if self.temp_schema && !carried.temp_schema {
            violations.push("a temporary schema was left".to_owned());
        }
    }
}

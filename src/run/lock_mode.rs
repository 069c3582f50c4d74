//! The modes in which PostgreSQL locks a relation, and what others wait for meanwhile.

use serde::{Deserialize, Serialize};

/// A mode, by the name that `pg_locks` has for it; the later ones are the stronger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum LockMode {
    /// Reading.
    #[serde(rename = "AccessShareLock")]
    AccessShare,
    /// Locking rows.
    #[serde(rename = "RowShareLock")]
    RowShare,
    /// Writing rows.
    #[serde(rename = "RowExclusiveLock")]
    RowExclusive,
    /// VACUUM, ANALYZE, what is done CONCURRENTLY.
    #[serde(rename = "ShareUpdateExclusiveLock")]
    ShareUpdateExclusive,
    /// CREATE INDEX.
    #[serde(rename = "ShareLock")]
    Share,
    /// Triggers and foreign keys.
    #[serde(rename = "ShareRowExclusiveLock")]
    ShareRowExclusive,
    /// REFRESH MATERIALIZED VIEW CONCURRENTLY.
    #[serde(rename = "ExclusiveLock")]
    Exclusive,
    /// Most of ALTER TABLE, DROP, TRUNCATE.
    #[serde(rename = "AccessExclusiveLock")]
    AccessExclusive,
}

impl LockMode {
    /// All modes.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// Its name in `pg_locks`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShareLock",
            Self::RowShare => "RowShareLock",
            Self::RowExclusive => "RowExclusiveLock",
            Self::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            Self::Share => "ShareLock",
            Self::ShareRowExclusive => "ShareRowExclusiveLock",
            Self::Exclusive => "ExclusiveLock",
            Self::AccessExclusive => "AccessExclusiveLock",
        }
    }

    /// Whether rows cannot be written meanwhile.
    pub fn is_strong(self) -> bool {
        self >= Self::Share
    }

    /// What of others waits meanwhile.
    pub fn waits(self) -> &'static str {
        match self {
            Self::AccessShare | Self::RowShare | Self::RowExclusive => {
                "changes of its definition wait"
            }
            Self::ShareUpdateExclusive => "VACUUM and changes of its definition wait",
            Self::Share | Self::ShareRowExclusive => "writes wait",
            Self::Exclusive => "writes and row locks wait",
            Self::AccessExclusive => "all reads and writes wait",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LockMode;

    #[test]
    fn a_mode_is_written_by_its_name_and_the_list_is_in_order() {
        for mode in LockMode::ALL {
            let written = serde_json::to_value(mode).expect("a name");
            assert_eq!(written, mode.name());
        }
        assert!(LockMode::ALL.is_sorted());
        let strong = LockMode::ALL.into_iter().filter(|mode| mode.is_strong());
        assert_eq!(strong.count(), 4);
    }
}

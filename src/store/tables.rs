//! The tables of a run store, which its owner makes, and empties of old runs. Nothing here does either.

use crate::run::Days;

/// The SQL that the owner of a store runs once: tables, a role for its members, and grants.
pub const TABLES: &str = include_str!("../../assets/store/tables.sql");

/// The format of these tables, as `drygate.store` has it.
pub(super) const FORMAT: i32 = 1;

/// The SQL that the owner of a store runs to remove what was sealed more than so many days ago.
pub fn prune(older_than: Days) -> String {
    let days = older_than.count().to_string();
    include_str!("../../assets/store/prune.sql").replace("{days}", &days)
}

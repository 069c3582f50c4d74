//! The tables of a run store, which its owner makes. Nothing here makes them.

/// The SQL that the owner of a store runs once: tables, a role for its members, and grants.
pub const TABLES: &str = include_str!("../../assets/store/tables.sql");

/// The format of these tables, as `drygate.store` has it.
pub(super) const FORMAT: i32 = 1;

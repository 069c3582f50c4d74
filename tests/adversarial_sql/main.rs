//! What a hostile profile, role, database or server may try, and the walls against it. Invariant: every wall has a test that is red without it.
//!
//! One server is the one that `ServerBinaries::find` finds; `scripts/test-versions` adds PostgreSQL 13 to 18.

mod fake;
mod forged;
mod forged_kinds;
mod links;
mod observer;
mod parts;
mod progress;
mod raw;
mod reached;
mod reads;
mod ring;
mod roles;
mod statements;
mod support;
mod traps;
mod values;
mod walls;

//! What the integration tests share. Invariant: every wait is for a fact, with a deadline that shows what was there instead.

pub mod around_changes;
pub mod forging;
pub mod ground;
pub mod modes;
pub mod pooler;
pub mod pty;
pub mod rehearsed;
pub mod screen;
pub mod server;
pub mod table_lock;
pub mod wire;

//! What a demo can show. Invariant: each is a scenario of the throwaway server, which `launch/demo.rs` matches without a rest.

use clap::ValueEnum;

/// What the demo shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DemoScenario {
    /// 60 units, all enacted: a live run would change nothing.
    Enacted,
    /// 60 drafts: a live run would enact them all.
    #[default]
    Draft,
    /// Another session changes a unit while SG2 waits.
    Drift,
    /// The reading role may write: G1 fails.
    UnsafeRole,
    /// A migration on a small shop, rehearsed.
    Change,
    /// Articles of another team: imported and published, simulated.
    Publish,
    /// A purge that legal holds limit, rehearsed.
    Purge,
    /// A trigger makes the change write more rows than are simulated: G3 fails.
    Undeclared,
    /// The change itself fails when it is rehearsed: G3 fails.
    Broken,
}

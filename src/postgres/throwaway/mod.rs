//! Throwaway PostgreSQL clusters for the demo and for tests, and the content of the demo.
//! Invariant: it removes only directories that were made here. Held by `ClusterDirectory::adopt` and the tests
//! `a_directory_without_our_marker_is_left_alone` and `a_marker_that_is_not_ours_is_no_invitation` (tests/throwaway.rs).

mod account;
mod binaries;
mod cluster;
mod directory;
mod error;
mod process;
mod scenario;
mod session;
mod sweep;

pub use binaries::ServerBinaries;
pub use cluster::{Cluster, ClusterOptions};
pub use error::ThrowawayError;
pub use scenario::{Scenario, UnknownScenario};
pub use sweep::sweep_abandoned;

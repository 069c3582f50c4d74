//! A real PostgreSQL for everybody: a throwaway cluster and the demo content in it. Invariant: it touches only directories that
//! it made itself.

mod account;
mod binaries;
mod cluster;
mod directory;
mod empty;
mod error;
mod process;
mod scenario;
mod scratch;
mod session;
mod sweep;

pub use binaries::{ServerBinaries, program_directories};
pub use cluster::{Cluster, ClusterOptions, ClusterOrigin};
pub use error::ThrowawayError;
pub use scenario::{Scenario, UnknownScenario};
pub use scratch::ScratchDirectory;
pub use session::{ClusterSession, OpenSession};
pub use sweep::sweep_abandoned;

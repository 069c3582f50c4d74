//! Who retells a run: recording, checkpoints, moments, player. Invariant: reads the journal and nothing else; what it tells of a line is the fold of all lines up to it.

mod checkpoints;
mod decision;
mod error;
mod moment;
mod player;
mod recording;

pub use decision::{Decided, ShownSheet};
pub use error::ReplayError;
pub use moment::RunMoment;
pub use player::{Player, SeekTarget, Speed, Waits};
pub use recording::Recording;

//! Playback of a run: a recording that can be asked for any line, checkpoints, decisions, player. It reads the journal alone.

mod checkpoints;
mod decision;
mod error;
mod player;
mod recording;

pub use decision::{Decided, ShownSheet};
pub use error::ReplayError;
pub use player::{Player, SeekTarget, Speed, Waits};
pub use recording::Recording;

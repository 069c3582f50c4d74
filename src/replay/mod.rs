//! Playback of a run from its journal: a recording that gives the run at any line, checkpoints, decisions, and the position of
//! the player. No database and no network is needed.

mod checkpoints;
mod decision;
mod error;
mod player;
mod recording;

pub use error::ReplayError;
pub use player::{Player, SeekTarget, Speed, Waits};
pub use recording::Recording;

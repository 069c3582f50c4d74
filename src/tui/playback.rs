//! Messages between a replay and the screen: frames of the playback, and commands to it. Plain data: the playback itself is in
//! the `replay` folder.

use std::sync::Arc;

use crate::run::{History, LastPass};
use crate::survey::UtcTime;

/// A run as it was at one line, and where the replay stands.
#[derive(Debug, Clone)]
pub struct ReplayFrame {
    /// The folded run at this line.
    pub history: Arc<History>,
    /// The last PASS that the run compared itself with by then.
    pub last_pass: Option<Box<LastPass>>,
    /// Where the replay stands.
    pub playback: PlaybackState,
}

/// Where a replay stands and how it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaybackState {
    /// Sequence number of the line that is shown.
    pub seq: u64,
    /// Time of that line.
    pub now: UtcTime,
    /// What its event is called, and what it says.
    pub line: (&'static str, String),
    /// Whether it plays.
    pub is_playing: bool,
    /// Speed, such as `4x`.
    pub speed: String,
    /// Whether waits are waited out; else they are cut short.
    pub waits_are_real: bool,
    /// Percent read, until everything is.
    pub reading: Option<u8>,
    /// Why not more of the journal could be read.
    pub trouble: Option<String>,
    /// The run as far as it was read, beyond this line too.
    pub tip: Arc<History>,
}

impl PlaybackState {
    /// The last line that was read.
    pub fn last(&self) -> u64 {
        self.tip.last().map_or(0, |(seq, _)| seq)
    }

    /// When the run was sealed.
    pub fn sealed_at(&self) -> Option<UtcTime> {
        let (_, at) = self.tip.last()?;
        self.tip.run().sealed.is_some().then_some(at)
    }
}

/// What a person asks of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaybackCommand {
    /// Play or pause.
    Toggle,
    /// So many lines on, or back.
    Step(i64),
    /// To the next stop or decision, or the one before.
    Halt {
        /// `true`: the next one; `false`: the one before.
        forward: bool,
    },
    /// To a record or time, as typed.
    GoTo(String),
    /// Double the speed.
    Faster,
    /// Halve the speed.
    Slower,
    /// Waits are waited out, or cut short.
    Waits,
    /// Show what the approver saw.
    Seen,
}

//! Where a replay stands and how fast it goes. Invariant: pure; it is told how much time passed and answers how much is left.

use std::fmt;
use std::time::Duration;

use super::ReplayError;
use crate::survey::UtcTime;

/// What a gap between two lines counts at most, where waits are compressed.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// The same for lines that nobody looks for: reads while the run waits.
const QUIET_MAX: Duration = Duration::from_millis(100);

/// How fast time passes: a power of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Speed(i8);

impl Speed {
    const MIN: i8 = -2;
    const MAX: i8 = 8;

    /// Twice as fast, up to 256.
    #[must_use]
    pub fn faster(self) -> Self {
        Self((self.0 + 1).min(Self::MAX))
    }

    /// Half as fast, down to a quarter.
    #[must_use]
    pub fn slower(self) -> Self {
        Self((self.0 - 1).max(Self::MIN))
    }

    /// How long a stretch of recorded time takes on screen.
    pub fn on_screen(self, recorded: Duration) -> Duration {
        match self.0 {
            0.. => recorded / (1 << self.0),
            _ => recorded * (1 << -self.0),
        }
    }

    /// How much recorded time passes meanwhile.
    pub fn recorded(self, on_screen: Duration) -> Duration {
        Self(-self.0).on_screen(on_screen)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0.. => write!(f, "{}x", 1 << self.0),
            _ => write!(f, "1/{}x", 1 << -self.0),
        }
    }
}

/// What becomes of the time in which nothing happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Waits {
    /// It is cut short.
    #[default]
    Compressed,
    /// It is waited out.
    Real,
}

/// A place in a run and how it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Player {
    /// The line shown.
    pub seq: u64,
    /// The time shown: that of the line, or later while the next has not come.
    pub now: UtcTime,
    /// Whether it goes on by itself.
    pub is_playing: bool,
    /// How fast.
    pub speed: Speed,
    /// What waits count.
    pub waits: Waits,
}

impl Player {
    /// Stands at a line.
    pub fn at(seq: u64, now: UtcTime) -> Self {
        Self {
            seq,
            now,
            is_playing: false,
            speed: Speed::default(),
            waits: Waits::default(),
        }
    }

    /// Goes to a line.
    pub fn goes_to(&mut self, seq: u64, now: UtcTime) {
        (self.seq, self.now) = (seq, now);
    }

    /// Plays, or pauses.
    pub fn toggle(&mut self) {
        self.is_playing = !self.is_playing;
    }

    /// Waits are waited out, or cut short.
    pub fn toggle_waits(&mut self) {
        self.waits = match self.waits {
            Waits::Compressed => Waits::Real,
            Waits::Real => Waits::Compressed,
        };
    }

    /// How long the screen shows this moment before the line of `next`; `is_quiet`: a line that nobody looks for.
    pub fn until(&self, next: UtcTime, is_quiet: bool) -> Duration {
        let micros = next.unix_micros() - self.now.unix_micros();
        let gap = Duration::from_micros(u64::try_from(micros).unwrap_or_default());
        let counted = match (self.waits, is_quiet) {
            (Waits::Real, _) => gap,
            (Waits::Compressed, true) => gap.min(QUIET_MAX),
            (Waits::Compressed, false) => gap.min(WAIT_MAX),
        };
        self.speed.on_screen(counted)
    }

    /// Time passed on the screen and no line came.
    pub fn passes(&mut self, on_screen: Duration) {
        let micros = self.speed.recorded(on_screen).as_micros();
        let passed = i64::try_from(micros).unwrap_or_default();
        self.now = UtcTime::from_unix_micros(self.now.unix_micros().saturating_add(passed));
    }
}

/// Where somebody wants to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeekTarget {
    /// A line.
    Record(u64),
    /// A time.
    Time(UtcTime),
}

impl SeekTarget {
    /// Reads `212`, `09:33`, `09:33:06` or a whole time. A clock time is the first one at or after `began`.
    pub fn read(text: &str, began: UtcTime) -> Result<Self, ReplayError> {
        let text = text.trim();
        if let Ok(seq) = text.parse() {
            return Ok(Self::Record(seq));
        }
        if let Ok(at) = text.parse() {
            return Ok(Self::Time(at));
        }
        let unreadable = || ReplayError::Unreadable(text.to_owned());
        let clock = text.trim_end_matches('Z');
        let seconds = if clock.matches(':').count() == 1 {
            ":59.999999"
        } else {
            ".999999"
        };
        let on = |date: &str| format!("{date}T{clock}{seconds}Z").parse::<UtcTime>().ok();
        let day = on(&began.date()).ok_or_else(unreadable)?;
        let at = if day < began {
            day.plus_seconds(24 * 60 * 60)
        } else {
            day
        };
        Ok(Self::Time(at))
    }
}

//! Position and speed of a playback. It reads no clock: the caller says how much time passed and is told how long to wait.

use std::fmt;
use std::time::Duration;

use super::ReplayError;
use crate::survey::UtcTime;

/// How long a gap between two lines takes at most, at normal speed, where waits are compressed.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// The same before a quiet line, such as a read while the run waits.
const QUIET_MAX: Duration = Duration::from_millis(100);

/// Speed of the playback as an exponent of two: 0 is real time, 3 is eight times as fast.
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

    /// How long a duration of the recording takes on the screen.
    pub fn on_screen(self, recorded: Duration) -> Duration {
        match self.0 {
            0.. => recorded / (1 << self.0),
            _ => recorded * (1 << -self.0),
        }
    }

    /// How much time of the recording passes in a duration on the screen.
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

/// How gaps without an event are played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Waits {
    /// Gaps are shortened to at most a second.
    #[default]
    Compressed,
    /// Gaps take as long as they took.
    Real,
}

/// A position in a run, and how it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Player {
    /// The number of the line that is shown.
    pub seq: u64,
    /// The time that is shown: that of the line, or a later one while the next line has not come.
    pub now: UtcTime,
    /// Whether the playback is running; `false`: it is paused.
    pub is_playing: bool,
    /// How fast time passes.
    pub speed: Speed,
    /// How gaps without an event are played.
    pub waits: Waits,
}

impl Player {
    /// A paused playback at a line, in real time.
    pub fn at(seq: u64, now: UtcTime) -> Self {
        Self {
            seq,
            now,
            is_playing: false,
            speed: Speed::default(),
            waits: Waits::default(),
        }
    }

    /// Moves to a line and its time.
    pub fn goes_to(&mut self, seq: u64, now: UtcTime) {
        (self.seq, self.now) = (seq, now);
    }

    /// Starts or pauses the playback.
    pub fn toggle(&mut self) {
        self.is_playing = !self.is_playing;
    }

    /// Switches between compressed and real waits.
    pub fn toggle_waits(&mut self) {
        self.waits = match self.waits {
            Waits::Compressed => Waits::Real,
            Waits::Real => Waits::Compressed,
        };
    }

    /// How long the screen shows this moment before the line written at `next`. `is_quiet`: that line is a
    /// read while the run waits.
    pub fn until(&self, next: UtcTime, is_quiet: bool) -> Duration {
        let micros = next.unix_micros() - self.now.unix_micros();
        // A time before `now` gives no wait instead of an error.
        let gap = Duration::from_micros(u64::try_from(micros).unwrap_or_default());
        let counted = match (self.waits, is_quiet) {
            (Waits::Real, _) => gap,
            (Waits::Compressed, true) => gap.min(QUIET_MAX),
            (Waits::Compressed, false) => gap.min(WAIT_MAX),
        };
        self.speed.on_screen(counted)
    }

    /// Moves the shown time on by a duration of the screen, without a new line.
    pub fn passes(&mut self, on_screen: Duration) {
        let micros = self.speed.recorded(on_screen).as_micros();
        let passed = i64::try_from(micros).unwrap_or_default();
        self.now = UtcTime::from_unix_micros(self.now.unix_micros().saturating_add(passed));
    }
}

/// The place that a person wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeekTarget {
    /// A record, by its number.
    Record(u64),
    /// The last record at or before a time.
    Time(UtcTime),
}

impl SeekTarget {
    /// When the time that `text` names begins, of which `at` is the end: a minute, a second, or a moment.
    pub fn begins(text: &str, at: UtcTime) -> UtcTime {
        let text = text.trim();
        let length = match text.matches(':').count() {
            _ if text.contains('T') => 0,
            1 => 60,
            _ => 1,
        };
        at.plus_seconds(-length)
    }

    /// Parses `212`, `09:33`, `09:33:06` or a whole time. A time of day means its first occurrence since
    /// the run began, at `began`.
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
        // The end of that minute or second, so that everything that happened within it is shown.
        let seconds = if clock.matches(':').count() == 1 {
            ":59.999999"
        } else {
            ".999999"
        };
        let on = |date: &str| format!("{date}T{clock}{seconds}Z").parse::<UtcTime>().ok();
        let day = on(&began.date()).ok_or_else(unreadable)?;
        // The time of day was over when the run began, so the next day is meant.
        let at = if day < began {
            day.plus_seconds(24 * 60 * 60)
        } else {
            day
        };
        Ok(Self::Time(at))
    }
}

//! A point in time as the journal writes it. Invariant: RFC 3339, UTC, microseconds, and it never reads the clock.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A UTC time with microseconds. Printed as `2026-05-21T02:15:23.000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime(Timestamp);

impl UtcTime {
    /// The time of a timestamp, cut to microseconds.
    pub fn new(at: Timestamp) -> Self {
        Self(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
    }

    /// The time `micros` microseconds after 1970-01-01T00:00:00Z; times beyond year 9999 are clamped to it.
    pub fn from_unix_micros(micros: i64) -> Self {
        Self(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn unix_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// This time moved by `seconds`, clamped to what can be written.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(
            self.0
                .checked_add(SignedDuration::from_secs(seconds))
                .unwrap_or(Timestamp::MAX),
        )
    }

    /// The clock time alone, `09:17:24Z`.
    pub fn clock(self) -> String {
        self.0.strftime("%H:%M:%SZ").to_string()
    }

    /// Hours and minutes, `09:17Z`.
    pub fn clock_minutes(self) -> String {
        self.0.strftime("%H:%MZ").to_string()
    }

    /// The date alone, `2026-05-21`.
    pub fn date(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// The compact form inside a run id, `20260521T021523Z`.
    pub fn compact(self) -> String {
        self.0.strftime("%Y%m%dT%H%M%SZ").to_string()
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    }
}

impl FromStr for UtcTime {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::new)
    }
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::UtcTime;

    #[test]
    fn microseconds_survive_a_round_trip() {
        let at: UtcTime = "2026-05-21T02:15:23.000042Z".parse().expect("a valid time");
        assert_eq!(at.to_string(), "2026-05-21T02:15:23.000042Z");
        assert_eq!(at.compact(), "20260521T021523Z");
        assert_eq!(at.clock(), "02:15:23Z");
        assert_eq!(UtcTime::from_unix_micros(at.unix_micros()), at);
    }
}

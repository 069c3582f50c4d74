//! A point in time as the journal writes it: RFC 3339, UTC, microseconds.
//! Invariant: it never reads the clock. Held by tests/architecture.rs, which forbids clocks in this folder.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::parsed::parsed;

/// A UTC time with microseconds. Printed as `2026-05-21T02:15:23.000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime(Timestamp);

impl UtcTime {
    /// A timestamp, cut to microseconds.
    pub fn new(at: Timestamp) -> Self {
        Self(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
    }

    /// The time `micros` microseconds after 1970-01-01T00:00:00Z. A number that no timestamp has becomes
    /// the last one (year 9999).
    pub fn from_unix_micros(micros: i64) -> Self {
        Self(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX))
    }

    /// Microseconds since the Unix epoch, 1970-01-01T00:00:00Z.
    pub fn unix_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// This time moved by `seconds`. A result that no timestamp has becomes the last one.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(
            self.0
                .checked_add(SignedDuration::from_secs(seconds))
                .unwrap_or(Timestamp::MAX),
        )
    }

    /// This time moved by `millis` milliseconds, at most to the last timestamp.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        let micros = i64::try_from(millis.saturating_mul(1_000)).unwrap_or(i64::MAX);
        Self::from_unix_micros(self.unix_micros().saturating_add(micros))
    }

    /// The time of day with seconds, `09:17:24Z`.
    pub fn clock(self) -> String {
        self.0.strftime("%H:%M:%SZ").to_string()
    }

    /// The time of day without seconds, `09:17Z`.
    pub fn clock_minutes(self) -> String {
        self.0.strftime("%H:%MZ").to_string()
    }

    /// The date alone, `2026-05-21`.
    pub fn date(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// The compact form in a run id, `20260521T021523Z`.
    pub fn compact(self) -> String {
        self.0.strftime("%Y%m%dT%H%M%SZ").to_string()
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not by a pattern, which is read anew each time: every journal line has one or two times.
        write!(f, "{:.6}", self.0)
    }
}

impl FromStr for UtcTime {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match as_written(text) {
            // The exact form of the journal first; any other RFC 3339 text is read by the parser of jiff.
            Some(at) => Ok(Self(at)),
            None => text.parse::<Timestamp>().map(Self::new),
        }
    }
}

/// Parses a time in exactly the form that `Display` writes. Every journal line has one or two times, and
/// the general parser is slower.
fn as_written(text: &str) -> Option<Timestamp> {
    // 27 bytes: `2026-05-21T02:15:23.000000Z`.
    let text: &[u8; 27] = text.as_bytes().try_into().ok()?;
    let signs = [4, 7, 10, 13, 16, 19, 26].map(|at| text[at]);
    let number = |digits: Range<usize>| {
        text[digits].iter().try_fold(0_i32, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
            Some(number * 10 + i32::from(digit))
        })
    };
    let two = |at: usize| i8::try_from(number(at..at + 2)?).ok();
    let year = i16::try_from(number(0..4)?).ok()?;
    let nanosecond = number(20..26)? * 1_000;
    // `DateTime::new` checks the ranges, such as month 13 or 30 February.
    let at = DateTime::new(
        year,
        two(5)?,
        two(8)?,
        two(11)?,
        two(14)?,
        two(17)?,
        nanosecond,
    );
    let at = at.ok().filter(|_| &signs == b"--T::.Z")?;
    Offset::UTC.to_timestamp(at).ok()
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::{UtcTime, as_written};

    proptest! {
        #[test]
        fn a_time_is_read_as_the_grammar_reads_it(
            micros in -62_135_596_800_000_000_i64..253_402_207_200_000_000,
            digit in 0_usize..27,
            other in proptest::char::range(' ', '~'),
        ) {
            let at = UtcTime::from_unix_micros(micros);
            let text = at.to_string();
            prop_assert_eq!(as_written(&text).map(UtcTime), Some(at));
            let mut changed: Vec<char> = text.chars().collect();
            changed[digit] = other;
            let changed: String = changed.into_iter().collect();
            let expected = changed.parse::<Timestamp>().ok().map(UtcTime::new);
            prop_assert_eq!(changed.parse().ok(), expected, "{}", changed);
        }
    }

    #[test]
    fn microseconds_survive_a_round_trip() {
        let at: UtcTime = "2026-05-21T02:15:23.000042Z".parse().expect("a valid time");
        assert_eq!(at.to_string(), "2026-05-21T02:15:23.000042Z");
        assert_eq!(at.compact(), "20260521T021523Z");
        assert_eq!(at.clock(), "02:15:23Z");
        assert_eq!(UtcTime::from_unix_micros(at.unix_micros()), at);
    }
}

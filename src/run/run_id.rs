//! The id of a run: `<prefix>-<UTC yyyymmddThhmmssZ>-<8 lowercase hex>`.
//! Invariant: a [`RunId`] is well formed and safe as a file name (`FromStr`, which `Deserialize` uses; test
//! `nothing_that_could_leave_the_runs_directory_is_an_id`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

use crate::survey::UtcTime;

/// The name of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RunId(String);

/// A text that is no run id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not <prefix>-<yyyymmddThhmmssZ>-<8 hex>")]
pub struct RunIdError(String);

impl RunId {
    /// Makes the id of a run that starts at `at`; `random` gives the last 8 hex characters.
    /// Errors when the prefix is not 1-16 characters of a-z and 0-9.
    pub fn new(prefix: &str, at: UtcTime, random: u32) -> Result<Self, RunIdError> {
        format!("{prefix}-{}-{random:08x}", at.compact()).parse()
    }

    /// The whole id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last 8 hex characters, which people use: `8a941203`.
    pub fn tail(&self) -> &str {
        &self.0[self.0.len() - 8..]
    }

    /// The date of the id, `2026-05-21`: part of the names of the reports.
    pub fn date(&self) -> String {
        // Counted from the end, since the prefix has 1 to 16 characters: 16 of the time, a dash, 8 of the tail.
        let stamp = &self.0[self.0.len() - 25..];
        format!("{}-{}-{}", &stamp[..4], &stamp[4..6], &stamp[6..8])
    }

    /// The time in it, when the run was started: to the second.
    pub fn started(&self) -> Option<UtcTime> {
        self.0[self.0.len() - 25..self.0.len() - 9].parse().ok()
    }

    /// `..8a941203`, for narrow screens.
    pub fn short(&self) -> String {
        format!("..{}", self.tail())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let error = || RunIdError(text.to_owned());
        let parts: Vec<&str> = text.split('-').collect();
        let [prefix, stamp, tail] = parts.as_slice() else {
            return Err(error());
        };
        let lower = |c: u8| c.is_ascii_digit() || c.is_ascii_lowercase();
        let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        let stamp_ok = stamp.len() == 16
            && stamp.bytes().enumerate().all(|(i, c)| match i {
                8 => c == b'T',
                15 => c == b'Z',
                _ => c.is_ascii_digit(),
            });
        let ok = (1..=16).contains(&prefix.len())
            && prefix.bytes().all(lower)
            && stamp_ok
            && tail.len() == 8
            && tail.bytes().all(hex);
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(error())
        }
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::RunId;

    #[test]
    fn the_id_of_the_source_report_is_well_formed() {
        let id: RunId = "ictr-20260521T021523Z-8a941203"
            .parse()
            .expect("well formed");
        assert_eq!(id.tail(), "8a941203");
        assert_eq!(id.date(), "2026-05-21");
        let started = id.started().map(|at| at.to_string());
        assert_eq!(started.as_deref(), Some("2026-05-21T02:15:23.000000Z"));
    }

    #[test]
    fn nothing_that_could_leave_the_runs_directory_is_an_id() {
        for text in [
            "../x",
            "ictr-20260521T021523Z-8A941203",
            "a/b-20260521T021523Z-8a941203",
            "",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}

//! The mode of a run, and the refusal of LIVE.
//! Invariant: the only mode a run can have is `Mode.DRYRUN`: [`Mode`] has no other variant (test
//! `live_parses_and_is_refused_in_every_spelling`).

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The mode of a run. LIVE parses and is refused: there is no variant for it, so no run can have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Mode {
    /// Everything is read or simulated.
    #[serde(rename = "Mode.DRYRUN")]
    Dryrun,
}

/// LIVE, or execution, was asked for: `STOP_LIVE_REFUSED`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{way} asks for a live execution, which does not exist in drygate")]
pub struct LiveRefused {
    /// How it was asked for: `--mode live`, `DRYGATE_EXECUTION_ENABLED=true`.
    pub way: String,
}

/// Why a word is no mode.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModeError {
    /// LIVE was asked for.
    #[error(transparent)]
    Live(#[from] LiveRefused),
    /// It is no mode at all.
    #[error("{way}: {word:?} is no mode; there are dryrun and live, and live is always refused")]
    Unknown {
        /// Where it was written: option, variable or file.
        way: String,
        /// The word as it was written.
        word: String,
    },
}

impl Mode {
    /// `Mode.DRYRUN`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dryrun => "Mode.DRYRUN",
        }
    }

    /// Whether anything may be executed in this mode. It follows from the mode; nothing can set it.
    pub fn execution_enabled(self) -> bool {
        match self {
            Self::Dryrun => false,
        }
    }

    /// Reads a mode as a person wrote it; `way` names where, for the refusal.
    pub fn parse(way: &str, word: &str) -> Result<Self, ModeError> {
        let bare = word.trim().to_ascii_lowercase();
        match bare.strip_prefix("mode.").unwrap_or(&bare) {
            "dryrun" | "dry-run" | "dry_run" => Ok(Self::Dryrun),
            "live" => Err(LiveRefused {
                way: way.to_owned(),
            }
            .into()),
            _ => Err(ModeError::Unknown {
                way: way.to_owned(),
                word: word.to_owned(),
            }),
        }
    }

    /// Reads `execution_enabled` as a person wrote it. Everything that is not clearly off is refused.
    pub fn parse_execution(way: &str, word: &str) -> Result<(), LiveRefused> {
        match word.trim().to_ascii_lowercase().as_str() {
            "" | "0" | "false" | "no" | "off" => Ok(()),
            _ => Err(LiveRefused {
                way: way.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, ModeError};

    #[test]
    fn live_parses_and_is_refused_in_every_spelling() {
        for word in ["live", "LIVE", "Mode.LIVE", " Live "] {
            let refused = Mode::parse("--mode live", word);
            assert!(matches!(refused, Err(ModeError::Live(_))), "{word}");
        }
        assert_eq!(Mode::parse("--mode", "dryrun"), Ok(Mode::Dryrun));
        assert!(Mode::parse_execution("x", "true").is_err());
        assert!(Mode::parse_execution("x", "yes please").is_err());
        assert!(Mode::parse_execution("x", "false").is_ok());
        assert!(!Mode::Dryrun.execution_enabled());
    }
}

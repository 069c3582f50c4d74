//! Reading a profile's text. Invariant: every error names file, line, column and what is allowed.

use thiserror::Error;

use super::Profile;

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// It asks for LIVE or for execution: `STOP_LIVE_REFUSED`.
    #[error("{file}: {key} asks for a live execution, which does not exist")]
    LiveRefused {
        /// File.
        file: String,
        /// `mode = "live"` or `execution_enabled = true`.
        key: String,
    },
    /// It is not a valid profile: exit 78.
    #[error("{file}:{line}:{column}: {message}")]
    Invalid {
        /// File.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// There is none of that name: exit 78.
    #[error("no profile {name:?}; there are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names that exist.
        known: String,
    },
}

/// Parses a profile's text; `file` is only named in errors.
pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let profile: Profile = toml::from_str(text).map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        ProfileError::Invalid {
            file: file.to_owned(),
            line,
            column,
            message: error.message().to_owned(),
        }
    })?;
    refuse_live(file, &profile)?;
    Ok(profile)
}

fn refuse_live(file: &str, profile: &Profile) -> Result<(), ProfileError> {
    let refused = |key: &str| ProfileError::LiveRefused {
        file: file.to_owned(),
        key: key.to_owned(),
    };
    if profile
        .mode
        .as_deref()
        .is_some_and(|mode| mode.eq_ignore_ascii_case("live"))
    {
        return Err(refused("mode = \"live\""));
    }
    if profile.execution_enabled == Some(true) {
        return Err(refused("execution_enabled = true"));
    }
    Ok(())
}

/// Line and column, from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

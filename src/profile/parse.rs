//! Parses and validates the text of a profile. Invariant: an error of the text has file, line and column
//! (`ProfileError::Invalid`).

use thiserror::Error;

use super::validate::{validate, validate_recorded};
use super::{MachinePolicy, Problem, Profile, TextPosition, TomlDocument, printable};

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// It asks for LIVE or for execution: `STOP_LIVE_REFUSED`.
    #[error("{file}: {key} asks for a live execution, which does not exist")]
    LiveRefused {
        /// The file with line and column.
        file: String,
        /// `mode = "live"` or `execution_enabled = true`.
        key: String,
    },
    /// It is not a valid profile: exit 78.
    #[error("{file}:{line}:{column}: {message}")]
    Invalid {
        /// The file, or the name of a built-in profile.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// Its file cannot be read: exit 78.
    #[error("{file}: cannot be read: {error}")]
    Unreadable {
        /// The path, escaped for a terminal.
        file: String,
        /// The error of the operating system.
        error: String,
    },
    /// There is none of that name: exit 78.
    #[error("no profile {name:?}; there are: {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The built-in names, separated by commas.
        known: String,
    },
}

/// Parses and validates a profile's text; `file` is only named in errors.
pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
    read(file, text, validate)
}

/// Parses the profile that a run was begun with, perhaps by an older drygate: the checks that it excludes need not be known. It
/// is the one under `policy`, the text of the policy file that the run was begun under, if there was one.
pub fn parse_recorded(
    file: &str,
    text: &str,
    policy: Option<&str>,
) -> Result<Profile, ProfileError> {
    let profile = read(file, text, validate_recorded)?;
    match policy {
        Some(policy) => {
            let file = format!("the policy of {file}");
            Ok(profile.under(&MachinePolicy::parse(&file, policy)?))
        }
        None => Ok(profile),
    }
}

type Validation = fn(&TomlDocument<'_>, &Profile) -> Result<(), Problem>;

fn read(file: &str, text: &str, validate: Validation) -> Result<Profile, ProfileError> {
    let invalid = |problem: Problem| ProfileError::Invalid {
        file: file.to_owned(),
        line: problem.position.line,
        column: problem.position.column,
        message: problem.message,
    };
    let document = TomlDocument::read(text).map_err(invalid)?;
    // Before the types: `mode = "live"` must end in STOP_LIVE_REFUSED even where the profile is wrong in other ways.
    refuse_live(file, &document)?;
    let profile = document.typed().map_err(invalid)?;
    validate(&document, &profile).map_err(invalid)?;
    Ok(profile)
}

/// The words that clearly leave execution off; any other is taken as a wish to execute.
const OFF: [&str; 5] = ["", "0", "false", "no", "off"];

/// Refuses a profile that asks for LIVE, before anything else is found wrong with it.
fn refuse_live(file: &str, document: &TomlDocument<'_>) -> Result<(), ProfileError> {
    let refused = |position: TextPosition, key: String| {
        Err(ProfileError::LiveRefused {
            file: format!("{file}:{}:{}", position.line, position.column),
            key,
        })
    };
    if let Some((word, position)) = document.word("mode")
        && mode_of(&word) == "live"
    {
        return refused(position, "mode = \"live\"".to_owned());
    }
    if let Some((word, position)) = document.word("execution_enabled")
        && !OFF.contains(&word.trim().to_ascii_lowercase().as_str())
    {
        return refused(
            position,
            format!("execution_enabled = {}", printable(&word)),
        );
    }
    Ok(())
}

/// A mode as a person wrote it, without case and without `Mode.`.
pub(super) fn mode_of(word: &str) -> String {
    let bare = word.trim().to_ascii_lowercase();
    bare.strip_prefix("mode.").unwrap_or(&bare).to_owned()
}

//! Loads a profile by name or path. Invariant: the text that is validated is the one that is digested (`LoadedProfile::text`).

use std::io;
use std::path::{Path, PathBuf};

use super::{Profile, ProfileError, built_in, parse};
use crate::profile::{BUILT_IN, printable};

/// A profile with the text that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedProfile {
    /// The profile.
    pub profile: Profile,
    /// Its text, which is what is digested.
    pub text: String,
    /// Where the text came from.
    pub origin: ProfileOrigin,
}

/// Where the text of a profile came from: errors and relative paths in it refer to this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileOrigin {
    /// Compiled into drygate, under this name.
    BuiltIn(&'static str),
    /// Read from a file at this path.
    File(PathBuf),
}

impl ProfileOrigin {
    /// The name that errors give it: the path, or the built-in name.
    pub fn file(&self) -> String {
        match self {
            Self::BuiltIn(name) => (*name).to_owned(),
            Self::File(path) => printable(&path.display().to_string()),
        }
    }
}

/// Loads a built-in profile by its name, or another from the file at a path. `read` reads a file, so this opens nothing itself
/// and tests need no disk.
pub fn load(
    name_or_path: &str,
    read: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<LoadedProfile, ProfileError> {
    // A built-in name wins over a file of that name in the current directory; `./NAME` names the file.
    if let Some((name, _)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
        let (profile, text) = built_in(name)?;
        return Ok(LoadedProfile {
            profile,
            text: text.to_owned(),
            origin: ProfileOrigin::BuiltIn(name),
        });
    }
    let path = PathBuf::from(name_or_path);
    let origin = ProfileOrigin::File(path.clone());
    let is_path = name_or_path.contains('/') || path.extension().is_some();
    let text = match read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_path => {
            // A bare word that is no file was meant as a name.
            return built_in(name_or_path).map(|(profile, text)| LoadedProfile {
                profile,
                text: text.to_owned(),
                origin,
            });
        }
        Err(error) => {
            return Err(ProfileError::Unreadable {
                file: origin.file(),
                error: error.to_string(),
            });
        }
    };
    let profile = parse(&origin.file(), &text)?;
    Ok(LoadedProfile {
        profile,
        text,
        origin,
    })
}

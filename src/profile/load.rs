//! A profile by name or path. Invariant: what is validated is the text that is digested.

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

/// Where a profile came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileOrigin {
    /// It comes with drygate.
    BuiltIn(&'static str),
    /// A file.
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

/// Loads a built-in profile by its name, or another from the file at a path, with `read`.
pub fn load(
    name_or_path: &str,
    read: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<LoadedProfile, ProfileError> {
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

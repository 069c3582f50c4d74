//! The profiles that are compiled into drygate. Invariant: each parses and validates (test
//! `the_built_in_profile_is_valid_and_its_evidence_good_for_eight_hours`).

use super::{Profile, ProfileError, parse};

/// Names and texts of the built-in profiles: the default first, then the worked ones.
pub const BUILT_IN: [(&str, &str); 4] = [
    (
        "icx-const",
        include_str!("../../assets/profiles/icx-const.toml"),
    ),
    (
        "publishing",
        include_str!("../../assets/profiles/publishing.toml"),
    ),
    (
        "retention-purge",
        include_str!("../../assets/profiles/retention-purge.toml"),
    ),
    (
        "schema-migration",
        include_str!("../../assets/profiles/schema-migration.toml"),
    ),
];

/// The built-in profile of a name, with its text. `Unknown` lists the names that exist.
pub fn built_in(name: &str) -> Result<(Profile, &'static str), ProfileError> {
    let known = || {
        BUILT_IN
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (file, text) = BUILT_IN
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| ProfileError::Unknown {
            name: name.to_owned(),
            known: known(),
        })?;
    Ok((parse(file, text)?, text))
}

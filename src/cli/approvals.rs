//! Checks that a profile's approval policy can be met by the store. Invariant: a policy about other persons needs a store that
//! is shared with a group (`check_approvals`; test `a_policy_about_persons_needs_a_shared_store`).

use super::{CliError, Settings};
use crate::profile::{LoadedProfile, PathStep, TextPosition, TomlDocument};

/// Refuses `approvals.distinct` and `approvals.exclude_starter` without `store.group`: nobody else could record an approval.
pub fn check_approvals(profile: &LoadedProfile, settings: &Settings) -> Result<(), CliError> {
    let Some(key) = profile.profile.approvals.needs_group() else {
        return Ok(());
    };
    if settings.store_group.is_some() {
        return Ok(());
    }
    // The profile was parsed before, so 1:1 is only a fallback that keeps this free of a panic.
    let at = TomlDocument::read(&profile.text)
        .map_or(TextPosition { line: 1, column: 1 }, |document| {
            document.position(&[PathStep::Key("approvals"), PathStep::Key(key)])
        });
    Err(CliError::configuration(
        format!("{}:{}:{}", profile.origin.file(), at.line, at.column),
        format!("approvals.{key} needs a group that shares the data directory"),
        "Set group = \"NAME\" in [store] of drygate.toml or the user configuration, or leave the key out.",
    ))
}

//! What a profile asks of approvals and only a shared store can give. Invariant: a policy about other persons needs a store that they can write to.

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

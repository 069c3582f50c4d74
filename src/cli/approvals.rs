//! Checks that an approval policy can be met by the store. Invariant: a policy about other persons needs a store that is shared
//! with a group (`check_approvals`; test `a_policy_about_persons_needs_a_shared_store`).

use super::{CliError, POLICY_FILE, PolicyFile, Settings};
use crate::profile::{LoadedProfile, PathStep, TextPosition, TomlDocument};

/// Refuses `approvals.distinct` and `approvals.exclude_starter`, of a profile or of this machine's policy, without
/// `store.group`: nobody else could record an approval.
pub fn check_approvals(
    profile: &LoadedProfile,
    policy: Option<&PolicyFile>,
    settings: &Settings,
) -> Result<(), CliError> {
    if settings.store_group.is_some() || settings.store_url.is_some() {
        return Ok(());
    }
    let own = profile.profile.approvals.needs_group();
    let (file, text, key) = match (own, policy) {
        (Some(key), _) => (profile.origin.file(), &profile.text, key),
        (None, None) => return Ok(()),
        (None, Some(policy)) => {
            let under = profile.profile.clone().under(&policy.policy);
            match under.approvals.needs_group() {
                Some(key) => (POLICY_FILE.to_owned(), &policy.text, key),
                None => return Ok(()),
            }
        }
    };
    // The text was parsed before, so 1:1 is only a fallback that keeps this free of a panic.
    let at = TomlDocument::read(text).map_or(TextPosition { line: 1, column: 1 }, |document| {
        document.position(&[PathStep::Key("approvals"), PathStep::Key(key)])
    });
    let hint = match own {
        Some(_) => {
            "Set group = \"NAME\" in [store] of drygate.toml or the user configuration, or leave the key out."
        }
        None => {
            "Set group = \"NAME\" in [store] of drygate.toml or the user configuration: every run on this machine needs it."
        }
    };
    Err(CliError::configuration(
        format!("{file}:{}:{}", at.line, at.column),
        format!("approvals.{key} needs a group that shares the data directory"),
        hint,
    ))
}

//! From settings, profile and machine to what a run is made with. Invariant: nothing is connected to and nothing is written here.

use std::path::{Path, PathBuf};

use super::LaunchError;
use super::machine;
use crate::audit;
use crate::cli::Settings;
use crate::journal::{DirectoryStore, Permissions};
use crate::profile::{LoadedProfile, ProfileOrigin};
use crate::repo::GitRepository;
use crate::run::TargetIdentity;
use crate::runner::{FullDiscover, Plan, person};
use crate::survey::Digest;

/// Seconds between live reads, where nobody says otherwise.
pub const LIVE_INTERVAL_S: u32 = 60;

/// The store of the settings' data directory.
pub fn store(settings: &Settings) -> Result<DirectoryStore, LaunchError> {
    let permissions = permissions(settings)?;
    Ok(DirectoryStore::new(&settings.data_dir.value, permissions)?)
}

/// Who may read what is written.
pub fn permissions(settings: &Settings) -> Result<Permissions, LaunchError> {
    Ok(match &settings.store_group {
        None => Permissions::private(),
        Some(group) => Permissions::shared(group_id(&group.value)?),
    })
}

fn group_id(name: &str) -> Result<u32, LaunchError> {
    let known = nix::unistd::Group::from_name(name).ok().flatten();
    known.map(|group| group.gid.as_raw()).ok_or_else(|| {
        LaunchError::Profile(crate::profile::ProfileError::Unknown {
            name: format!("group {name}"),
            known: "the groups of this machine".to_owned(),
        })
    })
}

/// The repository that G0 looks at: `--repo`, else the work tree around the current directory.
pub fn repository(named: Option<&Path>) -> Option<GitRepository> {
    match named {
        Some(directory) => GitRepository::around(directory),
        None => GitRepository::around(&std::env::current_dir().ok()?),
    }
}

/// The directory that a profile names its files from; `/` for a built-in one, which names none.
pub fn directory(origin: &ProfileOrigin) -> PathBuf {
    let file = match origin {
        ProfileOrigin::File(path) => std::path::absolute(path).ok(),
        ProfileOrigin::BuiltIn(_) => None,
    };
    let parent = file.as_deref().and_then(Path::parent);
    parent.unwrap_or(Path::new("/")).to_owned()
}

/// What a run of `loaded` against `target` is made with.
pub fn plan(
    settings: &Settings,
    loaded: LoadedProfile,
    target: TargetIdentity,
    repository: Option<&GitRepository>,
    live_interval_default_s: u32,
) -> Plan {
    let directory = directory(&loaded.origin);
    let ssot = loaded
        .profile
        .ssot
        .iter()
        .map(|document| {
            let text = match (&document.text, &document.path) {
                (Some(text), _) => Ok(text.clone()),
                (None, Some(path)) => read(&directory.join(path)),
                (None, None) => Err("it has neither text nor path".to_owned()),
            };
            (document.name.clone(), text)
        })
        .collect();
    let full_discover = loaded
        .profile
        .tests
        .full_discover
        .as_ref()
        .and_then(|path| full_discover(&directory.join(path)));
    Plan {
        approvals: audit::approval_policy(&loaded.profile),
        ssot,
        full_discover,
        profile: loaded.profile,
        profile_directory: directory,
        profile_text: loaded.text,
        target,
        person: person::own(),
        tool: machine::tool(),
        repository: repository.map(|r| r.directory().display().to_string()),
        data_root: settings.data_dir.value.clone(),
        live_interval_s: settings
            .live_interval(live_interval_default_s)
            .map(|pause| pause.as_secs_f64()),
        socket: None,
        store_group: settings
            .store_group
            .as_ref()
            .map(|group| group.value.clone()),
        last_pass: None,
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn full_discover(path: &Path) -> Option<FullDiscover> {
    let text = std::fs::read_to_string(path).ok()?;
    let age = std::fs::metadata(path)
        .ok()?
        .modified()
        .ok()?
        .elapsed()
        .unwrap_or_default();
    Some(FullDiscover {
        sha256: Digest::of(&text),
        text,
        age_s: age.as_secs(),
    })
}

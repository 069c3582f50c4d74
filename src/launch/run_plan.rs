//! From settings, profile and machine to a [`RunPlan`]. Nothing is connected to here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::LaunchError;
use super::files::Places;
use crate::audit;
use crate::audit::SsotFile;
use crate::cli::Settings;
use crate::journal::{DirectoryStore, Permissions};
use crate::profile::{LoadedProfile, Profile, ProfileError, ProfileOrigin, SsotDocument};
use crate::repo::GitRepository;
use crate::run::{Check, TargetIdentity, ToolIdentity};
use crate::runner::{FullDiscoverFile, OwnProgram, RunPlan, person};
use crate::survey::Digest;

/// Default seconds between live reads while a run waits.
pub const LIVE_INTERVAL_S: u32 = 60;

/// The store of the settings' data directory.
pub fn store(settings: &Settings) -> Result<DirectoryStore, LaunchError> {
    let permissions = permissions(settings)?;
    Ok(DirectoryStore::new(&settings.data_dir.value, permissions)?)
}

/// Permissions of what is written: private, or shared with a group.
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
) -> RunPlan {
    let directory = directory(&loaded.origin);
    let places = Places::new(&directory, repository.map(GitRepository::directory));
    let ssot = ssot(&loaded.profile, &places);
    let full_discover = loaded.profile.tests.full_discover.as_ref();
    let full_discover = full_discover.and_then(|path| read_result(&places, path));
    let program = OwnProgram::of_process();
    RunPlan {
        approvals: audit::approval_policy(&loaded.profile),
        ssot,
        full_discover,
        profile: loaded.profile,
        profile_directory: directory,
        profile_text: loaded.text,
        target,
        person: person::own(),
        tool: ToolIdentity {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            binary_sha256: program.sha256(),
        },
        program: Arc::new(program),
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
        call: settings.call.clone(),
        last_pass: None,
    }
}

/// The SSOT documents of a profile: name and text, or why there is none.
fn ssot(profile: &Profile, places: &Places) -> Vec<(String, Result<String, String>)> {
    let text = |document: &SsotDocument| match (&document.text, &document.path) {
        (Some(text), _) => Ok(text.clone()),
        (None, Some(path)) => places.document(&document.name, path),
        (None, None) => Err("it has neither text nor path".to_owned()),
    };
    let documents = profile.ssot.iter();
    documents
        .map(|document| (document.name.clone(), text(document)))
        .collect()
}

/// What G0 would say of the SSOT documents of a profile that names some.
pub fn ssot_check(loaded: &LoadedProfile, repository: Option<&GitRepository>) -> Option<Check> {
    let places = Places::new(
        &directory(&loaded.origin),
        repository.map(GitRepository::directory),
    );
    let read = ssot(&loaded.profile, &places).into_iter();
    let seen: Vec<SsotFile> = read
        .map(|(name, text)| (name, text.as_ref().map(Digest::of).map_err(Clone::clone)))
        .collect();
    (!seen.is_empty()).then(|| audit::ssot_documents(&loaded.profile, &seen))
}

/// What must not be found out after somebody has approved: a secret or a run id in the profile's text, which the audit of gate
/// G6 fails, and a result file that is there and will not be read.
pub fn refuse_profile(
    loaded: &LoadedProfile,
    repository: Option<&GitRepository>,
) -> Result<(), ProfileError> {
    let file = match &loaded.origin {
        ProfileOrigin::BuiltIn(name) => (*name).to_owned(),
        ProfileOrigin::File(path) => path.display().to_string(),
    };
    if let Some((line, what)) = audit::profile_findings(&loaded.text).into_iter().next() {
        return Err(ProfileError::Invalid {
            file,
            line,
            column: 1,
            message: format!(
                "{what}; the audit of gate G6 would fail: take it out, comments included"
            ),
        });
    }
    let places = Places::new(
        &directory(&loaded.origin),
        repository.map(GitRepository::directory),
    );
    let named = loaded.profile.tests.full_discover.as_ref();
    // A file that is not there yet may be written while the run waits.
    let named = named.filter(|path| places.is_there(path));
    match named.map(|path| places.open(path)) {
        Some(Err(why)) => Err(ProfileError::Unreadable {
            file,
            error: format!("tests.full_discover: {why}"),
        }),
        _ => Ok(()),
    }
}

fn read_result(places: &Places, path: &str) -> Option<FullDiscoverFile> {
    let opened = places.open(path).ok()?;
    let age_s = opened.age().as_secs();
    let text = opened.text(places).ok()?;
    Some(FullDiscoverFile {
        sha256: Digest::of(&text),
        text,
        age_s,
    })
}

//! From settings, profile and machine to a [`RunPlan`]. Nothing is connected to here.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::LaunchError;
use super::files::Places;
use crate::audit;
use crate::audit::SsotFile;
use crate::cli::{CliError, Settings};
use crate::journal::{
    DirectoryStore, DiskStorage, JournalError, Permissions, RUNS_DIR, Storage as _,
};
use crate::profile::{LoadedProfile, Profile, ProfileError, ProfileOrigin, SsotDocument};
use crate::repo::GitRepository;
use crate::run::{
    AccountDoubt, Check, Person, RepositoryState, TargetIdentity, ToolIdentity, Verdict,
};
use crate::runner::repository::{Repository as _, RepositoryError};
use crate::runner::{FullDiscoverFile, OwnProgram, RunPlan, RunnerError, person};
use crate::store::StoreError;
use crate::survey::Digest;

/// Default seconds between live reads while a run waits.
pub const LIVE_INTERVAL_S: u32 = 60;

/// The person behind this process.
pub(super) fn own_person() -> Result<Person, LaunchError> {
    person::own().map_err(LaunchError::shortage("it cannot be seen who this is"))
}

/// The person behind this process, with the role that a run store sees it as.
pub(super) fn person_of(store: &DirectoryStore) -> Result<Person, LaunchError> {
    Ok(Person {
        store_role: store.shared().map(|shared| shared.role.clone()),
        ..own_person()?
    })
}

/// The store of the settings' data directory, with the run store behind it where one is named.
pub fn store(settings: &Settings) -> Result<DirectoryStore, LaunchError> {
    super::store::behind(settings, disk(settings)?)
}

/// Refuses to write a run that the run store of the settings would not have.
pub(super) fn must_reach_store(
    settings: &Settings,
    store: &DirectoryStore,
) -> Result<(), LaunchError> {
    if settings.store_url.is_some() && store.shared().is_none() {
        let why = "nothing is written without it".to_owned();
        return Err(StoreError::Unreachable(why).into());
    }
    Ok(())
}

/// The store of the settings' data directory alone: of the copy of a run, which no other machine goes on with.
pub fn local_store(settings: &Settings) -> Result<DirectoryStore, LaunchError> {
    Ok(DirectoryStore::on(Arc::new(disk(settings)?)))
}

fn disk(settings: &Settings) -> Result<DiskStorage, LaunchError> {
    let permissions = permissions(settings)?;
    let disk =
        DiskStorage::create(&settings.data_dir.value, permissions).map_err(JournalError::from)?;
    let root = disk.root();
    // A user namespace shows numbers of its own for owners and groups: nothing can be said of them there.
    let told = own_person()?.account_doubt != Some(AccountDoubt::UserNamespace);
    refuse_open_root(root, permissions.group, told)?;
    refuse_foreign_runs(&root.join(RUNS_DIR), permissions.group, told)?;
    Ok(disk)
}

/// Refuses a data directory in which another account could put other runs in the place of ours.
fn refuse_open_root(root: &Path, group: Option<u32>, told: bool) -> Result<(), LaunchError> {
    const STICKY: u32 = 0o1000;
    let Ok(found) = std::fs::metadata(root) else {
        return Ok(());
    };
    let own = rustix::process::geteuid().as_raw();
    let is_shared = group == Some(found.gid()) || !told;
    // In a directory as /tmp nobody renames what is another's, and root may do everything anyway.
    let message = if found.mode() & 0o002 != 0 && found.mode() & STICKY == 0 {
        "every account may write to it".to_owned()
    } else if !is_shared && found.uid() != own && found.uid() != 0 {
        format!("it belongs to uid {}, and this is uid {own}", found.uid())
    } else {
        return Ok(());
    };
    Err(not_ours(root, message))
}

/// Refuses runs that another account could have put there or changed: what is said of them would be what it wants.
fn refuse_foreign_runs(runs: &Path, group: Option<u32>, told: bool) -> Result<(), LaunchError> {
    // What is not there yet is made with the right permissions.
    let Ok(found) = std::fs::symlink_metadata(runs) else {
        return Ok(());
    };
    let own = rustix::process::geteuid().as_raw();
    let is_shared = group == Some(found.gid()) || !told;
    let message = if !found.is_dir() {
        "it is no directory".to_owned()
    } else if found.mode() & 0o002 != 0 {
        "every account may write to it".to_owned()
    } else if !is_shared && found.mode() & 0o020 != 0 {
        format!("the group {} may write to it", found.gid())
    } else if !is_shared && found.uid() != own {
        format!("it belongs to uid {}, and this is uid {own}", found.uid())
    } else {
        return Ok(());
    };
    Err(not_ours(runs, message))
}

fn not_ours(place: &Path, message: String) -> LaunchError {
    LaunchError::Cli(CliError::Configuration {
        place: place.display().to_string(),
        message,
        hint: "Name a data directory of your own (--data-dir), or share it: group = \"NAME\" in [store] of drygate.toml."
            .to_owned(),
    })
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
        LaunchError::Cli(CliError::Configuration {
            place: "[store]".to_owned(),
            message: format!("this machine has no group {name:?}"),
            hint: "Name one that `getent group` lists, with the persons who share the runs in it."
                .to_owned(),
        })
    })
}

/// The repository that G0 looks at: `--repo`, else the work tree around the current directory.
pub fn repository(named: Option<&Path>) -> Result<Option<GitRepository>, LaunchError> {
    let around = match named {
        Some(directory) => GitRepository::around(directory),
        None => match std::env::current_dir() {
            Ok(directory) => GitRepository::around(&directory),
            Err(_) => Ok(None),
        },
    };
    around.map_err(|error| match error {
        RepositoryError::Shortage(error) => RunnerError::Shortage(error).into(),
        other => LaunchError::Usage(other.to_string()),
    })
}

/// The same as the settings name it; a directory that is not there is an error of the command.
pub fn named_repository(settings: &Settings) -> Result<Option<GitRepository>, LaunchError> {
    let named = settings.repo.as_ref().map(|repo| repo.value.as_path());
    match named {
        Some(missing) if !missing.is_dir() => Err(LaunchError::Usage(format!(
            "{} is no directory: --repo names a git work tree",
            missing.display()
        ))),
        named => repository(named),
    }
}

/// What a run would say of the repository that the settings name.
pub fn repository_checks(settings: &Settings) -> Result<Vec<Check>, LaunchError> {
    let seen = match named_repository(settings)? {
        Some(repository) => repository.look().map_err(|error| error.to_string()),
        None => Err(RepositoryState::NO_REPOSITORY.to_owned()),
    };
    Ok(audit::repository_checks_ahead(&seen))
}

/// What a starting profile leaves out, so that a run passes where there is no repository: the lines of its end.
pub fn out_of_scope(settings: &Settings) -> Result<String, LaunchError> {
    let checks = repository_checks(settings)?;
    let open = checks.iter().filter(|it| it.verdict != Verdict::Pass);
    let entries = open.map(|check| {
        let reason = super::profile_init::quoted(&check.says);
        format!(
            "\n[[out_of_scope]]\ncheck = \"{}\"\nreason = {reason}\n",
            check.name
        )
    });
    Ok(entries.collect())
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
    store: &DirectoryStore,
    loaded: LoadedProfile,
    target: TargetIdentity,
    repository: Option<&GitRepository>,
    live_interval_default_s: u32,
) -> Result<RunPlan, LaunchError> {
    let directory = directory(&loaded.origin);
    let places = Places::new(&directory, repository.map(GitRepository::directory));
    let ssot = ssot(&loaded.profile, &places);
    let full_discover = loaded.profile.tests.full_discover.as_ref();
    let full_discover = full_discover.and_then(|path| read_result(&places, path));
    let program = OwnProgram::of_process();
    Ok(RunPlan {
        approvals: audit::approval_policy(&loaded.profile),
        ssot,
        full_discover,
        profile: loaded.profile,
        profile_directory: directory,
        profile_text: loaded.text,
        target,
        person: person_of(store)?,
        store_cluster: store
            .shared()
            .and_then(|shared| shared.system_identifier.clone()),
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
        sockets: Vec::new(),
        store_group: settings
            .store_group
            .as_ref()
            .map(|group| group.value.clone()),
        call: settings.call.clone(),
        last_pass: None,
    })
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

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::refuse_foreign_runs;

    #[test]
    fn runs_that_another_account_could_have_changed_are_refused_by_name() {
        let place = tempfile::tempdir().expect("a directory");
        let runs = place.path().join("runs");
        assert!(
            refuse_foreign_runs(&runs, None, true).is_ok(),
            "not there yet"
        );
        fs::create_dir(&runs).expect("a directory");
        let gid = runs.metadata().expect("ours").gid();
        for (mode, alone, shared) in [
            (0o700, true, true),
            (0o755, true, true),
            (0o2770, false, true),
            (0o777, false, false),
            (0o702, false, false),
        ] {
            fs::set_permissions(&runs, Permissions::from_mode(mode)).expect("ours");
            let ruled = [None, Some(gid)].map(|group| refuse_foreign_runs(&runs, group, true));
            assert_eq!(ruled[0].is_ok(), alone, "{mode:o}: {ruled:?}");
            assert_eq!(ruled[1].is_ok(), shared, "{mode:o}: {ruled:?}");
            let other = refuse_foreign_runs(&runs, Some(gid + 1), true);
            let untold = refuse_foreign_runs(&runs, None, false);
            assert_eq!(
                untold.is_ok(),
                shared,
                "{mode:o}, in a user namespace: {untold:?}"
            );
            assert_eq!(
                other.is_ok(),
                alone,
                "{mode:o}, of another group: {other:?}"
            );
        }
        let link = place.path().join("link");
        symlink(&runs, &link).expect("a link");
        let refused = refuse_foreign_runs(&link, None, true).expect_err("a link");
        assert_eq!(refused.exit_code(), 78);
        assert!(refused.to_string().contains("link: it is no directory"));
        // Every account has files of root, and root has those of nobody else.
        let root_s = refuse_foreign_runs(std::path::Path::new("/usr"), None, true);
        assert_eq!(root_s.is_ok(), rustix::process::geteuid().is_root());
    }
}

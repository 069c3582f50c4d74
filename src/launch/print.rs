//! `drygate report`, `profile`, `config show`, `completions`, `man`. They only read, except `profile init`, which is in
//! `profile_init`.

use super::{LaunchError, lookup, output, review, run_plan};
use crate::cli::{Disk, Files, Output, ProfileCommand, RunPlace, Settings};
use crate::documents::{ProfileListDocument, ProfileRow, ProfileShowDocument, SchemaVersion};
use crate::journal::{Blobs, DirectoryStore, JournalError, Outcomes, RunStore};
use crate::profile::{self, BUILT_IN, LoadedProfile, Profile, ProfileOrigin};
use crate::report::{self, RenderedReport, ReportInput};
use crate::run::{RunCreated, RunId, RunState};
use crate::survey::Digest;

/// Prints report 07 of a run, or its JSON twin, rendered from journal and blobs.
pub fn report(settings: &Settings, place: &RunPlace) -> Result<u8, LaunchError> {
    match place {
        RunPlace::Run(meant) => {
            let store = run_plan::store(settings)?;
            let run_id = lookup::resolve(&store, meant)?;
            report_of(settings, &store, &run_id)
        }
        RunPlace::Path(file) => {
            let opened = lookup::archive(file)?;
            report_of(settings, opened.store(), opened.run_id())
        }
    }
}

fn report_of(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
) -> Result<u8, LaunchError> {
    if settings.output == Output::Json {
        let twin = with_input(store, run_id, &|input| Ok(report::json_twin(input)))?;
        output::document(&twin)?;
        return Ok(0);
    }
    let rendered = rendered(store, run_id)?;
    let shown = rendered
        .iter()
        .find(|report| report.name.starts_with("07-"));
    output::print(shown.map_or("", |report| &report.text))?;
    if let Some(head) = lookup::history(store, run_id)?.run().journal_head() {
        output::say(&format!("head={head}"));
    }
    // The report is of what was sealed; later notes of reviewers are printed beside it.
    for note in review::notes(&review::reviews(store, run_id))? {
        output::say(&report::visible(&format!("note: {}", note.line())));
    }
    let run = DirectoryStore::run_path(run_id);
    for entry in Outcomes::new(store.storage().clone(), &run).read()? {
        let line = format!("{} the real change: {}", entry.at, entry.event.line());
        output::say(&report::visible(&line));
    }
    Ok(0)
}

/// The reports of a run, rendered from journal and blobs.
pub fn rendered(
    store: &DirectoryStore,
    run_id: &RunId,
) -> Result<Vec<RenderedReport>, LaunchError> {
    with_input(store, run_id, &|input| Ok(report::render(input)?))
}

/// Reads a run and gives `make` what reports are rendered from.
fn with_input<T>(
    store: &DirectoryStore,
    run_id: &RunId,
    make: &dyn Fn(&ReportInput<'_>) -> Result<T, LaunchError>,
) -> Result<T, LaunchError> {
    let run = lookup::history(store, run_id)?.into_run();
    let blobs = store.blobs(run_id)?;
    let document = |digest: &Digest| blobs.text(digest);
    let profile = profile_of(run_id, &run, &document)?;
    make(&ReportInput {
        run: &run,
        profile: &profile,
        blobs: &document,
    })
}

/// The profile that a run was made with.
pub(super) fn profile_of(
    run_id: &RunId,
    run: &RunState,
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Result<Profile, LaunchError> {
    let Some(created) = &run.created else {
        let run_id = run_id.clone();
        return Err(LaunchError::NeverBegun { run_id });
    };
    let text = |what: &str, blob: &Digest| {
        document(blob).ok_or_else(|| {
            LaunchError::Corrupt(format!(
                "the {what} of {run_id} cannot be read from blobs/{blob}"
            ))
        })
    };
    let policy = created.policy_sha256.as_ref();
    let policy = policy.map(|blob| text("policy", blob)).transpose()?;
    Ok(profile::parse_recorded(
        &format!("profile of {run_id}"),
        &text("profile", &created.profile_sha256)?,
        policy.as_deref(),
    )?)
}

/// The text of the profile that a run was begun with, and the profile under the policy that it was begun under.
pub(super) fn recorded_profile(
    run_id: &RunId,
    created: &RunCreated,
    blobs: &Blobs,
) -> Result<(String, Profile), LaunchError> {
    let text = |blob: &Digest| -> Result<String, JournalError> {
        Ok(String::from_utf8_lossy(&blobs.get(blob)?).into_owned())
    };
    let profile_text = text(&created.profile_sha256)?;
    let policy = created.policy_sha256.as_ref().map(text).transpose()?;
    let profile = profile::parse_recorded(
        &format!("profile of {run_id}"),
        &profile_text,
        policy.as_deref(),
    )?;
    Ok((profile_text, profile))
}

/// A profile by name or path.
pub fn load_profile(name: &str) -> Result<LoadedProfile, LaunchError> {
    Ok(profile::load(name, &|path| Disk.read(path))?)
}

/// `drygate profile list|show`; `check` is in `survey`, `init` in `profile_init`.
pub fn profiles(settings: &Settings, command: &ProfileCommand) -> Result<u8, LaunchError> {
    match command {
        ProfileCommand::List => {
            let mut profiles = Vec::new();
            for (name, text) in BUILT_IN {
                profiles.push(ProfileRow {
                    name,
                    title: load_profile(name)?.profile.title,
                    sha256: Digest::of(text),
                });
            }
            if settings.json() {
                let schema = SchemaVersion;
                output::document(&ProfileListDocument { schema, profiles })?;
            } else {
                for row in profiles {
                    output::line(&format!("{}  {}", row.name, row.title))?;
                }
            }
            Ok(0)
        }
        ProfileCommand::Show { name } => {
            let loaded = load_profile(name.as_ref().unwrap_or(&settings.profile.value))?;
            if !settings.json() {
                output::print(&loaded.text)?;
                return Ok(0);
            }
            output::document(&ProfileShowDocument {
                schema: SchemaVersion,
                file: match &loaded.origin {
                    ProfileOrigin::BuiltIn(_) => None,
                    ProfileOrigin::File(path) => Some(path.display().to_string()),
                },
                sha256: Digest::of(&loaded.text),
                name: loaded.profile.name,
                text: loaded.text,
            })?;
            Ok(0)
        }
        ProfileCommand::Check { name } => super::survey::check(settings, name.as_deref()),
        ProfileCommand::Init {
            file,
            reader,
            change,
            role,
        } => super::profile_init::init(settings, file, reader.as_deref(), change, role.as_deref()),
    }
}

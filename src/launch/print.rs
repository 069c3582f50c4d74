//! `drygate report`, `profile`, `config show`, `completions`, `man`. They only read, except `profile init`, which is in
//! `profile_init`.

use super::{LaunchError, lookup, output, review, run_plan};
use crate::cli::{Disk, Files, Output, ProfileCommand, RunPlace, Settings};
use crate::journal::{DirectoryStore, RunStore};
use crate::profile::{self, BUILT_IN, LoadedProfile, Profile};
use crate::report::{self, FullDiscoverLine, RenderedReport, ReportInput};
use crate::run::{RunId, RunState};
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
    // The report is of what was sealed; later notes of reviewers are printed beside it.
    for note in review::notes(&review::reviews(store, run_id))? {
        output::say(&report::visible(&format!("note: {}", note.line())));
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
    let document = |digest: &Digest| String::from_utf8(blobs.get(digest).ok()?).ok();
    let profile = profile_of(run_id, &run, &document)?;
    make(&ReportInput {
        run: &run,
        profile: &profile,
        blobs: &document,
        full_discover: FullDiscoverLine::recorded(&run),
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
    let Some(text) = document(&created.profile_sha256) else {
        let blob = &created.profile_sha256;
        return Err(LaunchError::Corrupt(format!(
            "the profile of {run_id} cannot be read from blobs/{blob}"
        )));
    };
    Ok(profile::parse_recorded(
        &format!("profile of {run_id}"),
        &text,
    )?)
}

/// A profile by name or path.
pub fn load_profile(name: &str) -> Result<LoadedProfile, LaunchError> {
    Ok(profile::load(name, &|path| Disk.read(path))?)
}

/// `drygate profile list|show`; `check` is in `survey`, `init` in `profile_init`.
pub fn profiles(settings: &Settings, command: &ProfileCommand) -> Result<u8, LaunchError> {
    match command {
        ProfileCommand::List => {
            for (name, _) in BUILT_IN {
                let loaded = load_profile(name)?;
                output::line(&format!("{name}  {}", loaded.profile.title))?;
            }
            Ok(0)
        }
        ProfileCommand::Show { name } => {
            let loaded = load_profile(name.as_ref().unwrap_or(&settings.profile.value))?;
            output::print(&loaded.text)?;
            Ok(0)
        }
        ProfileCommand::Check { name } => super::survey::check(settings, name.as_deref()),
        ProfileCommand::Init { file } => super::profile_init::init(settings, file),
    }
}

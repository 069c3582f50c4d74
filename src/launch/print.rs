//! `drygate report`, `guard`, `profile`, `config show`, `completions`, `man`. They only read, except `profile init`, which is in
//! `profile_init`.

use std::path::Path;

use super::{LaunchError, files, lookup, output, review, run_plan, verify};
use crate::cli::{Disk, Files, Output, ProfileCommand, RunPlace, RunRef, Settings};
use crate::documents::{ProfileListDocument, ProfileRow, ProfileShowDocument, SchemaVersion};
use crate::journal::{Blobs, DirectoryStore, JournalError, Outcomes, RunStore};
use crate::postgres::ScriptShape;
use crate::profile::{self, BUILT_IN, LoadedProfile, Profile, ProfileOrigin};
use crate::report::{self, CommitGuard, GuardedFile, RenderedReport, ReportInput};
use crate::run::{
    ApprovalGate, ApprovalStatus, ChangeCommand, RunCreated, RunId, RunResult, RunState,
};
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

/// Prints the approved change of a sealed PASS, wrapped in checks, or writes the files that a program carries out. Only its evidence
/// is read.
pub fn guard(
    settings: &Settings,
    meant: &RunRef,
    phase: Option<ApprovalGate>,
    (parts, directory): (bool, Option<&Path>),
) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let run_id = lookup::resolve(&store, meant)?;
    let broken = verify::findings(&store, &run_id)?;
    if let Some(first) = broken.first() {
        let more = broken.len() - 1;
        let message =
            format!("{run_id} does not verify, so nothing is printed: {first} (and {more} more)");
        return Err(LaunchError::Corrupt(message));
    }
    let run = lookup::history(&store, &run_id)?.into_run();
    let command = run.change().and_then(|change| change.command.as_ref());
    let message = match (command, directory) {
        (Some(command), None) if !parts => format!(
            "{} carries the change out, so there is no script to print: --files DIR writes what was approved, to run it there; \
             --parts prints the checks, for the transaction of that program",
            command.line()
        ),
        (None, Some(_)) => {
            "psql carries the change out: without --files its script is printed".to_owned()
        }
        _ => String::new(),
    };
    if !message.is_empty() {
        return Err(LaunchError::Usage(message));
    }
    let guard = guard_of(&run_id, &run, &store.blobs(&run_id)?, phase)?;
    if let (Some(command), Some(directory)) = (command, directory) {
        return write_change(&run, &store.blobs(&run_id)?, command, directory);
    }
    output::bytes(&if parts { guard.parts() } else { guard.script() })?;
    Ok(0)
}

/// Writes the files of a change into a new directory, as they lay in its own.
fn write_change(
    run: &RunState,
    blobs: &Blobs,
    command: &ChangeCommand,
    directory: &Path,
) -> Result<u8, LaunchError> {
    let failed = |error| files::failed(directory, error);
    std::fs::create_dir(directory).map_err(failed)?;
    for file in run.change_files.iter().flat_map(|files| files.iter()) {
        let within = command.path_within(&file.path).ok_or_else(|| {
            LaunchError::Corrupt(format!(
                "{} is not in the directory of the change",
                file.path
            ))
        })?;
        let path = directory.join(within);
        std::fs::create_dir_all(path.parent().unwrap_or(directory)).map_err(failed)?;
        let text = blobs.get(&file.sha256)?;
        files::write(&path, &mut |out| {
            out.write_all(&text)
                .map_err(|error| files::failed(&path, error))
        })?;
    }
    output::line(&format!(
        "in {}: {}",
        files::visible(directory),
        command.line()
    ))?;
    Ok(0)
}

fn guard_of(
    run_id: &RunId,
    run: &RunState,
    blobs: &Blobs,
    phase: Option<ApprovalGate>,
) -> Result<CommitGuard, LaunchError> {
    let lacks = |why: &str| LaunchError::NotRechecked {
        run_id: run_id.clone(),
        why: why.to_owned(),
        stop: run.stop_code(),
        next: None,
    };
    let passed = matches!(run.sealed, Some((_, RunResult::Pass, _)));
    let approved = run.rehearsal_of(ApprovalGate::SG1);
    let (Some(change), Some(files)) = (run.change(), &run.change_files) else {
        return Err(lacks("has no change: there is no script to print"));
    };
    let mut approvals = run.approvals.iter().rev();
    let approval =
        approvals.find(|it| it.gate == ApprovalGate::SG2 && it.status == ApprovalStatus::Consumed);
    let (true, Some(outcome), Some(approval), Some(pin)) = (
        passed,
        approved.and_then(|it| it.outcome.as_deref()),
        approval,
        &run.pin,
    ) else {
        return Err(lacks(
            "is no sealed PASS: its change was not approved, or is not what was approved",
        ));
    };
    let (of_sg1, of_sg2) = files.split_at(change.of_sg1.unwrap_or(0).min(files.len()));
    let has_both = !of_sg1.is_empty() && !of_sg2.is_empty();
    let (named, at, files) = match phase {
        None if has_both => {
            let message = "the change has two phases, each a transaction of its own: --phase SG1, then --phase SG2";
            return Err(LaunchError::Usage(message.to_owned()));
        }
        Some(ApprovalGate::SG1) if !of_sg1.is_empty() => (Some("SG1"), 0, of_sg1),
        Some(ApprovalGate::SG2) if !of_sg2.is_empty() => {
            (Some("SG2"), usize::from(has_both), of_sg2)
        }
        Some(gate) => {
            return Err(LaunchError::Usage(format!(
                "the change has no phase of {gate}"
            )));
        }
        None if of_sg2.is_empty() => (None, 0, of_sg1),
        None => (None, 0, of_sg2),
    };
    let mut guarded = Vec::with_capacity(files.len());
    let mut shape = ScriptShape::default();
    // What a program makes of its files is not in them.
    let scripts = files.iter().filter(|_| change.command.is_none());
    for file in scripts {
        let text = blobs.get(&file.sha256)?;
        let of_file = ScriptShape::of(&text);
        shape.ends_transactions |= of_file.ends_transactions;
        shape.has_meta_commands |= of_file.has_meta_commands;
        shape.is_unclear |= of_file.is_unclear;
        guarded.push(GuardedFile {
            path: file.path.clone(),
            sha256: file.sha256.clone(),
            text,
        });
    }
    let mut not_bound = Vec::new();
    if shape.has_meta_commands {
        not_bound.push("The script has meta-commands of psql: files that they include, and what they do outside of the server, are NOT bound.".to_owned());
    }
    if shape.is_unclear {
        not_bound.push("It is NOT known whether the script ends its transaction: it cannot be read with certainty. If it does, what it committed stays.".to_owned());
    }
    // Behind the first phase its tables are what that made of them.
    let definitions = if at == 0 {
        outcome.definitions.clone()
    } else {
        Vec::new()
    };
    if definitions.is_empty() {
        not_bound.push("The definition of tables is NOT CHECKED: nothing is recorded of how they are before this script.".to_owned());
    }
    Ok(CommitGuard {
        run_id: run_id.to_string(),
        phase: named,
        database: pin.server.database.clone(),
        database_oid: pin.server.database_oid,
        system_identifier: pin.server.system_identifier.clone(),
        major: pin.server.version_num / 10_000,
        role: change.role.clone(),
        approved_at: approval.at,
        valid_until: change
            .valid_seconds
            .map(|seconds| approval.at.plus_seconds(seconds)),
        definitions,
        rows: if shape.ends_transactions {
            Err("the script begins or ends transactions itself".to_owned())
        } else {
            change.approved_rows(outcome, at)
        },
        not_bound,
        files: guarded,
    })
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

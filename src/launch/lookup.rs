//! Finding a run and folding it. Nothing is written but the index of runs, which can be deleted at any time.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use super::{LaunchError, files, run_plan};
use crate::archive::{Limits, OpenedArchive, open_archive};
use crate::cli::{self, CliError, Environment, RunRef};
use crate::journal::{DirectoryStore, Outcomes, Permissions, RunIndex, RunStore, imported_from};
use crate::run::{History, KnownOutcome, LastPass, RunId, RunResult, RunRow, RunStatus};
use crate::runner::fold;
use crate::survey::UtcTime;

/// The run that a person means.
pub fn resolve(store: &DirectoryStore, meant: &RunRef) -> Result<RunId, LaunchError> {
    meant.resolve(&store.runs()?).map_err(|error| {
        let named = match &error {
            CliError::UnknownRun(part) => part.as_str(),
            _ => return error.into(),
        };
        // What is left of a removed run is said, whatever was asked of it.
        let removed = store.removed().unwrap_or_default().into_iter();
        let mut removed = removed.filter(|removed| {
            let run_id = removed.run.run_id.as_str();
            run_id.starts_with(named) || run_id.ends_with(named)
        });
        match removed.next() {
            Some(removed) => LaunchError::Usage(format!(
                "{} was removed {} by {}; its last line was {}:{}",
                removed.run.run_id,
                removed.removed_at,
                removed.removed_by.user,
                removed.seq,
                removed.head
            )),
            None => error.into(),
        }
    })
}

/// The runs of the data directory by name, the newest first, for a shell that completes; none where anything is wrong.
pub fn run_names() -> Vec<String> {
    let store = Environment::of_process()
        .and_then(|environment| cli::parse([OsString::from("drygate")], &environment))
        .ok()
        .and_then(|cli| run_plan::store(&cli.settings).ok());
    let runs = store.and_then(|store| store.runs().ok());
    let mut names: Vec<String> = (runs.unwrap_or_default().iter())
        .map(ToString::to_string)
        .collect();
    names.sort_by(|one, two| two.cmp(one));
    names.push("last".to_owned());
    names
}

/// What came of the change of a run as it was looked at last; `None`: nobody looked.
pub fn outcome(store: &DirectoryStore, run_id: &RunId) -> Option<KnownOutcome> {
    let run = DirectoryStore::run_path(run_id);
    let outcomes = Outcomes::new(store.storage().clone(), &run);
    // Of most runs there is none, and their journals need not be read for it.
    outcomes.read().ok()?.last()?;
    let history = history(store, run_id).ok()?;
    let (seq, _) = history.last()?;
    outcomes.last_of(seq, history.head()?)
}

/// The run of an archive, unpacked in a private temporary directory for as long as the value lives.
pub fn archive(path: &Path) -> Result<OpenedArchive, LaunchError> {
    refuse_no_archive(path)?;
    let opened = open_archive(path, None, Permissions::private(), Limits::default())?;
    Ok(opened)
}

/// Refuses a path that can be no archive, as a wrong argument.
pub fn refuse_no_archive(path: &Path) -> Result<(), LaunchError> {
    let wrong = match std::fs::metadata(path) {
        Ok(about) if about.is_file() => None,
        Ok(about) if about.is_dir() => Some("is a directory; only verify reads one"),
        Ok(_) => Some("is no plain file"),
        Err(error) if error.kind() == ErrorKind::NotFound => Some("names no run, and no file"),
        Err(_) => None,
    };
    match wrong {
        None => Ok(()),
        Some(wrong) => {
            let name = files::visible(path);
            Err(LaunchError::Usage(format!("{name} {wrong}")))
        }
    }
}

/// Whether a run came out of an archive. A mark that cannot be read is a mark.
pub fn is_imported(store: &DirectoryStore, run_id: &RunId) -> bool {
    let run = DirectoryStore::run_path(run_id);
    // Whatever cannot be read counts as imported: the safe side.
    !matches!(imported_from(&**store.storage(), &run), Ok(None))
}

/// The run as its journal tells it.
pub fn history(store: &DirectoryStore, run_id: &RunId) -> Result<History, LaunchError> {
    Ok(fold(&store.reader(run_id)?)?)
}

/// The index of all runs, brought up to date and kept.
pub fn index(store: &DirectoryStore) -> Result<RunIndex, LaunchError> {
    let mut index = RunIndex::look(store)?;
    index.read_changed(&mut |_, _| {});
    index.keep();
    Ok(index)
}

/// The last PASS of a profile and target. A run that cannot be read is passed over, and so is one that was imported: it was not
/// made here. The index only says where to look: what is used of the run is read from its journal.
pub fn last_pass(store: &DirectoryStore, profile: &str, target: &str) -> Option<LastPass> {
    let mut index = RunIndex::look(store).ok()?;
    index.read_changed(&mut |_, _| {});
    index.keep();
    let passed = |row: &RunRow| match &row.standing {
        RunStatus::Run(run) if run.profile == profile && run.target == target => {
            let passed = matches!(run.result, Some((_, RunResult::Pass)));
            passed.then(|| (run.started_at, run.run_id.clone()))
        }
        _ => None,
    };
    let mut passed: Vec<(UtcTime, RunId)> = index.rows().filter_map(passed).collect();
    passed.sort();
    let mut newest_first = passed.into_iter().rev();
    newest_first.find_map(|(_, run_id)| vouched(store, run_id, profile, target))
}

/// What a sealed PASS of this profile and target says, from its journal.
fn vouched(store: &DirectoryStore, run_id: RunId, profile: &str, target: &str) -> Option<LastPass> {
    if !store.is_sealed(&run_id).unwrap_or(false) || is_imported(store, &run_id) {
        return None;
    }
    let run = history(store, &run_id).ok()?.into_run();
    let created = run.created.as_ref()?;
    let same = created.profile == profile && created.target.address() == target;
    if !same || !matches!(run.sealed, Some((_, RunResult::Pass, _))) {
        return None;
    }
    let (pin, (_, sealed_at)) = (run.pin.as_ref()?, run.last?);
    Some(LastPass {
        run_id,
        sealed_at,
        facts_digest: pin.facts_digest.clone(),
        facts: pin.facts.clone(),
        profile_sha256: created.profile_sha256.clone(),
        change: Some(run.passed_change()),
        predicted: run.predicted.map(|(predicted, _)| predicted),
        approvals: Some(created.approvals.clone()),
        policy_sha256: created.policy_sha256.clone(),
        evidence_format: created.evidence_format,
    })
}

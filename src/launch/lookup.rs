//! Finding a run and folding it. Invariant: reads only.

use super::LaunchError;
use crate::cli::RunRef;
use crate::journal::{DirectoryStore, Entry, RunStore};
use crate::run::{Event, LastPass, RunId, RunResult, RunState};
use crate::runner::fold;

/// The run that a person means.
pub fn resolve(store: &DirectoryStore, meant: &RunRef) -> Result<RunId, LaunchError> {
    Ok(meant.resolve(&store.runs()?)?)
}

/// The run as its journal says, and the journal.
pub fn folded(
    store: &DirectoryStore,
    run_id: &RunId,
) -> Result<(RunState, Vec<Entry<Event>>), LaunchError> {
    let entries = store.reader(run_id)?.entries::<Event>()?;
    Ok((fold(&entries)?, entries))
}

/// How many runs back the last PASS is looked for.
const LOOK_BACK_MAX: usize = 200;

/// The last PASS of a profile and target. A run that cannot be read is passed over: it cannot vouch for anything.
pub fn last_pass(store: &DirectoryStore, profile: &str, target: &str) -> Option<LastPass> {
    let runs = store.runs().ok()?;
    for run_id in runs.iter().rev().take(LOOK_BACK_MAX) {
        if !store.is_sealed(run_id).unwrap_or(false) {
            continue;
        }
        let Ok((run, _)) = folded(store, run_id) else {
            continue;
        };
        let passed = matches!(run.sealed, Some((_, RunResult::Pass, _)));
        let same = run
            .created
            .as_ref()
            .is_some_and(|c| c.profile == profile && c.target.address() == target);
        if !(passed && same) {
            continue;
        }
        let (Some(pin), Some((_, sealed_at)), Some((predicted, _))) =
            (run.pin.as_ref(), run.last, run.predicted.clone())
        else {
            continue;
        };
        return Some(LastPass {
            run_id: run_id.clone(),
            sealed_at,
            facts_digest: pin.facts_digest.clone(),
            facts: pin.facts.clone(),
            profile_sha256: run.created.as_ref()?.profile_sha256.clone(),
            predicted,
        });
    }
    None
}

//! `drygate run` and `drygate resume`. Invariant: a sealed run is only read, and answers the same each time; a run that is held stays with its holder.

use super::take_run::{self, NewRun, TakenRun};
use super::{LaunchError, approve, headless, print, run_plan, screen};
use crate::cli::{RunRef, Settings};
use crate::journal::{DirectoryStore, JournalError};
use crate::run::RunId;
use crate::runner::{self, hand_over_renewal};

/// `drygate run`.
pub fn run(settings: &Settings) -> Result<u8, LaunchError> {
    let loaded = print::load_profile(&settings.profile.value)?;
    crate::cli::check_approvals(&loaded, settings)?;
    let connection = take_run::connection(settings)?;
    let target = take_run::identity(&connection, &loaded.profile);
    let named = settings.repo.as_ref().map(|repo| repo.value.as_path());
    let store = run_plan::store(settings)?;
    let start = NewRun {
        loaded,
        connection,
        target,
        repository: run_plan::repository(named),
        demo: false,
        live_interval_default_s: run_plan::LIVE_INTERVAL_S,
    };
    if !settings.headless {
        return screen::run_new(settings, &store, start, &|sink| sink);
    }
    let sink = headless::sink(settings);
    let owned = take_run::start(settings, &store, start, &sink)?;
    headless::drive(settings, owned, sink, None)
}

/// `drygate resume RUN_ID`.
pub fn resume(settings: &Settings, meant: &RunRef) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let (run_id, found) = take_run::take(settings, &store, meant, true)?;
    match found {
        TakenRun::Sealed(run) => {
            let outcome = runner::sealed(&run, &settings.call);
            headless::report(settings, &outcome)?;
            Ok(outcome.exit_code)
        }
        TakenRun::DemoIsOver => Err(LaunchError::DemoIsOver { run_id }),
        TakenRun::Held(locked) => renew_at_holder(settings, &store, &run_id, locked),
        TakenRun::Owned(owned) if settings.headless => {
            headless::drive(settings, *owned, headless::sink(settings), None)
        }
        TakenRun::Owned(owned) => screen::take_up(settings, *owned),
    }
}

/// After drift or expiry the process that holds the run takes the new evidence; it keeps the run in every other case.
fn renew_at_holder(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    locked: JournalError,
) -> Result<u8, LaunchError> {
    let socket = runner::socket(store.storage().root(), run_id);
    match socket.map(|socket| hand_over_renewal(&socket)) {
        Some(Ok((exit_code, summary))) => {
            approve::tell(settings, &summary)?;
            Ok(exit_code)
        }
        Some(Err(_)) | None => Err(locked.into()),
    }
}

//! `drygate store`: the tables of a run store, and the data directory with a run store behind it.

use std::sync::Arc;
use std::time::Duration;

use super::{LaunchError, output};
use crate::cli::{DatabaseUrl, Settings, StoreCommand};
use crate::journal::{DirectoryStore, DiskStorage, JournalReader};
use crate::postgres::{ConnectionSettings, LibpqEnvironment};
use crate::run::{Event, RunId, exit};
use crate::store::{
    MirroredStorage, StoreClient, StoreError, StoreOptions, TABLES, compare_stamps, prune,
};

/// `drygate store`.
pub fn command(command: &StoreCommand) -> Result<u8, LaunchError> {
    match command {
        // Nothing is made silently: who owns the store reads what it runs.
        StoreCommand::Init { sql: _ } => output::print(TABLES)?,
        StoreCommand::Prune { older_than, sql: _ } => output::print(&prune(*older_than))?,
    }
    Ok(exit::OK)
}

/// The runs of a data directory, mirrored into the run store of the settings where one is named. One that is not reached is said on
/// standard error: what this machine has can be read all the same, and nothing is acknowledged without it.
pub(super) fn behind(
    settings: &Settings,
    disk: DiskStorage,
) -> Result<DirectoryStore, LaunchError> {
    let Some(url) = &settings.store_url else {
        return Ok(DirectoryStore::on(Arc::new(disk)));
    };
    let client = client(&url.value, settings.store_lease_s.value)?;
    let identity = match client.identity() {
        Ok(identity) => Some(identity),
        Err(StoreError::Unreachable(why)) => {
            output::say(&format!(
                "drygate: the run store is not reached ({why}): shown is what this machine has"
            ));
            None
        }
        Err(error) => return Err(error.into()),
    };
    let store = DirectoryStore::on(Arc::new(MirroredStorage::new(disk, client, output::say)));
    Ok(match identity {
        Some(identity) => store.shared_as(identity),
        None => store,
    })
}

/// The run store of the settings.
pub(super) fn client(url: &DatabaseUrl, lease_s: f64) -> Result<StoreClient, LaunchError> {
    // Where to connect is what the text says: the variables of libpq are those of the surveyed server.
    let environment = LibpqEnvironment::of_process().of_store();
    let connection = ConnectionSettings::resolve(Some(url.reveal()), &environment)?;
    let lease = Duration::from_secs_f64(lease_s);
    Ok(StoreClient::start(StoreOptions { connection, lease })?)
}

/// What the stamps of a run store say of a run.
pub(super) struct StampComparison {
    /// What they do not bear out.
    pub(super) findings: Vec<String>,
    /// What was compared.
    pub(super) compared: Option<String>,
}

/// Compares a run with the stamps of the run store. `verify --store` without a store is an error of the command.
pub(super) fn stamps(
    settings: &Settings,
    run_id: &RunId,
    reader: &JournalReader,
) -> Result<StampComparison, LaunchError> {
    let url = settings.store_url.as_ref().ok_or_else(|| {
        LaunchError::Usage(
            "--store needs a run store: url in [store] of drygate.toml, or DRYGATE_STORE_URL"
                .to_owned(),
        )
    })?;
    let client = client(&url.value, settings.store_lease_s.value)?;
    let mut entries = Vec::new();
    for entry in reader.walk::<Event>()? {
        entries.push(entry?);
    }
    let (findings, decisions) = compare_stamps(&client, run_id, entries)?;
    let findings = findings
        .into_iter()
        .map(|finding| format!("journal.jsonl, line {}: {}", finding.line, finding.what));
    let findings: Vec<String> = findings.collect();
    let plural = if decisions == 1 { "" } else { "s" };
    let says = format!("the same lines; its stamps name who gave {decisions} decision{plural}");
    let compared = findings.is_empty().then_some(says);
    Ok(StampComparison { findings, compared })
}

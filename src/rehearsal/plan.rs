//! What the shadow is told to rehearse. Invariant: the files of the change are written here, so nothing of them is where the shadow
//! sees it before its walls were probed (`rehearse::read` calls it behind them).

use std::path::PathBuf;

use super::message::{PlannedSequence, ShadowPlan};
use super::programs::Programs;
use super::rehearse::ChangeScript;
use super::shadow_database::shown;
use crate::postgres::throwaway::ScratchDirectory;
use crate::postgres::{ShadowSource, SourceCatalogue};

/// Seconds that one run of a change may take.
fn seconds_max() -> u64 {
    // Tests have no five minutes.
    #[cfg(feature = "testing")]
    if let Some(seconds) = std::env::var("DRYGATE_TEST_CHANGE_SECONDS")
        .ok()
        .and_then(|it| it.parse().ok())
    {
        return seconds;
    }
    300
}

/// Writes the change where the shadow sees it.
pub(super) fn plan(
    scratch: &ScratchDirectory,
    programs: &Programs,
    change: &ChangeScript,
    source: &ShadowSource,
    catalogue: &SourceCatalogue,
    [schema, cluster]: [PathBuf; 2],
) -> Result<ShadowPlan, String> {
    let mut written = 0_usize;
    let mut write = |(name, text): &(String, Vec<u8>)| {
        written += 1;
        let path = scratch.path().join(format!("change-{written}.sql"));
        std::fs::write(&path, text)
            .map_err(|error| format!("the change cannot be written for the shadow: {error}"))?;
        scratch.give(&path).map_err(|error| error.to_string())?;
        Ok((name.clone(), path))
    };
    let mut phases = Vec::with_capacity(change.phases.len());
    for files in &change.phases {
        let scripts: Result<Vec<_>, String> = files.iter().map(&mut write).collect();
        phases.push(scripts?);
    }
    let sequences = catalogue.sequences.iter();
    Ok(ShadowPlan {
        server: programs.server.clone(),
        major: programs.major,
        psql: programs.psql.clone(),
        pg_restore: programs.pg_restore.clone(),
        pg_dump: programs.pg_dump.clone(),
        schema,
        cluster,
        phases,
        asked: (catalogue.relations.iter().filter(|it| it.kind == "r"))
            .map(|it| (it.schema.clone(), it.name.clone()))
            .filter(|name| change.asked.contains(&shown(name)))
            .collect(),
        role: change.role.clone(),
        database: source.server().database.clone(),
        roles: catalogue.roles.clone(),
        database_sql: catalogue.database.clone(),
        extensions: catalogue.extensions.clone(),
        sequences: sequences
            .map(|sequence| PlannedSequence {
                name: (sequence.schema.clone(), sequence.name.clone()),
                owner: sequence.owner.clone(),
                last: sequence.last,
            })
            .collect(),
        seconds_max: seconds_max(),
        key_salt: change.key_salt.clone(),
        show: change.show.clone(),
        ledger: None,
    })
}

//! What the shadow is told to rehearse. Invariant: the files of the change are written here, so nothing of them is where the shadow
//! sees it before its walls were probed (`rehearse::read` calls it behind them).

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::message::{PlannedSequence, ShadowPlan};
use super::programs::Programs;
use super::rehearse::ChangeScript;
use super::shadow_database::shown;
use crate::postgres::throwaway::ScratchDirectory;
use crate::postgres::{ShadowSource, SourceCatalogue};
use crate::run::ChangeCommand;

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
    let (phases, command) = written(scratch, change)?;
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
        command,
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

/// The files by phase, each with the name that people know.
type WrittenPhases = Vec<Vec<(String, PathBuf)>>;

/// Writes the files of a change, and where a program carries it out, as they lie in its directory.
fn written(
    scratch: &ScratchDirectory,
    change: &ChangeScript,
) -> Result<(WrittenPhases, Option<ChangeCommand>), String> {
    let root = scratch.path().join("change");
    let give = |path: &Path| scratch.give(path).map_err(|error| error.to_string());
    let make = |directory: &Path| {
        std::fs::create_dir(directory).map_err(|error| refused(&error))?;
        give(directory)
    };
    make(&root)?;
    let mut written = 0_usize;
    let mut write = |(name, text): &(String, Vec<u8>)| {
        written += 1;
        let path = match &change.command {
            Some(command) => {
                let within = command.path_within(name);
                root.join(
                    within
                        .ok_or_else(|| format!("{name} is not in the directory of the change"))?,
                )
            }
            None => root.join(format!("{written}.sql")),
        };
        let missing = path.ancestors().skip(1).take_while(|above| !above.exists());
        let missing: Vec<&Path> = missing.collect();
        missing.into_iter().rev().try_for_each(&make)?;
        let mut file = File::options();
        // What a shell starts among the files of a directory needs to be executable; its mode is no part of the evidence.
        let file = file.write(true).create_new(true).mode(0o700).open(&path);
        file.and_then(|mut file| file.write_all(text))
            .map_err(|error| refused(&error))?;
        give(&path)?;
        Ok((name.clone(), path))
    };
    let mut phases = Vec::with_capacity(change.phases.len());
    for files in &change.phases {
        let scripts: Result<Vec<_>, String> = files.iter().map(&mut write).collect();
        phases.push(scripts?);
    }
    let command = change.command.clone().map(|command| ChangeCommand {
        directory: root.display().to_string(),
        ..command
    });
    Ok((phases, command))
}

fn refused(error: &std::io::Error) -> String {
    format!("the change cannot be written for the shadow: {error}")
}

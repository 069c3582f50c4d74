//! The program that carries a change out in the shadow: psql, or the one that the profile names.
//! Invariant: a program of the team is told of the recording proxy alone, and works in a copy of the change's files that was made for
//! this run of it (`of_team`).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::program_end::says_done;
use super::shadow_database::ShadowDatabase;
use crate::postgres::url_encoded;
use crate::run::{ChangeCommand, CommandDatabase};

/// Characters of a program's last words that are kept.
const WORDS_MAX: usize = 300;

/// The program for the files of one phase, at the server whose socket is in `server`.
pub(super) fn program(
    shadow: &ShadowDatabase,
    files: &[(String, PathBuf)],
    server: &Path,
) -> Result<Command, String> {
    let mut program = match &shadow.plan().command {
        Some(command) => of_team(shadow, command, files, server)?,
        None => of_files(shadow, files),
    };
    program.env("PGHOST", server);
    Ok(program)
}

/// psql, with the files as one transaction.
fn of_files(shadow: &ShadowDatabase, files: &[(String, PathBuf)]) -> Command {
    let plan = shadow.plan();
    let mut psql = shadow.psql(&plan.role, &plan.database);
    // Details can hold values of rows, and a context the text of functions.
    psql.args([
        "-1",
        "-b",
        "-v",
        "VERBOSITY=terse",
        "-v",
        "SHOW_CONTEXT=never",
    ]);
    for (_, file) in files {
        psql.arg("-f").arg(file);
    }
    says_done(&mut psql);
    psql
}

fn of_team(
    shadow: &ShadowDatabase,
    command: &ChangeCommand,
    files: &[(String, PathBuf)],
    server: &Path,
) -> Result<Command, String> {
    let plan = shadow.plan();
    let work = shadow.scratch().join("work");
    let refused = |error: std::io::Error| format!("the change cannot be copied: {error}");
    if work.exists() {
        // What an earlier run of it left there is no part of the change.
        fs::remove_dir_all(&work).map_err(refused)?;
    }
    for (_, file) in files {
        let within = file.strip_prefix(&command.directory);
        let copy = work.join(within.map_err(|error| error.to_string())?);
        fs::create_dir_all(copy.parent().unwrap_or(&work)).map_err(refused)?;
        fs::copy(file, copy).map_err(refused)?;
    }
    let host = server.display().to_string();
    let [user, name, at] = [&plan.role, &plan.database, &host].map(url_encoded);
    let url = format!("postgresql://{user}@/{name}?host={at}&port=5432");
    let database = CommandDatabase {
        url: &url,
        host: &host,
        database: &plan.database,
        user: &plan.role,
    };
    let mut words = (command.run.iter()).map(|word| ChangeCommand::filled_in(word, database));
    let first = words.next().ok_or("the command names no program")?;
    let mut program = shadow.program(first, &plan.role, &plan.database);
    program
        .args(words)
        .current_dir(&work)
        .env("PATH", path_of(shadow, command)?);
    let variables = command.environment.iter();
    program.envs(variables.map(|(name, text)| (name, ChangeCommand::filled_in(text, database))));
    Ok(program)
}

/// Where programs are looked for: those of the profile first, then the psql of the shadow's version.
fn path_of(shadow: &ShadowDatabase, command: &ChangeCommand) -> Result<OsString, String> {
    let of_change = command.programs.iter().map(PathBuf::from);
    let of_change = of_change.flat_map(|place| [place.join("bin"), place]);
    let psql = shadow.plan().psql.parent().map(Path::to_path_buf);
    let own = std::env::var_os("PATH").unwrap_or_default();
    let all = of_change.chain(psql).chain(std::env::split_paths(&own));
    std::env::join_paths(all).map_err(|error| format!("programs of the change: {error}"))
}

/// Why a program may not be there: a link of a virtual environment that leads to an interpreter outside of what is seen.
pub(super) fn not_seen(command: Option<&ChangeCommand>) -> String {
    let places = command.into_iter().flat_map(|command| &command.programs);
    let places = places.map(|place| Path::new(place).join("bin"));
    let mut links = places
        .filter_map(|place| fs::read_dir(place).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let leads_nowhere = |link: PathBuf| {
        let target = fs::read_link(&link).ok()?;
        let dangles = !link.exists() && target.is_absolute();
        dangles.then(|| {
            format!(
                "; {} leads to {}, which is not below [change.command] programs",
                link.display(),
                target.display()
            )
        })
    };
    links.find_map(leads_nowhere).unwrap_or_else(|| {
        "; a program outside of /usr is found below [change.command] programs".to_owned()
    })
}

/// The last line of what a program said, which is most often why it failed.
pub(super) fn last_words(said: &str) -> Option<String> {
    let mut lines = said.lines().rev().map(str::trim);
    // A detail can hold values of rows.
    let last = lines.find(|line| !line.is_empty() && !line.starts_with("DETAIL:"))?;
    Some(last.chars().take(WORDS_MAX).collect())
}

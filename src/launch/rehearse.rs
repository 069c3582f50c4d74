//! `drygate rehearse`: a change is carried out on a throwaway copy of the database, and its effect is printed.
//! Invariant: what is printed of the effect has the mark of REHEARSED (`#`).

use std::path::PathBuf;

use super::survey::{Streamed, SurveyWitness};
use super::{LaunchError, output, print, run};
use crate::cli::Settings;
use crate::documents::{RehearsalDocument, SchemaVersion};
use crate::journal::random_salt;
use crate::profile::Profile;
use crate::rehearsal;
use crate::rehearsal::{ChangeScript, Copies, Rehearsal};
use crate::report::visible;
use crate::run::{
    ChangeFile, RehearsalOutcome, RehearsedTable, RunResult, StopCode, Verdict, exit,
};
use crate::runner::RunnerError;
use crate::survey::Hasher;

/// Lines of the schema's difference that are printed.
const SCHEMA_LINES: usize = 40;

/// Rehearses the files as `role` and prints what they did.
pub fn rehearse(settings: &Settings, files: &[PathBuf], role: &str) -> Result<u8, LaunchError> {
    let loaded = print::load_profile_with_change(&settings.profile.value)?;
    let (found, named) = carry_out(settings, &loaded.profile, files, role)?;
    let document = document(found, named, role);
    if settings.json() {
        output::document(&document)?;
    } else {
        text(&document)?;
    }
    Ok(match document.verdict {
        Verdict::Fail => StopCode::StopGateFailed.exit_code(),
        Verdict::NotChecked => RunResult::Incomplete.exit_code(),
        Verdict::Pass | Verdict::OutOfScope | Verdict::NotAsked => exit::OK,
    })
}

/// Rehearses the files as `role`; gives what came of it, and the files with their digests.
pub(super) fn carry_out(
    settings: &Settings,
    profile: &Profile,
    files: &[PathBuf],
    role: &str,
) -> Result<(Rehearsal, Vec<ChangeFile>), LaunchError> {
    let connection = run::connection(settings)?;
    let mut change = ChangeScript {
        files: Vec::with_capacity(files.len()),
        role: role.to_owned(),
        hidden: run::hidden(&settings.data_dir.value),
        copies: Copies::All,
        show: profile.rehearsal.show.clone(),
        name: "drygate/rehearse".to_owned(),
        key_salt: random_salt().map_err(RunnerError::from)?,
    };
    let mut named = Vec::with_capacity(files.len());
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read(file)
            .map_err(|source| LaunchError::Usage(format!("cannot read {name}: {source}")))?;
        let mut hasher = Hasher::new();
        hasher.update(&text);
        named.push(ChangeFile {
            path: name.clone(),
            sha256: hasher.finish(),
        });
        change.files.push((name, text));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunnerError::from)?;
    let mut witness = SurveyWitness::new(|streamed| match streamed {
        Streamed::Progress(progress) if progress.done == 0 => {
            output::say(&format!("{} ...", progress.what));
        }
        _ => {}
    });
    let rehearsed = rehearsal::rehearse(&connection, profile, &change, &mut witness);
    let found = runtime.block_on(rehearsed).map_err(RunnerError::from)?;
    Ok((found, named))
}

fn document(found: Rehearsal, files: Vec<ChangeFile>, role: &str) -> RehearsalDocument {
    let verdicts = found.checks.iter().map(|check| check.verdict);
    RehearsalDocument {
        schema: SchemaVersion,
        verdict: Verdict::of_gate(verdicts),
        checks: found.checks,
        files,
        role: role.to_owned(),
        production: found.production,
        proof: found.proof,
        statements: found.statements,
        rehearsed: found.rehearsed,
    }
}

fn text(document: &RehearsalDocument) -> Result<(), LaunchError> {
    for check in &document.checks {
        output::line(&format!(
            "{:<12} {:<12} {}",
            check.verdict.name(),
            check.name,
            visible(&check.says)
        ))?;
        if let Some(next) = check
            .next
            .as_ref()
            .filter(|_| check.verdict != Verdict::Pass)
        {
            output::line(&format!("{:25} {}", "", visible(next)))?;
        }
    }
    if let Some(rehearsed) = &document.rehearsed {
        effect(rehearsed)?;
    }
    output::line(document.verdict.name())
}

fn effect(rehearsed: &RehearsalOutcome) -> Result<(), LaunchError> {
    if let Some(statement) = &rehearsed.script.statement {
        output::line("")?;
        output::line("the statement that failed:")?;
        for line in statement.lines() {
            output::line(&format!("  {}", visible(line)))?;
        }
    }
    output::line("")?;
    output::line("# REHEARSED: measured on a throwaway copy of the database")?;
    let shown = rehearsed
        .effect
        .iter()
        .map(|table| table.table.chars().count());
    let width = shown.max().unwrap_or(0).max("table".len());
    output::line(&format!(
        "{:<width$} {:>9} {:>9} {:>9} {:>9}",
        "table", "insert", "update", "delete", "same"
    ))?;
    for table in &rehearsed.effect {
        output::line(&format!(
            "{:<width$} {:>9} {:>9} {:>9} {:>9}{}",
            visible(&table.table),
            table.inserted.to_string(),
            table.updated.to_string(),
            table.deleted.to_string(),
            table.touched.to_string(),
            beside(table)
        ))?;
    }
    if rehearsed.effect.is_empty() {
        output::line("no row and no table was changed")?;
    }
    for sequence in &rehearsed.sequences {
        let number =
            |last: Option<i64>| last.map_or_else(|| "-".to_owned(), |last| last.to_string());
        output::line(&format!(
            "sequence {} #{} -> #{}",
            visible(&sequence.sequence),
            number(sequence.before),
            number(sequence.after)
        ))?;
    }
    let changes = &rehearsed.schema_changes;
    for line in changes.iter().take(SCHEMA_LINES) {
        output::line(&format!("schema {}", visible(line)))?;
    }
    if changes.len() > SCHEMA_LINES {
        output::line(&format!(
            "schema {} more lines",
            changes.len() - SCHEMA_LINES
        ))?;
    }
    for difference in &rehearsed.differences {
        output::line(&format!("differs: {}", visible(difference)))?;
    }
    output::line(&format!(
        "took #{} ms here; production differs. Not seen: other sessions, production's disk and cache, other databases",
        rehearsed.script.took_ms
    ))
}

/// What is said of a table beside its counts.
fn beside(table: &RehearsedTable) -> String {
    let mut parts = Vec::new();
    if !table.columns.is_empty() {
        parts.push(format!("columns {}", table.columns.join(", ")));
    }
    if !table.volatile.is_empty() {
        parts.push(format!("volatile {}", table.volatile.join(", ")));
    }
    if table.redefined {
        parts.push("defined or written anew".to_owned());
    }
    if table.key.is_empty() {
        parts.push("no key: rows are not identified".to_owned());
    }
    let mut text = visible(&parts.join("  "));
    if !text.is_empty() {
        text.insert_str(0, "  ");
    }
    text
}

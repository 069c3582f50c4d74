//! `drygate rehearse`: a change is carried out on a throwaway copy of the database, and its effect is printed.
//! For `drygate profile init --change` the same becomes the change of a new profile (`ProposedChange`).
//! Invariant: what is printed of the effect has the mark of REHEARSED (`#`), and what was not measured whole is no expectation.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::profile_init::quoted;
use super::survey::{Streamed, SurveyWitness};
use super::{LaunchError, files, lookup, output, print, run, run_plan};
use crate::cli::{RunPlace, Settings};
use crate::documents::{RehearsalAgainst, RehearsalDocument, SchemaVersion};
use crate::journal::random_salt;
use crate::postgres::ConnectionSettings;
use crate::profile::Profile;
use crate::rehearsal::{ChangeScript, Copies, LedgerUse, Rehearsal};
use crate::report::{rehearsal_comment, visible};
use crate::run::{
    ChangeCommand, ChangeFile, RecordedChange, RehearsalCheck, RehearsalOutcome, RehearsedTable,
    RunChange, RunOnTop, RunResult, StopCode, Verdict, counted, effect_differences, exit,
};
use crate::runner::RunnerError;
use crate::simulate::ExpectedRows;
use crate::survey::{Digest, NamedRelation};
use crate::{rehearsal, runner};

/// Lines of the schema's difference that are printed.
const SCHEMA_LINES: usize = 40;

/// Rehearses the files as `role`, or the change of the profile, and prints what it did, and in what that is not what an earlier
/// rehearsal did.
pub fn rehearse(
    settings: &Settings,
    (files, role): (&[PathBuf], Option<&str>),
    against: Option<&RunPlace>,
    markdown: bool,
) -> Result<u8, LaunchError> {
    let loaded = print::load_profile(&settings.profile.value)?;
    // Looked up first: it is the quicker way to an error.
    let earlier = against.map(|place| EarlierRehearsal::read(settings, &loaded.profile, place));
    let earlier = earlier.transpose()?;
    let change = run::change(&loaded, files, role)?.ok_or_else(|| {
        LaunchError::Usage(
            "name the files of the change with --change FILE, or the change in [change] of the profile"
                .to_owned(),
        )
    })?;
    let (mut found, named) = carry_out(settings, &loaded.profile, &change)?;
    let declared = loaded.profile.change.as_ref();
    let command = declared.and_then(|declared| declared.command.clone());
    let command = command.filter(|_| change.command.is_some());
    let policy = declared.and_then(|change| change.locks.as_ref());
    let recorded = found.rehearsed.as_ref().and_then(|it| it.recorded.as_ref());
    let judged = policy.zip(recorded);
    found
        .checks
        .extend(judged.map(|(policy, recorded)| RehearsalCheck::of_locks(policy, recorded)));
    let mut document = document(found, named, (command, change.role));
    let here = document.rehearsed.as_ref();
    document.against = earlier.map(|earlier| earlier.compared(&document.files, here));
    if settings.json() {
        output::document(&document)?;
    } else if markdown {
        output::print(&rehearsal_comment(&document))?;
    } else {
        text(&document)?;
    }
    let differs = (document.against.as_ref()).is_some_and(|it| !it.differences.is_empty());
    Ok(match document.verdict {
        Verdict::Fail => StopCode::StopGateFailed.exit_code(),
        _ if differs => exit::DIFFERENT,
        Verdict::NotChecked => RunResult::Incomplete.exit_code(),
        Verdict::Pass | Verdict::OutOfScope | Verdict::NotAsked => exit::OK,
    })
}

/// What a change did before, in a run or in a document.
struct EarlierRehearsal {
    name: String,
    files: Vec<Digest>,
    outcome: RehearsalOutcome,
    /// What may be another number.
    expected: Vec<ExpectedRows>,
}

impl EarlierRehearsal {
    fn read(settings: &Settings, profile: &Profile, place: &RunPlace) -> Result<Self, LaunchError> {
        match place {
            RunPlace::Run(meant) => {
                let store = run_plan::store(settings)?;
                let run_id = lookup::resolve(&store, meant)?;
                let run = lookup::history(&store, &run_id)?.into_run();
                let outcome = run
                    .last_rehearsal()
                    .and_then(|last| last.outcome.as_deref());
                let outcome = outcome.cloned().ok_or_else(|| {
                    LaunchError::Usage(format!("{run_id} rehearsed no change to its end"))
                })?;
                let change = run.change();
                let files = run.change_files.iter().flat_map(|files| files.iter());
                Ok(Self {
                    name: run_id.to_string(),
                    files: files.map(|file| file.sha256.clone()).collect(),
                    expected: change.and_then(|it| it.expect.clone()).unwrap_or_default(),
                    outcome,
                })
            }
            RunPlace::Path(path) => {
                let name = path.display().to_string();
                let refused = |why: String| LaunchError::Usage(format!("{name}: {why}"));
                let text = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
                let kept: KeptRehearsal =
                    serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
                let outcome = kept.rehearsed;
                let outcome =
                    outcome.ok_or_else(|| refused("nothing of its change ran".to_owned()))?;
                let change = profile.change.as_ref();
                Ok(Self {
                    files: kept.files.into_iter().map(|file| file.sha256).collect(),
                    expected: change.and_then(|it| it.expect.clone()).unwrap_or_default(),
                    name,
                    outcome,
                })
            }
        }
    }

    fn compared(self, files: &[ChangeFile], here: Option<&RehearsalOutcome>) -> RehearsalAgainst {
        let same_files = self.files.iter().eq(files.iter().map(|file| &file.sha256));
        let differences = match here {
            Some(here) => effect_differences(&self.outcome, here, &self.expected),
            None => Vec::new(),
        };
        RehearsalAgainst {
            name: self.name,
            same_files,
            differences,
        }
    }
}

/// What is read of the document of an earlier rehearsal.
#[derive(Deserialize)]
struct KeptRehearsal {
    files: Vec<ChangeFile>,
    rehearsed: Option<RehearsalOutcome>,
}

/// Rehearses a change; gives what came of it, and its files with their digests.
pub(super) fn carry_out(
    settings: &Settings,
    profile: &Profile,
    change: &RunChange,
) -> Result<(Rehearsal, Vec<ChangeFile>), LaunchError> {
    let connection = run::connection(settings)?;
    let here = std::env::current_dir().map_err(LaunchError::output("cannot name the files"))?;
    let (mut named, mut texts) = (Vec::with_capacity(change.files.len()), Vec::new());
    for file in &change.files {
        let text = runner::change_file(file)?;
        // As short as it can be: it is printed, and where the work tree lies on this machine says nothing to others.
        let path = files::below(&here, file);
        named.push(ChangeFile {
            sha256: Digest::of(&text),
            path: path.clone(),
        });
        texts.push((path, text));
    }
    let command = change.command.clone().map(|command| ChangeCommand {
        directory: files::below(&here, &command.directory),
        ..command
    });
    let change = ChangeScript {
        phases: change.in_phases(texts),
        command,
        role: change.role.clone(),
        hidden: run::hidden(&settings.data_dir.value),
        copies: Copies::All,
        asked: Vec::new(),
        show: profile.rehearsal.show.clone(),
        name: "drygate/rehearse".to_owned(),
        key_salt: random_salt().map_err(RunnerError::from)?,
    };
    let found = on_shadow(&connection, profile, &change, LedgerUse::None)?;
    Ok((found, named))
}

/// Reads production and works on a shadow; the steps are said on standard error.
pub(super) fn on_shadow(
    connection: &ConnectionSettings,
    profile: &Profile,
    change: &ChangeScript,
    ledger: LedgerUse<'_>,
) -> Result<Rehearsal, LaunchError> {
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
    let rehearsed = rehearsal::rehearse(connection, profile, change, ledger, &mut witness);
    Ok(runtime.block_on(rehearsed).map_err(RunnerError::from)?)
}

fn document(
    found: Rehearsal,
    files: Vec<ChangeFile>,
    (command, role): (Option<ChangeCommand>, String),
) -> RehearsalDocument {
    let verdicts = found.checks.iter().map(|check| check.verdict);
    RehearsalDocument {
        schema: SchemaVersion,
        verdict: Verdict::of_gate(verdicts),
        checks: found.checks,
        files,
        command,
        role,
        production: found.production,
        proof: found.proof,
        statements: found.statements,
        rehearsed: found.rehearsed,
        against: None,
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
    if let Some(earlier) = &document.against {
        output::line("")?;
        let script = if earlier.same_files {
            "the same script"
        } else {
            "another script"
        };
        let says = match earlier.differences.len() {
            0 => "did the same",
            _ => "did otherwise",
        };
        output::line(&format!(
            "against {} ({script}): it {says}",
            visible(&earlier.name)
        ))?;
        for change in &earlier.differences {
            let side = |value: &Option<String>| value.as_deref().map_or_else(String::new, visible);
            let (there, here) = (side(&change.approved), side(&change.found));
            output::line(&format!(
                "{}={there} -> {here}",
                visible(change.key.shown())
            ))?;
        }
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
    for line in rehearsed.recorded.iter().flat_map(RecordedChange::lines) {
        output::line(&format!("statement {}", visible(&line)))?;
    }
    for words in rehearsed.on_top.iter().map(RunOnTop::words) {
        output::line(&visible(&words))?;
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

/// A change with what came of its rehearsal.
#[derive(Debug)]
pub(super) struct ProposedChange {
    role: String,
    /// As the profile names them: relative to its directory where they are below it.
    files: Vec<String>,
    checks: Vec<RehearsalCheck>,
    outcome: Option<RehearsalOutcome>,
}

impl ProposedChange {
    /// Rehearses the files as `role`, for a profile that is going to be at `profile_file`.
    pub(super) fn rehearsed(
        settings: &Settings,
        profile: &Profile,
        profile_file: &Path,
        files: &[PathBuf],
        role: &str,
    ) -> Result<Self, LaunchError> {
        let named = files.iter().map(|file| named_in(profile_file, file));
        let named: Result<Vec<String>, _> = named.collect();
        let named = named.map_err(LaunchError::output("cannot name a file of the change"))?;
        let change = runner::named_change(profile, files, Some(role))?;
        let (found, _) = carry_out(settings, profile, &change)?;
        Ok(Self {
            role: role.to_owned(),
            files: named,
            checks: found.checks,
            outcome: found.rehearsed.filter(|outcome| outcome.script.succeeded),
        })
    }

    /// Whether it read or wrote the table; every table, where that is not known.
    pub(super) fn touches(&self, table: &NamedRelation) -> bool {
        let Some(outcome) = &self.outcome else {
            return true;
        };
        let read = outcome.seeded.iter().map(|seeded| seeded.table.as_str());
        let wrote = outcome.effect.iter().map(|effect| effect.table.as_str());
        let name = format!("{}.{}", table.schema, table.name);
        read.chain(wrote).any(|touched| touched == name)
    }

    /// What a person must know of the rehearsal.
    pub(super) fn said(&self) -> Vec<String> {
        let open = self
            .checks
            .iter()
            .filter(|check| check.verdict != Verdict::Pass);
        let mut lines = vec![match &self.outcome {
            Some(outcome) => format!(
                "The change was rehearsed: it touched {}.",
                counted(outcome.effect.len(), "table")
            ),
            None => {
                "The change could not be rehearsed, so nothing is expected of it yet:".to_owned()
            }
        }];
        lines.extend(open.map(|check| {
            let next = check.next.as_deref().unwrap_or_default();
            format!("{} {}: {}. {next}", check.verdict, check.name, check.says)
        }));
        lines
    }

    /// Its table in the profile.
    pub(super) fn text(&self) -> String {
        let files: Vec<String> = self.files.iter().map(|file| quoted(file)).collect();
        let mut text = format!(
            "# The change itself, for psql: it is rehearsed on a throwaway copy, and what it did to each table is what SG2 asks about.\n\
             [change]\nrole = {}\nfiles = [{}]\n",
            quoted(&self.role),
            files.join(", ")
        );
        let mut put = |line: &str| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{line}");
        };
        let open = self
            .checks
            .iter()
            .find(|check| check.verdict != Verdict::Pass);
        let outcome = self.outcome.as_ref();
        let is_whole = outcome.is_some_and(|outcome| {
            outcome.sentinel_found
                && outcome.not_checked.is_empty()
                && outcome.not_reproducible.is_empty()
        });
        let comment = if is_whole { "" } else { "# " };
        if let Some(open) = open.filter(|_| !is_whole) {
            put(&format!(
                "# Not measured: {}",
                visible(&open.says).replace('\n', " ")
            ));
        }
        let Some(outcome) = outcome else {
            put("# expect = [{ table = \"public.unit\", update = \"1..100\" }]\n");
            return text;
        };
        put(&format!(
            "{comment}expect = [   # rows, as measured; a range is \"10..20\""
        ));
        for table in &outcome.effect {
            let written = table.rows_changed();
            let written = written.iter().filter(|(_, rows)| *rows.get() > 0);
            let rows: Vec<String> = written
                .map(|(word, rows)| format!(", {word} = {}", rows.get()))
                .collect();
            if !rows.is_empty() {
                put(&format!(
                    "{comment}  {{ table = {}{} }},",
                    quoted(&table.table),
                    rows.concat()
                ));
            }
        }
        put(&format!("{comment}]\n"));
        text
    }
}

/// The file as a profile names it.
fn named_in(profile_file: &Path, file: &Path) -> std::io::Result<String> {
    let absolute = std::path::absolute(file)?;
    let profile_file = std::path::absolute(profile_file)?;
    let below = profile_file
        .parent()
        .and_then(|directory| absolute.strip_prefix(directory).ok());
    Ok(below.unwrap_or(&absolute).display().to_string())
}

//! The change that a new profile is about: what it touches and how many rows it writes, measured in a rehearsal.
//! Invariant: what was not measured whole is a comment, never an expectation (`text`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::profile_init::quoted;
use super::{LaunchError, rehearse};
use crate::cli::Settings;
use crate::profile::Profile;
use crate::report::visible;
use crate::run::{RehearsalCheck, RehearsalOutcome, Verdict, counted};
use crate::survey::NamedRelation;

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
        let (found, _) = rehearse::carry_out(settings, profile, files, role)?;
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
        let touched: BTreeSet<&str> = read.chain(wrote).collect();
        touched.contains(format!("{}.{}", table.schema, table.name).as_str())
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

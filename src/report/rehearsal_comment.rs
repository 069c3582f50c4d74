//! A rehearsal as a comment of a pull request, in Markdown.
//! Invariant: no text of the database or of a script ends its cell, its code or its line (`escape`; test
//! `hostile_names_stay_in_their_cells`).

use super::escape::{code, fence, inline};
use crate::documents::RehearsalDocument;
use crate::run::{RehearsalOutcome, Verdict, counted};

/// Lines of the script and of the schema that are shown.
const LINES_MAX: usize = 60;

/// The comment.
pub fn rehearsal_comment(document: &RehearsalDocument) -> String {
    let files = document.files.iter().map(|file| code(&file.path));
    let files = || files.collect::<Vec<_>>().join(", ");
    let of = document.command.as_ref().map_or_else(files, |command| {
        format!("{} in {}", code(&command.line()), code(&command.directory))
    });
    let mut parts = vec![format!(
        "### {}: rehearsal of {of} as {}",
        document.verdict.name(),
        code(&document.role)
    )];
    let against = document
        .checks
        .iter()
        .filter(|check| check.verdict != Verdict::Pass);
    let against: Vec<String> = against
        .map(|check| {
            let next = check.next.as_deref().unwrap_or_default();
            let (name, says) = (inline(&check.name), inline(&check.says));
            format!(
                "- **{} {name}**: {says}. {}",
                check.verdict.name(),
                inline(next)
            )
        })
        .collect();
    parts.push(against.join("\n"));
    if let Some(earlier) = &document.against {
        let files = if earlier.same_files {
            "the same script"
        } else {
            "another script"
        };
        let name = code(&earlier.name);
        if earlier.differences.is_empty() {
            parts.push(format!(
                "Effect, commands and locks are those of {name} ({files})."
            ));
        } else {
            let mut rows = vec![
                format!("Not as {name} ({files}):"),
                String::new(),
                "| what | there | here |".to_owned(),
                "| --- | --- | --- |".to_owned(),
            ];
            rows.extend(earlier.differences.iter().map(|change| {
                let side =
                    |value: &Option<String>| value.as_deref().map_or_else(String::new, inline);
                let (there, here) = (side(&change.approved), side(&change.found));
                format!("| {} | {there} | {here} |", inline(change.key.shown()))
            }));
            parts.push(rows.join("\n"));
        }
    }
    if let Some(rehearsed) = &document.rehearsed {
        parts.extend(effect(rehearsed));
    }
    parts.push(
        "Numbers with # were measured on a throwaway copy of the database; times are of that machine, and production differs."
            .to_owned(),
    );
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

fn effect(rehearsed: &RehearsalOutcome) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(error) = &rehearsed.script.error {
        let statement = rehearsed.script.statement.iter().flat_map(|it| it.lines());
        let lines = std::iter::once(error.as_str()).chain(statement);
        parts.push(format!("The change failed:\n\n{}", fence(lines)));
    }
    let mut rows = vec![
        "| table | insert | update | delete | same | columns |".to_owned(),
        "| --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    rows.extend(rehearsed.effect.iter().map(|table| {
        let [insert, update, delete] = table.rows_changed().map(|(_, rows)| rows.to_string());
        let columns = inline(&table.stable_columns().join(", "));
        format!(
            "| {} | {insert} | {update} | {delete} | {} | {columns} |",
            code(&table.table),
            table.touched
        )
    }));
    parts.push(if rehearsed.effect.is_empty() {
        "No row and no table was changed.".to_owned()
    } else {
        rows.join("\n")
    });
    parts.extend(
        rehearsed
            .on_top
            .iter()
            .map(|on_top| inline(&on_top.words())),
    );
    if let Some(recorded) = &rehearsed.recorded {
        let held = recorded.held_lines();
        let held: Vec<String> = held
            .iter()
            .map(|line| format!("- {}", inline(line)))
            .collect();
        parts.push(held.join("\n"));
        let safer: Vec<String> = (recorded.statements())
            .filter_map(|(_, nth, statement)| Some((nth, statement.safer.as_ref()?)))
            .map(|(nth, form)| format!("- statement {nth}, safer: {}", inline(form)))
            .collect();
        parts.push(safer.join("\n"));
        let listed = recorded.listed(LINES_MAX);
        let listed = listed.iter().map(String::as_str);
        parts.push(folded("Statements", &fence(listed)));
    }
    let schema = rehearsed.schema_lines();
    if !schema.is_empty() {
        let shown = schema.iter().take(LINES_MAX).copied();
        let title = format!("Schema: {} changed", counted(schema.len(), "line"));
        parts.push(folded(&title, &fence(shown)));
    }
    parts
}

fn folded(title: &str, text: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{text}\n\n</details>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{RehearsalAgainst, SchemaVersion};
    use crate::run::{ChangeFile, RehearsalCheck, RehearsedTable};
    use crate::survey::{Digest, FactChange, FactKey, Rehearsed};

    fn document(name: &str) -> RehearsalDocument {
        let table = RehearsedTable {
            table: format!("shop.{name}"),
            updated: Rehearsed::new(1_000),
            columns: vec!["region".to_owned()],
            ..RehearsedTable::default()
        };
        RehearsalDocument {
            command: None,
            schema: SchemaVersion,
            verdict: Verdict::Pass,
            checks: vec![RehearsalCheck::new(
                "expect",
                Verdict::Fail,
                format!("{name} was written"),
                Some("Expect it."),
            )],
            files: vec![ChangeFile {
                path: format!("{name}.sql"),
                sha256: Digest::of("x"),
            }],
            role: "migrator".to_owned(),
            production: None,
            proof: None,
            statements: Vec::new(),
            rehearsed: Some(RehearsalOutcome {
                effect: vec![table],
                schema_changes: vec![format!("+CREATE TABLE {name} (")],
                ..RehearsalOutcome::default()
            }),
            against: Some(RehearsalAgainst {
                name: "baseline.json".to_owned(),
                same_files: true,
                differences: vec![FactChange {
                    key: FactKey::new("effect.shop.orders"),
                    approved: Some("update #999".to_owned()),
                    found: Some(format!("update #1000, {name}")),
                    rows: Vec::new(),
                    reason: None,
                }],
            }),
        }
    }

    #[test]
    fn a_comment_names_effect_checks_and_differences() {
        insta::assert_snapshot!(rehearsal_comment(&document("orders")));
    }

    #[test]
    fn hostile_names_stay_in_their_cells() {
        let hostile = "a|b`<script>\n| x |\n```\n# title";
        let lines = |name: &str| rehearsal_comment(&document(name)).lines().count();
        assert_eq!(lines(hostile), lines("orders"));
        // As many cells in each row of a table.
        let cells = |name: &str| -> Vec<usize> {
            let text = rehearsal_comment(&document(name));
            let rows = text.lines().filter(|line| line.starts_with('|'));
            rows.map(|row| row.replace("\\|", "").matches('|').count())
                .collect()
        };
        assert_eq!(cells(hostile), cells("orders"));
    }
}

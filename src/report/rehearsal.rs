//! Report 14: the change of a run, what may be copied for it, and each rehearsal of the last round.

use serde_json::{Value, json};

use super::ReportInput;
use crate::run::{
    ChangeRehearsed, MovedRows, RecordedChange, RehearsalOutcome, RehearsedRow, RehearsedTable,
    RunState,
};

/// How many rows of a table are listed.
const ROWS_MAX: usize = 100;

/// The values of the report; null where the run has no change.
pub(super) fn rehearsal(input: &ReportInput) -> Value {
    let run = input.run;
    let Some(change) = run.change_evidence() else {
        return Value::Null;
    };
    let mut lines = vec![format!("role={}", change.role)];
    let command = change.command.iter();
    lines.extend(command.map(|it| format!("command={} directory={}", it.line(), it.directory)));
    let files = change.listed_files().into_iter();
    lines.extend(files.map(|file| format!("file={} sha256={}", file.path, file.sha256)));
    let expect = change.expect.iter().flatten().map(|rows| {
        let (table, insert, update, delete) = (&rows.table, rows.insert, rows.update, rows.delete);
        format!("expect={table} insert {insert} update {update} delete {delete}")
    });
    lines.extend(expect);
    let copy = change.copy.iter();
    let copy: Vec<Value> = copy
        .map(|table| json!({"table": table.table, "size": table.size(), "asked": yes(table.asked)}))
        .collect();
    let all = run.first_phases.iter().chain(&run.rehearsals);
    let rehearsals: Vec<Value> = all.map(|one| rehearsed(one)).collect();
    json!({
        "change": lines,
        "copy": copy,
        "rehearsals": rehearsals,
        "rows": rows(input),
        "in_range": or_none(in_range(run)),
    })
}

/// The rows of the last rehearsal by table, from its blob; empty where it changed none, or the blob is not there.
fn rows(input: &ReportInput) -> Vec<Value> {
    let last = input.run.shown_rehearsal();
    let blob = last.and_then(|last| (input.blobs)(last.blob.as_ref()?));
    let outcome = blob.and_then(|blob| serde_json::from_str::<RehearsalOutcome>(&blob).ok());
    let tables = outcome.into_iter().flat_map(|outcome| outcome.effect);
    let tables = tables.filter(|table| !table.rows.is_empty());
    tables
        .map(|table| {
            let listed = table.rows.iter().take(ROWS_MAX);
            let line = |row: &RehearsedRow| {
                let mut parts = vec![row.does()];
                parts.extend(row.shown());
                format!("{}: {}", table.name_of(row), parts.join("; "))
            };
            let lines: Vec<String> = listed.map(line).collect();
            // Of the rows that are there: a forged count need not be theirs.
            let more = table.rows.len() - lines.len();
            let left_out = table.rows_left_out.saturating_add(more as u64);
            json!({"table": table.table, "lines": lines, "left_out": left_out})
        })
        .collect()
}

/// The counts that moved inside of their range, and the rows that joined or left.
fn in_range(run: &RunState) -> Vec<String> {
    let mut lines = run.moved_in_range();
    let moved = run
        .last_rehearsal()
        .into_iter()
        .flat_map(|last| &last.moved);
    lines.extend(moved.flat_map(MovedRows::lines));
    lines
}

fn yes(holds: bool) -> &'static str {
    if holds { "yes" } else { "no" }
}

fn or_none(lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        return vec!["none".to_owned()];
    }
    lines
}

fn rehearsed(one: &ChangeRehearsed) -> Value {
    let checks: Vec<Value> = (one.checks.iter())
        .map(|check| json!({"name": check.name, "verdict": check.verdict, "says": check.says}))
        .collect();
    let blob = one.blob.as_ref().map_or("none", |blob| blob.as_str());
    let outcome = one.outcome.as_deref().map(outcome);
    json!({"gate": one.gate, "part": one.part(), "checks": checks, "blob": blob, "outcome": outcome})
}

fn outcome(outcome: &RehearsalOutcome) -> Value {
    let error = outcome.script.error.as_ref().map(|error| {
        let statement = outcome
            .script
            .statement
            .iter()
            .flat_map(|text| text.lines());
        let lines = std::iter::once(error.clone()).chain(statement.map(str::to_owned));
        lines.collect::<Vec<String>>()
    });
    let number = |last: Option<i64>| last.map_or_else(|| "-".to_owned(), |last| format!("#{last}"));
    let sequences = outcome.sequences.iter().map(|sequence| {
        let (before, after) = (number(sequence.before), number(sequence.after));
        format!("{} {before} -> {after}", sequence.sequence)
    });
    let copied = outcome.seeded.iter();
    let copied = copied.map(|table| format!("{} {} rows", table.table, table.rows));
    let sha256 = outcome.effect_sha256.as_ref();
    json!({
        "version": outcome.version,
        "effect_sha256": sha256.map_or("none", |sha256| sha256.as_str()),
        "error": error,
        "tables": outcome.effect.iter().map(table).collect::<Vec<_>>(),
        "copied": or_none(copied.collect()),
        "sequences": or_none(sequences.collect()),
        "schema": or_none(outcome.schema_changes.clone()),
        "statements": or_none(outcome.recorded.iter().flat_map(RecordedChange::lines).collect()),
        "differences": or_none(outcome.differences.clone()),
    })
}

fn table(table: &RehearsedTable) -> Value {
    let named = |columns: &[String]| match columns {
        [] => "-".to_owned(),
        columns => columns.join(", "),
    };
    json!({
        "table": table.table,
        "inserted": table.inserted.to_string(),
        "updated": table.updated.to_string(),
        "deleted": table.deleted.to_string(),
        "same": table.touched.to_string(),
        "columns": named(&table.columns),
        "volatile": named(&table.volatile),
        "redefined": yes(table.redefined),
    })
}

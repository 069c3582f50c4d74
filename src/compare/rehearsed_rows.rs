//! What a change did when it was rehearsed, beside what was there before: the rows of each table, sequences, and the schema.
//! Invariant: it is made of the recorded outcome alone, so that it shows no value that the profile did not let be kept
//! (`row_fields`).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::attribution::AttributionText;
use super::build_comparison::claims;
use super::comparison::{Compare, Comparison, SideSource};
use super::fact::{Change, ComparedFact, SideValue};
use crate::run::{
    RehearsalOutcome, RehearsedRow, RehearsedTable, RowOperation, RunState, SequenceMove,
    ShownValue, counted,
};
use crate::survey::{Digest, FactKey, FactKind, Provenance, Rehearsed, Side, Sides};

/// The row behind which the lines of the schema are listed; a table's key has a dot.
const SCHEMA: &str = "schema";

/// The last rehearsal of the round. `Err`: nothing of a change was rehearsed.
pub(super) fn rehearsed(run: &RunState) -> Result<Comparison, String> {
    let last = run.shown_rehearsal();
    let outcome = last.and_then(|last| Some((last.outcome.as_deref()?, last.blob.as_ref()?)));
    let Some((outcome, blob)) = outcome else {
        return Err("Nothing of a change was rehearsed.".to_owned());
    };
    let mut facts: Vec<ComparedFact> = (outcome.script.error.iter())
        .map(|error| of("change", Some("not run".to_owned()), Some(error.clone())))
        .collect();
    facts.extend(outcome.effect.iter().map(|it| table(outcome, it, blob)));
    facts.extend(outcome.sequences.iter().map(sequence));
    facts.extend(schema(outcome, blob));
    let run_id = run.run_id().map(ToString::to_string);
    let change = run.change_evidence();
    let read_at = change.and_then(|change| change.read_at);
    let before = SideSource {
        name: "before".to_owned(),
        run_id: run_id.clone(),
        read_at: read_at.map(|moments| moments.rows),
        ..SideSource::default()
    };
    // The right side was read from no database of ours.
    let after = SideSource {
        name: "#rehearsed".to_owned(),
        run_id,
        server: Some(format!("PostgreSQL {}, a throwaway copy", outcome.version)),
        ..SideSource::default()
    };
    let sources = Sides::new(before, after);
    let claims = claims(run);
    let compare = Compare::Rehearsed;
    Ok(Comparison {
        attribution: AttributionText::of(&compare, &facts, &sources, &claims, None, None),
        compare,
        sources,
        verdict: None,
        claims,
        facts,
        method: Vec::new(),
        after: None,
    })
}

fn of(key: &str, before: Option<String>, after: Option<String>) -> ComparedFact {
    let sides = Sides::new(
        Some(SideValue::bare(before, Provenance::Live)),
        Some(SideValue::bare(after, Provenance::Rehearsed)),
    );
    let mut fact = ComparedFact::of(FactKey::new(key), key.to_owned(), FactKind::Text, sides);
    // Only what the change did something to is recorded.
    fact.change = Change::Changed;
    fact
}

/// The same with rows or lines in the blob of the rehearsal.
fn with_lines(mut fact: ComparedFact, blob: &Digest, lines: u64) -> ComparedFact {
    let sides = [&mut fact.sides.before, &mut fact.sides.after];
    for value in sides.into_iter().flatten() {
        value.rehearsal = Some(blob.clone());
    }
    if let Some(after) = &mut fact.sides.after {
        after.rows = Some(lines);
    }
    fact
}

fn table(outcome: &RehearsalOutcome, table: &RehearsedTable, blob: &Digest) -> ComparedFact {
    let mut copied = outcome.seeded.iter();
    let copied = copied.find(|copied| copied.table == table.table);
    // The rows of a partitioned table are copied as those of its partitions.
    let before = copied.map_or_else(
        || "not counted".to_owned(),
        |copied| format!("{} rows", copied.rows),
    );
    let fact = of(&table.table, Some(before), Some(table.shape()));
    with_lines(fact, blob, table.rows_written())
}

fn sequence(moved: &SequenceMove) -> ComparedFact {
    let place = |last: Option<i64>| last.map_or_else(|| "-".to_owned(), |last| format!("#{last}"));
    let (before, after) = (place(moved.before), place(moved.after));
    of(&moved.sequence, Some(before), Some(after))
}

fn schema(outcome: &RehearsalOutcome, blob: &Digest) -> Option<ComparedFact> {
    let differing = outcome.schema_lines();
    let count = |mark: char| {
        differing
            .iter()
            .filter(|line| line.starts_with(mark))
            .count()
    };
    let (gone, new) = (count('-'), count('+'));
    let before = format!("{} gone", counted(gone, "line"));
    let after = format!("{} new lines", Rehearsed::new(new as u64));
    let fact = of(SCHEMA, Some(before), Some(after));
    (!differing.is_empty()).then(|| with_lines(fact, blob, differing.len() as u64))
}

/// One side of the rows of a table, or of the schema, from the blob of a rehearsal. `Err`: it is no rehearsal.
pub fn rehearsed_lines(blob: &str, key: &FactKey, side: Side) -> Result<Option<String>, String> {
    let outcome: RehearsalOutcome = serde_json::from_str(blob)
        .map_err(|why| format!("the blob of the rehearsal cannot be read: {why}"))?;
    if key.as_str() == SCHEMA {
        return Ok(Some(schema_lines(&outcome, side)));
    }
    let table = outcome.table(key.as_str());
    Ok(table.map(|table| row_lines(table, side)))
}

fn schema_lines(outcome: &RehearsalOutcome, side: Side) -> String {
    let other = match side {
        Side::Before => '+',
        Side::After => '-',
    };
    let mut text = String::new();
    for line in &outcome.schema_changes {
        if !line.starts_with(other) {
            text.extend([line.get(1..).unwrap_or_default(), "\n"]);
        }
    }
    text
}

fn row_lines(table: &RehearsedTable, side: Side) -> String {
    let mut text = String::new();
    let mut names: HashMap<String, u32> = HashMap::new();
    for row in &table.rows {
        let mut name = table.name_of(row);
        // One of these would cut the line `key<TAB>value`.
        name = name.replace(['\t', '\n', '\r'], " ");
        // Rows of a table without a key can be equal.
        let nth = names.entry(name.clone()).or_default();
        *nth += 1;
        if *nth > 1 {
            name = format!("{name} ({nth})");
        }
        if let Some(fields) = row_fields(row, side) {
            text.extend([&name, "\t", &Value::Object(fields).to_string(), "\n"]);
        }
    }
    text
}

/// What was done to a row, and the values that may be shown of it; `None`: the row does not exist on this side.
fn row_fields(row: &RehearsedRow, side: Side) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    let does = match (row.operation, side) {
        (RowOperation::Insert, Side::Before) | (RowOperation::Delete, Side::After) => return None,
        (RowOperation::Delete, Side::Before) | (_, Side::After) => Some(row.does()),
        (_, Side::Before) => None,
    };
    fields.extend(does.map(|does| ("#".to_owned(), does.into())));
    for ShownValue {
        column,
        before,
        after,
    } in &row.values
    {
        let value = match side {
            Side::Before => before,
            Side::After => after,
        };
        fields.insert(column.clone(), value.clone().into());
    }
    Some(fields)
}

//! What a change did on the shadow, as it was measured there. Invariant: every number of rows is REHEARSED by its type.

use serde::{Deserialize, Serialize};

use super::{RecordedChange, RunOnTop, WriteCounters};
use crate::survey::{Digest, Rehearsed, TableDefinition};

/// What happened on the shadow. All of it was measured there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsalOutcome {
    /// Version of the shadow's server.
    pub version: String,
    /// How often the change was tried until it asked for no further table.
    pub passes: u32,
    /// The tables whose rows were copied.
    pub seeded: Vec<SeededTable>,
    /// How the change ended.
    pub script: ScriptEnd,
    /// What it did to each table; tables that it did not touch are left out.
    pub effect: Vec<RehearsedTable>,
    /// SHA-256 over the effect without its volatile columns.
    pub effect_sha256: Option<Digest>,
    /// The sequences that it moved.
    pub sequences: Vec<SequenceMove>,
    /// How the schema differs afterwards: lines of `pg_dump --schema-only`, each with `-` or `+` in front, or with a space: the line
    /// that the statement of the next ones begins with, which is equal.
    pub schema_changes: Vec<String>,
    /// Why a second run on the same rows had another effect; empty: it had the same.
    pub not_reproducible: Vec<String>,
    /// Whether a row that was written after the change was found by the same reading that found its effect.
    pub sentinel_found: bool,
    /// What this rehearsal cannot say, each with its reason.
    pub not_checked: Vec<String>,
    /// In what the shadow differs from production without a known effect on the result.
    pub differences: Vec<String>,
    /// SHA-256 of the salt of the keys: rows of two rehearsals can be compared only where it is the same. Left out by version 0.1.0
    /// and older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_salt_sha256: Option<Digest>,
    /// What the counters of the server say that the transactions of the change wrote; left out where the change failed, and by
    /// version 0.1.0 and older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<WriteCounters>,
    /// What it sent, statement by statement, and the locks that it held; left out by version 0.1.0 and older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<RecordedChange>,
    /// What it does on top of itself; left out where it failed, and by version 0.1.0 and older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_top: Option<RunOnTop>,
    /// How the tables that it wrote or defined anew were defined in production before; left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub definitions: Vec<TableDefinition>,
}

impl RehearsalOutcome {
    /// Inserted, updated and deleted rows of all tables.
    pub fn rows(&self) -> Rehearsed<u64> {
        let of_table = |table: &RehearsedTable| -> u64 {
            let counts = table.rows_changed();
            counts.iter().map(|(_, rows)| rows.get()).sum()
        };
        Rehearsed::new(self.effect.iter().map(of_table).sum())
    }

    /// The lines of the schema that differ, without those that only say where.
    pub fn schema_lines(&self) -> Vec<&str> {
        let lines = self.schema_changes.iter().map(String::as_str);
        lines.filter(|line| !line.starts_with(' ')).collect()
    }

    /// The same without its rows, which are told by their number alone.
    #[must_use]
    pub fn without_rows(&self) -> Self {
        let mut short = self.clone();
        for table in &mut short.effect {
            table.rows_left_out += table.rows.len() as u64;
            table.rows.clear();
        }
        if let Some(recorded) = &mut short.recorded {
            recorded.shorten();
        }
        short
    }

    /// In lines, for people: the error with its statement, the tables, sequences and how much of the schema.
    pub fn lines(&self) -> Vec<String> {
        let script = &self.script;
        let mut lines: Vec<String> = Vec::new();
        if let Some(error) = &script.error {
            lines.push(format!("failed: {error}"));
        }
        let statement = script
            .statement
            .iter()
            .flat_map(|statement| statement.lines());
        lines.extend(statement.map(|line| format!("  {line}")));
        lines.extend(
            self.effect
                .iter()
                .map(|table| format!("{} {}", table.table, table.shape())),
        );
        if self.effect.is_empty() {
            lines.push("no row and no table was changed".to_owned());
        }
        for sequence in &self.sequences {
            let number =
                |last: Option<i64>| last.map_or_else(|| "-".to_owned(), |last| format!("#{last}"));
            let (before, after) = (number(sequence.before), number(sequence.after));
            lines.push(format!(
                "sequence {} {before} -> {after}",
                sequence.sequence
            ));
        }
        let schema = self.schema_lines().len();
        if schema > 0 {
            lines.push(format!("schema lines that differ: #{schema}"));
        }
        lines.extend(self.on_top.iter().map(RunOnTop::words));
        let recorded = self.recorded.iter().flat_map(RecordedChange::lines);
        lines.extend(recorded.map(|line| format!("statement {line}")));
        lines
    }

    /// The effect on a table.
    pub fn table(&self, name: &str) -> Option<&RehearsedTable> {
        self.effect.iter().find(|table| table.table == name)
    }
}

impl RehearsedTable {
    /// How many rows it wrote or deleted, those with the same values among them.
    pub fn rows_written(&self) -> u64 {
        let counts = self.rows_changed();
        let counts = counts.iter().map(|(_, rows)| *rows.get());
        counts.fold(*self.touched.get(), u64::saturating_add)
    }

    /// Rows inserted, updated and deleted, each with its word.
    pub fn rows_changed(&self) -> [(&'static str, Rehearsed<u64>); 3] {
        [
            ("insert", self.inserted),
            ("update", self.updated),
            ("delete", self.deleted),
        ]
    }

    /// The key of a row where each of its columns may be shown, else the beginning of its hash: enough to find it in the evidence.
    pub fn name_of(&self, row: &RehearsedRow) -> String {
        let part = |column: &String| {
            let mut shown = row.values.iter();
            let shown = shown.find(|shown| shown.column == *column)?;
            let value = shown.after.as_ref().or(shown.before.as_ref());
            Some(format!("{column}={}", value.map_or("NULL", String::as_str)))
        };
        let parts: Option<Vec<String>> = self.key.iter().map(part).collect();
        match parts {
            Some(parts) if !parts.is_empty() => parts.join(", "),
            _ => format!("key {}", row.key.chars().take(16).collect::<String>()),
        }
    }

    /// The columns that every run changes in the same way.
    pub fn stable_columns(&self) -> Vec<&str> {
        let columns = self.columns.iter();
        let stable = columns.filter(|column| !self.volatile.contains(column));
        stable.map(String::as_str).collect()
    }

    /// What is approved of the effect: rows, stable columns, and whether it was defined anew.
    pub fn shape(&self) -> String {
        let columns = self.stable_columns();
        let mut text = self.words();
        if !columns.is_empty() {
            text.push_str(", columns ");
            text.push_str(&columns.join(", "));
        }
        if self.redefined {
            text.push_str(", defined or written anew");
        }
        text
    }

    /// `update #10250, same #100`; `no row` where none was written.
    pub fn words(&self) -> String {
        let same = ("same", self.touched);
        let rows = self.rows_changed().into_iter().chain([same]);
        let rows = rows.filter(|(_, rows)| *rows.get() > 0);
        let words: Vec<String> = rows.map(|(word, rows)| format!("{word} {rows}")).collect();
        if words.is_empty() {
            "no row".to_owned()
        } else {
            words.join(", ")
        }
    }
}

/// A table whose rows were copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SeededTable {
    /// Schema and name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// How a script ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ScriptEnd {
    /// Whether it ran to its end.
    pub succeeded: bool,
    /// The first error, with file and line; null: none. Its detail, which can hold values of rows, is left out.
    pub error: Option<String>,
    /// The statement that failed.
    pub statement: Option<String>,
    /// How long it took, in milliseconds, on this machine.
    pub took_ms: u64,
}

/// What the change did to one table, with its partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsedTable {
    /// Schema and name.
    pub table: String,
    /// The columns that identify a row; empty: there is no key, and an update is a deletion and an insertion.
    pub key: Vec<String>,
    /// Rows inserted.
    pub inserted: Rehearsed<u64>,
    /// Rows updated.
    pub updated: Rehearsed<u64>,
    /// Rows deleted.
    pub deleted: Rehearsed<u64>,
    /// Rows written again with the values that they had; not counted where the whole table was written anew.
    pub touched: Rehearsed<u64>,
    /// The columns that the updates changed.
    pub columns: Vec<String>,
    /// The columns whose values differ from one run to the next.
    pub volatile: Vec<String>,
    /// Whether the definition or the file of the table is another one than before.
    pub redefined: bool,
    /// The rows, at most 10,000.
    pub rows: Vec<RehearsedRow>,
    /// How many more rows there are.
    pub rows_left_out: u64,
}

/// What the change did to one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsedRow {
    /// SHA-256 of its key with a salt, in hex.
    pub key: String,
    /// What was done.
    pub operation: RowOperation,
    /// The columns that an update changed.
    pub columns: Vec<String>,
    /// The values of the columns that the profile lets be kept (`rehearsal.show`); left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ShownValue>,
}

impl RehearsedRow {
    /// `update region, status`.
    pub fn does(&self) -> String {
        let columns = self.columns.join(", ");
        let does = format!("{} {columns}", self.operation.name());
        does.trim_end().to_owned()
    }

    /// The values that may be shown: `status open -> closed`.
    pub fn shown(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
        let value = |shown: &ShownValue| {
            let (before, after) = (text(&shown.before), text(&shown.after));
            match self.operation {
                RowOperation::Insert => format!("{} {after}", shown.column),
                RowOperation::Delete | RowOperation::Touch => format!("{} {before}", shown.column),
                RowOperation::Update => format!("{} {before} -> {after}", shown.column),
            }
        };
        self.values.iter().map(value).collect()
    }
}

/// Characters of a value of a row that are kept.
pub const SHOWN_CHARACTERS_MAX: usize = 1_000;

/// A value of a column that the profile lets be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ShownValue {
    /// The column.
    pub column: String,
    /// Before, as COPY writes it, at most 1,000 characters; null: NULL, or there was no such row.
    pub before: Option<String>,
    /// Afterwards; null: NULL, or the row is gone.
    pub after: Option<String>,
}

/// What was done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RowOperation {
    /// It is new.
    Insert,
    /// Values of it changed.
    Update,
    /// It is gone.
    Delete,
    /// It was written again with the values that it had.
    Touch,
}

impl RowOperation {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Touch => "same",
        }
    }
}

/// A sequence that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SequenceMove {
    /// Schema and name.
    pub sequence: String,
    /// Its last value before; null: none was handed out, or it did not exist.
    pub before: Option<i64>,
    /// Its last value afterwards; null: none was handed out, or it is gone.
    pub after: Option<i64>,
}

//! A run of a change on top of its first one.

use serde::{Deserialize, Serialize};

use super::TableCounters;
use crate::survey::Rehearsed;

/// What a run on top of the first one did. Where that is nothing, the change is idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunOnTop {
    /// Why it failed; null: it ran to its end.
    pub error: Option<String>,
    /// The rows that it wrote again, by the server's counters, phase by phase.
    pub wrote: Vec<TableCounters>,
    /// Tables that it wrote anew or removed, each with how; the counters do not see their rows.
    pub written_anew: Vec<String>,
    /// Lines of the schema that differ behind it.
    pub schema_lines: Rehearsed<u64>,
}

impl Default for RunOnTop {
    fn default() -> Self {
        Self {
            error: None,
            wrote: Vec::new(),
            written_anew: Vec::new(),
            schema_lines: Rehearsed::new(0),
        }
    }
}

impl RunOnTop {
    /// What it says of the change, in a sentence.
    pub fn words(&self) -> String {
        if let Some(error) = &self.error {
            return format!("A second run on top of it fails: {error}");
        }
        let tables = self.wrote.iter().map(|table| {
            let rows = [
                ("insert", table.inserted),
                ("update", table.updated),
                ("delete", table.deleted),
            ];
            let written = rows.into_iter().filter(|(_, rows)| *rows.get() > 0);
            let words: Vec<String> = written
                .map(|(word, rows)| format!("{word} {rows}"))
                .collect();
            format!("{}.{} {}", table.schema, table.table, words.join(" "))
        });
        let mut did: Vec<String> = tables.chain(self.written_anew.iter().cloned()).collect();
        if *self.schema_lines.get() > 0 {
            did.push(format!("{} lines of the schema", self.schema_lines));
        }
        if did.is_empty() {
            return "A second run on top of it changes nothing: it is idempotent.".to_owned();
        }
        format!(
            "A second run on top of it writes again: {}.",
            did.join("; ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_second_run_does_is_said_and_nothing_is_idempotent() {
        let nothing = RunOnTop::default();
        assert!(nothing.words().contains("it is idempotent"));
        let failed = RunOnTop {
            error: Some("ERROR:  relation \"t\" already exists".to_owned()),
            ..RunOnTop::default()
        };
        assert_eq!(
            failed.words(),
            "A second run on top of it fails: ERROR:  relation \"t\" already exists"
        );
        let writes = RunOnTop {
            wrote: vec![TableCounters {
                schema: "shop".to_owned(),
                table: "orders".to_owned(),
                inserted: Rehearsed::new(0),
                updated: Rehearsed::new(7),
                deleted: Rehearsed::new(0),
            }],
            written_anew: vec!["shop.log is gone".to_owned()],
            schema_lines: Rehearsed::new(2),
            ..RunOnTop::default()
        };
        assert_eq!(
            writes.words(),
            "A second run on top of it writes again: shop.orders update #7; shop.log is gone; #2 lines of the schema."
        );
    }
}

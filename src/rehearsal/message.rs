//! What the two processes of a rehearsal say to each other: one JSON document a line, over the pipes of the child.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::probes::{ProbeOutcome, Probes};
use crate::run::{ChangeCommand, RehearsalOutcome, RowsAfter};

/// A schema and a name in it.
pub(super) type QualifiedName = (String, String);

/// What the shadow is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToShadow {
    /// What to probe before anything else.
    Probe(Probes),
    /// What to rehearse.
    Plan(Box<ShadowPlan>),
    /// The rows that it wanted.
    Rows(Vec<RowsFile>),
}

/// What the shadow says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromShadow {
    /// What its probes found.
    Probed(Vec<ProbeOutcome>),
    /// The tables whose rows the change asks for.
    Wants(Vec<QualifiedName>),
    /// It asks for no further rows: production can be left.
    Enough,
    /// What it does now.
    Step(String),
    /// It is done.
    Done(Box<RehearsalOutcome>),
    /// What became of the rows that it was to look at again.
    Compared(Box<RowsAfter>),
    /// Why it cannot go on.
    Failed(String),
}

/// What is rehearsed, and from what.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShadowPlan {
    /// Directory of `initdb` and `postgres`.
    pub(super) server: PathBuf,
    /// Their major version.
    pub(super) major: u32,
    /// The clients' programs.
    pub(super) psql: PathBuf,
    /// Makes SQL of the archive.
    pub(super) pg_restore: PathBuf,
    /// Writes the schema before and after.
    pub(super) pg_dump: PathBuf,
    /// The archive of production's schema.
    pub(super) schema: PathBuf,
    /// An empty cluster.
    pub(super) cluster: PathBuf,
    /// The files of the change by phase, each with the name that people know.
    pub(super) phases: Vec<Vec<(String, PathBuf)>>,
    /// The program that carries it out, with the directory of its files; `None`: psql.
    pub(super) command: Option<ChangeCommand>,
    /// The tables whose rows are wanted before it is tried.
    pub(super) asked: Vec<QualifiedName>,
    /// The role that the change runs as.
    pub(super) role: String,
    /// Name of the database.
    pub(super) database: String,
    /// SQL that makes the roles.
    pub(super) roles: Vec<String>,
    /// SQL that gives the database its owner, privileges and settings.
    pub(super) database_sql: Vec<String>,
    /// Name and version of the extensions.
    pub(super) extensions: Vec<(String, String)>,
    /// The sequences.
    pub(super) sequences: Vec<PlannedSequence>,
    /// The columns, with schema and table, whose values are kept.
    pub(super) show: Vec<String>,
    /// Seconds that one run of the change may take.
    pub(super) seconds_max: u64,
    /// Salt of the hashes of keys.
    pub(super) key_salt: String,
    /// The file that takes the ledger of rows, or that has it.
    pub(super) ledger: Option<LedgerFile>,
}

impl ShadowPlan {
    /// The places of the columns of a table whose values are kept.
    pub(super) fn shown_columns(&self, name: &QualifiedName, columns: &[String]) -> Vec<usize> {
        let is_shown = |column: &String| {
            let whole = format!("{}.{}.{column}", name.0, name.1);
            self.show.contains(&whole)
        };
        let columns = columns.iter().enumerate();
        let shown = columns.filter(|(_, column)| is_shown(column));
        shown.map(|(at, _)| at).collect()
    }
}

/// What is done with a ledger of rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum LedgerFile {
    /// It is written.
    Write(PathBuf),
    /// No change is carried out: the rows of production are compared with it.
    Compare(PathBuf),
}

/// Where a sequence stands in production.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlannedSequence {
    /// Schema and name.
    pub(super) name: QualifiedName,
    /// Schema, table and column that it belongs to.
    pub(super) owner: Option<[String; 3]>,
    /// Last value and whether it was handed out; `None`: not readable.
    pub(super) last: Option<(i64, bool)>,
}

/// The rows of one table.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RowsFile {
    /// Schema and name.
    pub(super) name: QualifiedName,
    /// Its columns, quoted, separated by commas.
    pub(super) columns: String,
    /// The file with the rows, as COPY wrote them, and their number; the error says why there is none.
    pub(super) rows: Result<(PathBuf, u64), String>,
}

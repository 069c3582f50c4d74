//! The change of a run: its files, the tables that may be copied for it, and each rehearsal.

use serde::{Deserialize, Serialize};

use crate::run::{
    ApprovalGate, ChangeFile, ChangeFileNow, MovedRows, RehearsalCheck, RehearsalOutcome,
    TableToCopy, Verdict,
};
use crate::survey::Digest;

/// The files of the change were read, and are what is rehearsed from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeRead {
    /// Path and SHA-256 of each; the texts are blobs of the run.
    pub files: Vec<ChangeFile>,
}

/// A file of the change is not what was last seen of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeMoved {
    /// What is there now, all files in their order.
    pub files: Vec<ChangeFileNow>,
}

/// The change ran on a schema without rows, to find the tables that it asks for. No row of production was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CopyListed {
    /// The tables whose rows may be copied once SG1 is approved, those that it asked for first.
    pub tables: Vec<TableToCopy>,
    /// What was measured.
    pub checks: Vec<RehearsalCheck>,
}

/// The change was rehearsed on rows of production, or could not be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeRehearsed {
    /// The gate whose approval it was rehearsed for.
    pub gate: ApprovalGate,
    /// Whether only the phase of SG1 was rehearsed; left out for the whole change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_phase: bool,
    /// What was measured.
    pub checks: Vec<RehearsalCheck>,
    /// What it did, without its rows; null: nothing of the change ran to an end.
    pub outcome: Option<Box<RehearsalOutcome>>,
    /// Blob with the outcome and its rows; null where there is none.
    pub blob: Option<Digest>,
    /// Blob with the rows of the tables that it writes as they were to be afterwards, for `recheck --after`; left out where the change
    /// failed, before SG2, and by version 0.1.0 and older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Digest>,
    /// The rows that joined or left since the rehearsal of SG1's approval; left out where there is none, or it is that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<MovedRows>,
}

impl ChangeRehearsed {
    /// Which part of the change it was, behind the gate; empty: the whole.
    pub fn part(&self) -> &'static str {
        if self.first_phase {
            ", the phase of SG1 alone"
        } else {
            ""
        }
    }

    /// Why there is no outcome, by the first check that says so.
    pub fn why_not(&self) -> &str {
        let mut against = self.checks.iter();
        let against = against.find(|check| check.verdict != Verdict::Pass);
        against.map_or("no check says why", |check| &check.says)
    }
}

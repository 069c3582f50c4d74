//! The lifecycle that a profile declares: the states of a unit, and the rows that each step changes for one unit. The numbers
//! are declared by the profile and never measured.

use serde::{Deserialize, Serialize};

/// How many rows of one table a step changes for each unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RowEffect {
    /// Name of the table: `unit_version`.
    pub table: String,
    /// Rows inserted for each unit.
    #[serde(default)]
    pub insert: u64,
    /// Rows updated for each unit.
    #[serde(default)]
    pub update: u64,
    /// Rows deleted for each unit.
    #[serde(default)]
    pub delete: u64,
}

/// The rows that one step changes, for each unit that it changes.
pub type StepEffect = Vec<RowEffect>;

/// States and effects as the profile declares them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// The states that a unit may legally have.
    pub states: Vec<String>,
    /// The state that CUT gives a unit and ENACT starts from: `draft`.
    pub initial: String,
    /// The state that ENACT leads to: `enacted`.
    pub target: String,
    /// Effects of CUT for each unit that it would insert.
    pub cut: StepEffect,
    /// Effects of ENACT for each unit that it would enact.
    pub enact: StepEffect,
}

impl Lifecycle {
    /// Whether CUT inserts anything: without it a piece that has no unit gets none.
    pub fn cut_inserts(&self) -> bool {
        self.cut.iter().any(|effect| effect.insert > 0)
    }

    /// Whether a unit may be gone once it is enacted: ENACT deletes rows.
    pub fn enact_deletes(&self) -> bool {
        self.enact.iter().any(|effect| effect.delete > 0)
    }

    /// The tables that a step changes, those of ENACT before those of CUT, then `extra` ones. Each table once.
    pub fn tables<'a>(&'a self, extra: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut tables: Vec<String> = Vec::new();
        let named = self.enact.iter().chain(&self.cut).map(|e| e.table.as_str());
        for table in named.chain(extra) {
            if !tables.iter().any(|known| known == table) {
                tables.push(table.to_owned());
            }
        }
        tables
    }
}

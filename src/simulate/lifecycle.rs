//! The lifecycle that the profile declares: states, and what each step does to each table. Invariant: effects are declared per unit, counted, never executed.

use serde::{Deserialize, Serialize};

/// What one unit's step does to one table, in rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RowEffect {
    /// Table: `unit_version`.
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

/// The effects of one step for each unit that it changes.
pub type StepEffect = Vec<RowEffect>;

/// The lifecycle of a profile.
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
    /// The tables that any step may touch, in the order of the profile, then `extra` ones.
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

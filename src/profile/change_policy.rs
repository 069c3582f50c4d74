//! The change of a profile, and how it is rehearsed. Invariant: a key that is not known is an error (`deny_unknown_fields`).

use serde::Deserialize;

use crate::run::{ApprovalGate, ChangeCommand, LockPolicy};
use crate::simulate::ExpectedRows;

/// The change itself, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePolicy {
    /// The role of the database that it runs as.
    pub role: String,
    /// Its files for psql, relative to the profile's directory, in the order in which they run, as one transaction. `run --change`
    /// names others.
    #[serde(default)]
    pub files: Vec<String>,
    /// Its files by the gate that allows them, in place of `files`.
    #[serde(default)]
    pub phase: Vec<PhaseSpec>,
    /// The program that carries it out, in place of psql and of `files`.
    #[serde(default)]
    pub command: Option<ChangeCommand>,
    /// The rows that it may change, by table; tables that are not named must stay as they are. Without it nothing is expected.
    #[serde(default)]
    pub expect: Option<Vec<ExpectedRows>>,
    /// Which locks it may take when it is rehearsed, and for how long. Without it none is judged.
    #[serde(default)]
    pub locks: Option<LockPolicy>,
    /// How long after SG2's approval the commit guard lets it be carried out: `2h`; none: without a limit.
    #[serde(default)]
    pub valid: Option<String>,
}

impl ChangePolicy {
    /// Its files, in the order in which they run, and how many of them belong to the phase of SG1; `None`: it has no phases.
    pub fn files(&self) -> (Vec<&str>, Option<usize>) {
        let of = |gate| {
            let phases = self.phase.iter().filter(move |phase| phase.gate == gate);
            phases.flat_map(|phase| phase.files.iter().map(String::as_str))
        };
        if self.phase.is_empty() {
            return (self.files.iter().map(String::as_str).collect(), None);
        }
        let first: Vec<&str> = of(ApprovalGate::SG1).collect();
        let of_sg1 = first.len();
        (
            first.into_iter().chain(of(ApprovalGate::SG2)).collect(),
            Some(of_sg1),
        )
    }

    /// How many seconds after SG2's approval it may be carried out; `None`: without a limit.
    pub fn valid_seconds(&self) -> Option<i64> {
        super::ttl_seconds(self.valid.as_ref()?).ok()
    }
}

/// The part of a change that one gate allows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PhaseSpec {
    /// SG1 or SG2.
    pub gate: ApprovalGate,
    /// Its files for psql, in the order in which they run, behind those of the phase before.
    pub files: Vec<String>,
}

/// How a change is rehearsed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RehearsalPolicy {
    /// Whether rows may be copied before anybody approved SG1: a phase of SG1 cannot be rehearsed without them.
    pub copy_before_sg1: bool,
    /// How many bytes of rows are read of production in a second at most; none: as fast as they come.
    pub bytes_per_second: Option<u64>,
    /// The columns (`schema.table.column`) whose values are kept in the evidence, row by row; of all others only which row changed.
    pub show: Vec<String>,
}

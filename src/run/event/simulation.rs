//! What the simulator made of a survey: context pins, prediction, unit ledgers.

use serde::{Deserialize, Serialize};

use crate::run::ContextPins;
use crate::simulate::{PredictedEffect, SimulatedStep, StepCounts};
use crate::survey::Digest;

/// The file that holds a step's unit ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LedgerRef {
    /// `units/1-cut.jsonl`.
    pub file: String,
    /// Lines.
    pub rows: u64,
    /// Length.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
}

/// Context pins were written to `context.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ContextPinned {
    /// Pins.
    pub context: Box<ContextPins>,
    /// Blob with the same bytes.
    pub blob: Digest,
}

/// The effect of a live run was predicted from the pin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EffectPredicted {
    /// Round.
    pub round: u32,
    /// Rows per table.
    pub predicted: PredictedEffect,
    /// Decisions of the steps.
    pub counts: StepCounts,
}

/// A step's unit ledger was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitsProgressed {
    /// Round.
    pub round: u32,
    /// Step.
    pub step: SimulatedStep,
    /// Counts of the simulated step.
    pub counts: StepCounts,
    /// Rows that it would have changed.
    pub effect: PredictedEffect,
    /// The ledger.
    pub ledger: LedgerRef,
}

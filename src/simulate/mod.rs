//! What would happen: units, lifecycle, CUT, VERIFY, ENACT and the predicted effect. Invariant: pure; every number it makes is SIMULATED.

mod join;
mod lifecycle;
mod predicted;
mod step;
mod unit;

pub use join::{Joiner, Pairing, StreamError, Want};
pub use lifecycle::{Lifecycle, RowEffect, StepEffect};
pub use predicted::{PredictedEffect, TableEffect};
pub use step::{SimulatedStep, Simulation, StepCounts, UnitDecision, UnitVerification};
pub use unit::{Piece, Unit};

//! The simulator: what CUT, VERIFY and ENACT would do to each unit, and the predicted effect on tables.
//! Invariant: pure; it knows no clock, file, socket or thread. Held by tests/architecture.rs.

mod expected;
mod join;
mod lifecycle;
mod predicted;
mod step;
mod unit;

pub use expected::{ExpectedRows, RowRange};
pub use join::{Joiner, Pairing, StreamError, Want};
pub use lifecycle::{Lifecycle, RowEffect, StepEffect};
pub use predicted::{PredictedEffect, TableEffect};
pub use step::{SimulatedStep, Simulation, StepCounts, UnitDecision, UnitVerification};
pub use unit::{Piece, Unit};

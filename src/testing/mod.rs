//! What the tests and benches share, behind the feature `testing`. Invariant: the program is built without it.

mod fault_counts;
mod measured_row;
mod process_cost;
mod random;
mod scripted_run;
mod scripted_steps;
mod scripted_survey;
mod simulated_disk;
mod simulated_image;

pub mod values;

pub use fault_counts::{FaultCounts, fault_rounds, fault_seed};
pub use measured_row::{
    MeasuredBar, MeasuredRow, MeasuredUnit, RowVerdict, median, percentile, say,
};
pub use process_cost::{ProcessCost, peak_bytes};
pub use random::Random;
pub use scripted_run::{ScriptedRecord, ScriptedRun, at};
pub use scripted_survey::ENACTED;
pub use simulated_disk::{InjectedFailure, SimulatedDisk};

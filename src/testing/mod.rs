//! What the tests and benches share, behind the feature `testing`. Invariant: the program is built without it.

mod scripted_run;
mod scripted_steps;
mod scripted_survey;
mod simulated_disk;
mod simulated_image;

pub mod values;

pub use scripted_run::{ScriptedRecord, ScriptedRun, at};
pub use scripted_survey::ENACTED;
pub use simulated_disk::{InjectedFailure, SimulatedDisk};

//! What the tests and benches share, behind the feature `testing`. Invariant: the program is built without it.

mod simulated_disk;
mod simulated_image;

pub mod values;

pub use simulated_disk::{InjectedFailure, SimulatedDisk};

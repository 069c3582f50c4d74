//! Who does it: own thread and runtime, handle, driver, effects, target, clock, probes. Invariant: journal first, then act, then journal, then show.

pub mod clock;
pub mod repository;
pub mod target;

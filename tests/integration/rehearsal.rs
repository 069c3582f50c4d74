//! `drygate rehearse` on a real server: what a change does, what it cannot reach, and what production sees of it.
//! Invariant: production is the same afterwards, and nothing of a rehearsal is left.

#[path = "rehearsal/ends.rs"]
pub mod ends;
#[path = "rehearsal/faults.rs"]
mod faults;
#[path = "rehearsal/faults_in_runs.rs"]
mod faults_in_runs;
#[path = "rehearsal/layers.rs"]
mod layers;
#[path = "rehearsal/layers_of_the_proxy.rs"]
mod layers_of_the_proxy;
#[path = "rehearsal/locks.rs"]
mod locks;
#[path = "rehearsal/planted.rs"]
mod planted;
#[path = "rehearsal/recorded.rs"]
mod recorded;
#[path = "rehearsal/undone.rs"]
mod undone;
#[path = "rehearsal/versions.rs"]
pub mod versions;
#[path = "rehearsal/walls.rs"]
mod walls;
#[path = "rehearsal/world.rs"]
pub mod world;

//! F1, F2, F3, F7, F9 through the whole driver: a run is killed, cut, starved of its disk, taken to another boot, and must end with the same facts.
//! Invariant: a fault that did not fire proves nothing; void runs are counted and printed.

#![expect(
    clippy::print_stdout,
    clippy::unused_self,
    reason = "void runs are counted and printed; the world is asked by its own name"
)]

mod archives;
mod binary;
mod clock;
mod cuts;
mod disk;
mod faulty;
mod flips;
mod forger;
mod forgeries;
mod free_fields;
mod kill;
mod lives;
mod long_wait;
mod recording;
mod replayed;
mod seal;
mod shortage;
mod site;
mod syscalls;
mod watched;
mod world;

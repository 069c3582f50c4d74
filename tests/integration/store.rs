//! Runs that several machines share through a run store. Machines differ by data directory and by the role that they are to the store.
//! Invariant: what a machine acknowledged is compared with the rows of the store itself, asked as its superuser.

mod engines;
mod faults;
mod members;
mod outages;
mod takeover;
mod team;
mod two_machines;
mod unreachable;
mod versions;
mod wire;

//! The screens: every situation at every size, from scripted runs. Invariant: no server, no terminal, no sleep.

mod fixture;
mod flows;
mod hostile;
mod situations;
mod stage;

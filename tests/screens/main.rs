//! The screens: every situation at every size, from scripted runs. Invariant: no server, no sleep; one module has a real pty.

mod came_true;
mod change_files;
mod changes;
mod diffs;
mod flows;
mod home;
mod hostile;
mod keeping;
mod keys;
mod moved_code;
mod picker;
mod pty;
mod recordings;
mod situations;
mod stage;
mod truthful;
mod watching;
mod wording;

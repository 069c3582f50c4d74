//! Composition root: one file per command. The only folder that may import every other one (import table of src/lib.rs).

mod approve;
mod archive;
mod demo;
mod diff;
mod diff_text;
mod dispatch;
mod doctor;
mod error;
mod files;
mod headless;
mod lookup;
mod output;
mod playback;
mod print;
mod profile_init;
mod recheck;
mod recheck_result;
mod rehearse;
mod replay;
mod replay_file;
mod review;
mod run;
mod run_plan;
mod runs;
mod screen;
mod store;
mod survey;
mod terminal_session;
mod verify;
mod watch;

pub use dispatch::{execute, main};
pub use error::{LaunchError, end_on_panic};

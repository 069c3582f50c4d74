//! Composition root: one file per command. Invariant: the only place that sees every layer.

mod audience;
mod deciding;
mod demo;
mod diff_json;
mod diff_screen;
mod diff_text;
mod diffing;
mod dispatch;
mod error;
mod following;
mod headless;
mod hook_check;
mod listing;
mod lookup;
mod machine;
mod notifying;
mod output;
mod painting;
mod picking;
mod planning;
mod playing;
mod rechecked;
mod rechecking;
mod replaying;
mod resuming;
mod retelling;
mod reviewing;
mod run_list;
mod screen;
mod signals;
mod starting;
mod surveying;
mod verifying;
mod watching;

pub use dispatch::{execute, main};
pub use error::LaunchError;

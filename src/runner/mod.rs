//! Who does it: own thread and runtime, handle, driver, effects, target, clock, probes. Invariant: journal first, then act, then journal, then show.

mod applying;
mod closing;
mod companions;
mod discoverer;
mod drift;
mod driver;
mod error;
mod evidence;
mod handle;
mod handover;
mod hook_document;
mod hook_process;
mod hooks;
mod notice;
mod opening;
mod plan;
mod presence;
mod probing;
mod recorder;
mod sealing;
mod socket;
mod stopping;
mod summary;
mod taking_up;
mod waiting;

pub mod clock;
pub mod person;
pub mod repository;
pub mod target;

pub use companions::{companions, context};
pub use discoverer::LiveDryRunDiscoverer;
pub use driver::{Driver, Patience, RunnerEnd};
pub use error::RunnerError;
pub use handle::{AtEnd, AtExit, Handle, RUNNER_THREAD, RunnerOptions, TakenUp, spawn};
pub use handover::{HandoverError, be_present, hand_over, hand_over_renewal, show_sheet};
pub use notice::{DecisionReply, MessageSink, RunnerCommand, RunnerMessage};
pub use plan::{FullDiscoverFile, RunPlan};
pub use presence::WatchersChanged;
pub use recorder::{RunRecorder, fold};
pub use socket::{own_socket, socket};
pub use summary::{json, refused, sealed};
pub use target::Progress;

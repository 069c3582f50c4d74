//! Runs a run: thread and runtime, driver loop, effects, database target, clock, safety probes, approval socket.
//! Invariant: journal first, then show: a message leaves `RunRecorder::record_at` only after its line is synced.

mod apply_approval;
mod change;
mod change_files;
mod closeout;
mod discoverer;
mod drift;
mod driver;
mod error;
mod event_log;
mod evidence;
mod first_gates;
mod handle;
mod hook_document;
mod hook_process;
mod hooks;
mod messages;
mod own_program;
mod program;
mod raise_stop;
mod recorder;
mod resume;
mod resume_copy;
mod run_plan;
mod run_socket;
mod safety_probes;
mod seal;
mod side_files;
mod socket_path;
mod summary;
mod wait;
mod watchers;

pub mod clock;
pub mod person;
pub mod repository;
pub mod target;

pub use change_files::{change_file, declared_change, named_change};
pub use discoverer::LiveDryRunDiscoverer;
pub use driver::{Driver, Patience, RunnerEnd};
pub use error::RunnerError;
pub use event_log::causes;
pub use handle::{AtEnd, AtExit, Handle, RunnerOptions, TakenUp, spawn};
pub use messages::{DecisionReply, MessageSink, RunnerCommand, RunnerMessage};
pub use own_program::OwnProgram;
pub use program::Program;
pub use recorder::{RunRecorder, fold, fold_with, take};
pub use resume_copy::resume_copy;
pub use run_plan::{FullDiscoverFile, RunPlan};
pub use run_socket::{HandoverError, be_present, hand_over, hand_over_unanswered};
pub use seal::rendered;
pub use side_files::side_files_of;
pub use socket_path::{own_sockets, socket};
pub use summary::{document, refused, sealed};
pub use watchers::WatchersChanged;

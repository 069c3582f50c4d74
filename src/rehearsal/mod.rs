//! A rehearsal: the change itself, carried out on a throwaway copy of the database (the shadow), and what it did there.
//! Invariant: the process that holds production's connection (`rehearse`) runs nothing of the change, and the process that runs
//! the change (`shadow`) holds no connection, address or credentials of production and sees neither network nor files of the
//! machine (`isolation`, `probes`).

mod attribution;
mod base;
mod catalogue;
mod change_log;
mod change_program;
mod change_run;
mod copies;
mod counters;
mod effect;
mod isolation;
mod kept_text;
mod ledger_file;
mod machine;
mod message;
mod on_top;
mod plan;
mod probes;
mod program_end;
mod programs;
mod recorded_session;
#[cfg(test)]
mod recorded_session_tests;
mod recording_proxy;
mod rehearse;
mod repeated;
mod row_ledger;
mod rows;
mod rows_after;
mod seeding;
mod shadow;
mod shadow_database;
mod shadow_process;
mod target;

pub use copies::Copies;
pub use ledger_file::LedgerUse;
pub use machine::means;
pub use rehearse::{ChangeScript, Rehearsal, rehearse};
pub use shadow::shadow;
pub use target::RehearsedTarget;

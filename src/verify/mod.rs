//! A whole run looked at again: files, chain, and every verdict computed anew. It needs no database and no network, and writes
//! nothing.

mod error;
mod exact;
mod exact_gates;
mod exact_values;
mod kept_head;
mod layer;
mod ledgers;
mod line_forms;
mod named_files;
mod order;
mod processes;
mod recorded;
mod rehearsals;
mod rendered;
mod run;
mod side_files;
mod stops;

pub use error::VerifyError;
pub use layer::Layer;
pub use run::{Verified, verify};

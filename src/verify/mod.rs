//! A whole run looked at again: files, chain, and every verdict computed anew. It needs no database and no network, and writes
//! nothing.

mod error;
mod kept_head;
mod ledgers;
mod line_forms;
mod named_files;
mod rendered;
mod run;
mod side_files;

pub use error::VerifyError;
pub use run::{Verified, verify};

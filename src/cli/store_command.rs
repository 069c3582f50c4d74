//! The words behind `store`, with their flags.

use clap::Subcommand;

/// A word behind `store`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum StoreCommand {
    /// Prints the SQL that the owner of a run store runs once: tables, a role for its members, grants. Connects to nothing.
    Init {
        /// Print it; nothing is made without somebody who reads it.
        #[arg(long, required = true)]
        sql: bool,
    },
}

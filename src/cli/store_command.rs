//! The words behind `store`, with their flags.

use clap::Subcommand;

use crate::run::Days;

/// A word behind `store`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum StoreCommand {
    /// Prints the SQL that the owner of a run store runs once: tables, a role for its members, grants. Connects to nothing.
    Init {
        /// Print it; nothing is made without somebody who reads it.
        #[arg(long, required = true)]
        sql: bool,
    },
    /// Prints the SQL that the owner of a run store runs to remove old sealed runs from it. Connects to nothing.
    Prune {
        /// Those that were sealed more than so many days ago: 90d.
        #[arg(long, value_name = "Nd")]
        older_than: Days,
        /// Print it; nothing is removed without somebody who reads it.
        #[arg(long, required = true)]
        sql: bool,
    },
}

//! The words behind `profile`, with their flags.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

/// A word behind `profile`. Without a name it is about the profile of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ProfileCommand {
    /// Lists the built-in profiles.
    List,
    /// Prints the text of a profile.
    Show {
        /// Name or path; `None`: the profile of the settings.
        name: Option<String>,
    },
    /// Validates a profile without a run.
    Check {
        /// Built-in name or path.
        #[arg(value_name = "NAME|PATH")]
        name: Option<String>,
    },
    /// Writes a starting profile with comments; with --database-url it proposes facts of the tables that can be read there, with
    /// --change of those that the change touches, and expects the rows that it wrote when it was rehearsed.
    ///
    /// A file that is there is never overwritten.
    Init {
        /// The new file.
        #[arg(value_name = "FILE", default_value = "profile.toml")]
        file: PathBuf,
        /// The role that runs will have, where another one connects now: `doctor --sql` prints what makes it.
        #[arg(long, value_name = "ROLE")]
        reader: Option<String>,
        /// The files of the change for psql, in the order in which they run, as one transaction.
        #[arg(long, value_name = "SQL", requires = "role", num_args = 1.., value_hint = ValueHint::FilePath)]
        change: Vec<PathBuf>,
        /// The role of production that the change runs as.
        #[arg(long, value_name = "ROLE", requires = "change")]
        role: Option<String>,
    },
}

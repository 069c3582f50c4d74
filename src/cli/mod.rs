//! The command line: arguments, environment, configuration files with the origin of each setting, errors with exit codes.
//! `parse` writes nothing, and what it reads comes from `Environment`.

mod approvals;
mod arguments;
mod command;
mod completion;
mod config_file;
mod demo_scenario;
mod environment;
mod error;
mod help;
mod policy_file;
mod printed;
mod profile_command;
mod program;
mod refused;
mod replay_command;
mod resolve;
mod run_ref;
mod secret;
mod settings;
mod sourced;
mod store_command;
mod version;

pub use approvals::check_approvals;
pub use command::{Command, ConfigCommand, DiffCommand, RunPlace, RunsCommand, RunsRemoval};
pub use completion::{complete, completions};
pub use demo_scenario::DemoScenario;
pub use environment::{Disk, Environment, Files};
pub use error::CliError;
pub use policy_file::{POLICY_FILE, PolicyFile, machine_policy, read_policy};
pub use printed::{clap_command, config_document, config_text, manual, write_manuals};
pub use profile_command::ProfileCommand;
pub use replay_command::{ReplayCommand, ReplayFile, ReplayFormat};
pub use resolve::{Cli, parse};
pub use run_ref::{RunRef, RunRefError};
pub use secret::{BlankDatabaseUrl, DatabaseUrl, redact};
pub use settings::{Color, Output, Settings, ThemeName};
pub use sourced::{Origin, Sourced};
pub use store_command::StoreCommand;
use version::version;

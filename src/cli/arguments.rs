//! Commands and flags as clap parses them. The doc comments here are the texts of `--help` and of the manual page.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser};

use super::{Color, Command, DatabaseUrl, ThemeName};

/// drygate dry-runs a risky change against your live PostgreSQL, read-only, and stops twice for a person to approve exactly what is on screen.
#[derive(Debug, Parser)]
#[command(
    name = "drygate",
    bin_name = "drygate",
    version,
    long_version = super::version(),
    disable_help_subcommand = true,
    after_help = "RUN_ID may be any unambiguous beginning or end of a run id, or `last`."
)]
pub(super) struct Arguments {
    /// What to do; without it drygate lists the runs, or opens the run that is named.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The run to open.
    #[arg(value_name = "RUN_ID")]
    pub run: Option<String>,
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that is there or not"
)]
pub(super) struct Flags {
    /// Profile: a built-in name or the path of a file.
    #[arg(long, global = true, value_name = "NAME|PATH", value_parser = NonEmptyStringValueParser::new())]
    pub profile: Option<String>,
    /// Connection URL or key=value pairs, without a password.
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<DatabaseUrl>,
    /// Git work tree for gate G0.
    #[arg(long, global = true, value_name = "DIR")]
    pub repo: Option<PathBuf>,
    /// Where runs are kept.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// No screen, even on a terminal.
    #[arg(long, global = true)]
    pub headless: bool,
    /// One JSON document on stdout.
    #[arg(long, global = true, conflicts_with = "events")]
    pub json: bool,
    /// Journal lines on stdout as they become durable.
    #[arg(long, global = true)]
    pub events: bool,
    /// How often live facts are read again while a run waits; 0 never.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    pub live_interval: Option<String>,
    /// When to use colours.
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub color: Option<Color>,
    /// Draw frames and marks in ASCII; letters of data stay where the locale has them.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Colours for a dark or a light background, or high contrast; auto asks the terminal.
    #[arg(long, global = true, value_enum, value_name = "THEME")]
    pub theme: Option<ThemeName>,
    /// The mouse wheel is left to the terminal.
    #[arg(long, global = true)]
    pub no_wheel: bool,
    /// No notification on the desktop when a person is needed.
    #[arg(long, global = true)]
    pub no_notify: bool,
    /// More about what happens, on stderr; -vv more. Never on a screen: beside one it needs --log.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Appends what happens to a file, also beside a screen; -vv more.
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// dryrun; live is always refused.
    #[arg(long, global = true, value_name = "MODE")]
    pub mode: Option<String>,
}

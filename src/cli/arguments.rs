//! Commands and flags as clap parses them. The doc comments here are the texts of `--help` and of the manual page.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::{Color, DatabaseUrl, DemoScenario, RunRef};
use crate::run::{ApprovalGate, RunSort, State};

/// drygate dry-runs a risky change against your live PostgreSQL, read-only, and stops twice for a person to approve exactly what is on screen.
#[derive(Debug, Parser)]
#[command(
    name = "drygate",
    bin_name = "drygate",
    version,
    disable_help_subcommand = true,
    after_help = "RUN_ID may be any unambiguous beginning or end of a run id, or `last`."
)]
pub(super) struct Arguments {
    /// What to do; without it drygate lists the runs, or opens the run that is named.
    #[command(subcommand)]
    pub command: Option<CommandArguments>,
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
    /// No notification on the desktop when a person is needed.
    #[arg(long, global = true)]
    pub no_notify: bool,
    /// More about what happens, on stderr.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// dryrun; live is always refused.
    #[arg(long, global = true, value_name = "MODE")]
    pub mode: Option<String>,
}

/// A command word.
#[derive(Debug, Subcommand)]
pub(super) enum CommandArguments {
    /// Starts a throwaway PostgreSQL, loads a scenario and opens the run screen.
    ///
    /// Its runs are kept apart from real ones: in demo/ below the data directory, unless --data-dir names another place.
    Demo {
        /// What it shows.
        #[arg(long, value_enum, default_value_t = DemoScenario::Draft, value_name = "NAME")]
        scenario: DemoScenario,
        /// Print the SQL of the scenario's base and start nothing.
        #[arg(long)]
        print_sql: bool,
    },
    /// Starts a new live dry run.
    Run,
    /// Goes on with a run; after drift takes new evidence.
    Resume {
        /// The run.
        #[arg(value_name = "RUN_ID")]
        run: RunRef,
    },
    /// Approves exactly the evidence that is named.
    Approve {
        /// The run.
        #[arg(value_name = "RUN_ID")]
        run: RunRef,
        /// SG1 or SG2.
        #[arg(value_name = "SG1|SG2")]
        gate: ApprovalGate,
        /// Digest of the evidence; without it the sheet opens on a terminal.
        #[arg(long, value_name = "HEX64", value_parser = digest)]
        digest: Option<String>,
    },
    /// Rejects, with a reason; withdraws an approval that is pending.
    Reject {
        /// The run.
        #[arg(value_name = "RUN_ID")]
        run: RunRef,
        /// SG1 or SG2.
        #[arg(value_name = "SG1|SG2")]
        gate: ApprovalGate,
        /// Why.
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: String,
    },
    /// Follows a run that another process holds: a screen on a terminal, else a line for each event until the run is sealed.
    ///
    /// Writes nothing. The exit code is that of the run's result, or 0 where the screen is left before. On the screen a and x
    /// decide in the name of whoever watches, through the process that holds the run.
    Watch {
        /// The run.
        #[arg(value_name = "RUN_ID")]
        run: RunRef,
    },
    /// Lists the runs, those that wait for a person first; on a terminal a picker.
    Runs(RunsWords),
    /// Retells a run from its journal, record by record: no database.
    ///
    /// An archive that `drygate export` wrote is retold where it lies, without importing it.
    Replay(ReplayWords),
    /// Checks chain, HEAD, blobs and manifest and recomputes every verdict.
    Verify {
        /// The run, a run's directory, or an archive of a run.
        #[arg(value_name = "RUN_ID|DIR|FILE")]
        target: PathBuf,
    },
    /// Takes one read-only survey against a sealed run: 0 it still holds, 2 with the difference.
    Recheck {
        /// The sealed run.
        #[arg(value_name = "RUN_ID")]
        run: RunRef,
        /// Compares the predicted effect with what happened since, unit by unit.
        #[arg(long)]
        after: bool,
    },
    /// Takes one read-only survey and prints it.
    Survey,
    /// Prints the reports of a run.
    Report {
        /// The run, or an archive of one.
        #[arg(value_name = "RUN_ID|FILE")]
        run: PathBuf,
    },
    /// Writes a run into one file: evidence, reports, a page to read, and how to check it without drygate.
    Export {
        /// The run.
        #[arg(value_name = "RUN_ID")]
        run: RunRef,
        /// The archive: .tar, or .tar.gz to have it compressed.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Puts the run of an archive beside one's own, read only.
    Import {
        /// The archive.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Shows what changed: pre and post of a run, or one run against another.
    Diff {
        /// The run.
        #[arg(value_name = "RUN_ID")]
        run: RunRef,
        /// Another run.
        #[arg(value_name = "RUN_ID2", conflicts_with_all = ["evidence", "gates", "last_pass", "predicted"])]
        other: Option<RunRef>,
        /// The evidence of this gate against what was found.
        #[arg(long, value_name = "SG1|SG2", conflicts_with_all = ["gates", "last_pass", "predicted"])]
        evidence: Option<ApprovalGate>,
        /// The evidence of SG1 against that of SG2.
        #[arg(long, conflicts_with_all = ["last_pass", "predicted"])]
        gates: bool,
        /// The last PASS of the same profile and target against this run.
        #[arg(long, conflicts_with = "predicted")]
        last_pass: bool,
        /// What is against what a live run would make of it.
        #[arg(long)]
        predicted: bool,
        /// Columns: from 100 on side by side, below one side under the other.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(20..=1000))]
        width: Option<u16>,
        /// Counts only.
        #[arg(long)]
        stat: bool,
    },
    /// Lists, prints, checks and begins profiles.
    #[command(arg_required_else_help = false)]
    Profile {
        #[command(subcommand)]
        word: ProfileWord,
    },
    /// Says what this machine has and lacks for a run, and what to do about it: 0 nothing is wrong, 9 something is.
    ///
    /// Looks at the data directory, the index of runs, git, the server binaries of the demo, the terminal, the configuration and
    /// the profile; with --database-url it takes one read-only survey. Writes nothing.
    Doctor,
    /// Shows the settings and where each comes from.
    #[command(arg_required_else_help = false)]
    Config {
        #[command(subcommand)]
        word: ConfigWord,
    },
    /// Prints completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Prints the manual page.
    Man,
}

/// What `replay` is asked for.
#[derive(Debug, Args)]
pub(super) struct ReplayWords {
    /// The run, or an archive of one.
    #[arg(value_name = "RUN_ID|FILE")]
    pub run: PathBuf,
    /// Where to stand: a record (212) or a time (09:33, 09:33:06); without a terminal that frame is printed.
    #[arg(long, value_name = "SEQ|TIME")]
    pub at: Option<String>,
    /// Writes the whole replay as an asciicast (version 2), which `asciinema play` shows; - is standard output.
    ///
    /// Every record is shown as the replay screen shows it, as long after the one before as it was written; a wait over 2
    /// seconds becomes 2 seconds. A file that is there is never overwritten.
    #[arg(long, value_name = "OUTPUT", group = "file", conflicts_with = "at")]
    pub cast: Option<PathBuf>,
    /// Writes the frame of the last record, or of --at, as an SVG picture; - is standard output.
    ///
    /// The picture has a dark background and loads nothing. The same record in the same size gives the same bytes. A file that
    /// is there is never overwritten.
    #[arg(long, value_name = "OUTPUT", group = "file")]
    pub svg: Option<PathBuf>,
    /// Columns of the asciicast or picture; without it those of the terminal, else 160.
    #[arg(long, value_name = "N", requires = "file", value_parser = clap::value_parser!(u16).range(60..=1000))]
    pub width: Option<u16>,
    /// Rows of the asciicast or picture; without it those of the terminal, else 48.
    #[arg(long, value_name = "N", requires = "file", value_parser = clap::value_parser!(u16).range(16..=1000))]
    pub height: Option<u16>,
}

/// What `runs` is asked for.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that is there or not"
)]
pub(super) struct RunsWords {
    /// Those that wait for a person.
    #[arg(long)]
    pub waiting: bool,
    /// Those that ended as failed or incomplete.
    #[arg(long)]
    pub failed: bool,
    /// Those whose facts differed from what was pinned or approved.
    #[arg(long)]
    pub drifted: bool,
    /// What does not read as a run: damaged, of a newer format, foreign.
    #[arg(long)]
    pub damaged: bool,
    /// Those in this state.
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub state: Option<State>,
    /// By what they are ordered; those that wait stay first.
    #[arg(long, value_name = "started|duration|state|target|profile", value_parser = sort)]
    pub sort: Option<RunSort>,
    /// The other way round.
    #[arg(long)]
    pub reverse: bool,
}

/// A word behind `profile`.
#[derive(Debug, Subcommand)]
pub(super) enum ProfileWord {
    /// Lists the built-in profiles.
    List,
    /// Prints a profile.
    Show {
        /// Built-in name or path.
        name: Option<String>,
    },
    /// Validates a profile.
    Check {
        /// Built-in name or path.
        #[arg(value_name = "NAME|PATH")]
        name: Option<String>,
    },
    /// Writes a starting profile with comments; with --database-url it proposes facts of the tables that can be read there.
    ///
    /// A file that is there is never overwritten.
    Init {
        /// The new file.
        #[arg(value_name = "FILE", default_value = "profile.toml")]
        file: PathBuf,
    },
}

/// A word behind `config`.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigWord {
    /// Prints every setting with its origin, secrets hidden.
    Show,
}

fn digest(text: &str) -> Result<String, String> {
    let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    if text.len() == 64 && text.bytes().all(hex) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a digest has 64 characters of 0-9 and a-f, this has {}",
            text.chars().count()
        ))
    }
}

fn reason(text: &str) -> Result<String, String> {
    let reason = text.trim();
    if reason.is_empty() {
        Err("a rejection needs a reason".to_owned())
    } else {
        Ok(reason.to_owned())
    }
}

fn state(text: &str) -> Result<State, String> {
    let names = State::ALL.map(State::name).join(", ");
    let found = State::ALL.into_iter().find(|state| state.name() == text);
    found.ok_or_else(|| format!("the states are {names}"))
}

fn sort(text: &str) -> Result<RunSort, String> {
    let names = RunSort::ALL.map(RunSort::name).join(", ");
    let found = RunSort::ALL.into_iter().find(|sort| sort.name() == text);
    found.ok_or_else(|| format!("runs are ordered by {names}"))
}

//! Commands after parsing (contract, section 10). Invariant: every variant of `Command` is one that this version carries out.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Subcommand, ValueHint};
use clap_complete::Shell;

use super::{DemoScenario, ProfileCommand, ReplayCommand, RunRef, StoreCommand};
use crate::run::{
    ApprovalGate, Days, KeptHead, RunFilter, RunId, RunOrder, RunRow, RunSort, RunStatus, Since,
    State,
};

/// A command with its arguments. What documents it is its help.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Without a command word: opens what fits.
    #[command(skip)]
    Open {
        /// The run to open; `None`: the list of runs.
        run: Option<RunRef>,
    },
    /// Starts a throwaway PostgreSQL, loads a scenario and opens the run screen.
    ///
    /// Its runs are kept apart from real ones: in demo/ below the data directory, unless --data-dir names another place.
    Demo {
        /// What it shows; `draft` if nothing is named.
        #[arg(value_enum, value_name = "SCENARIO", conflicts_with = "scenario")]
        shows: Option<DemoScenario>,
        /// The same as a flag.
        #[arg(long, value_enum, value_name = "NAME")]
        scenario: Option<DemoScenario>,
        /// Print the SQL of the scenario's base and start nothing.
        #[arg(long)]
        print_sql: bool,
    },
    /// Starts a new live dry run; with a change, the change itself is rehearsed at both approvals.
    Run {
        /// The files of the change for psql, in the order in which they run, as one transaction.
        #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::FilePath)]
        change: Vec<PathBuf>,
        /// The role of production that the change runs as.
        #[arg(long, value_name = "ROLE", requires = "change")]
        role: Option<String>,
    },
    /// Resumes the copy of a run, which gate G4 compares with the run. Only drygate itself calls it.
    #[command(hide = true)]
    ResumeCopy {
        /// The run.
        #[arg(value_name = "RUN_ID")]
        run: RunId,
    },
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
    Runs(RunsCommand),
    /// Shows a run again from its journal, record by record: no database.
    ///
    /// An archive that `drygate export` wrote is replayed where it lies, without importing it.
    Replay(ReplayCommand),
    /// Checks chain, HEAD, blobs and manifest and recomputes every verdict.
    Verify {
        /// The run, a run's directory, or an archive of a run.
        #[arg(value_name = "RUN_ID|DIR|FILE", value_parser = run_place(), value_hint = ValueHint::AnyPath)]
        target: RunPlace,
        /// The last line of the journal as it was printed at a stop, in a hook or at an export, kept elsewhere: the journal must
        /// have it, at that place where the number was kept too.
        #[arg(long, value_name = "[SEQ:]HEX64")]
        head: Option<KeptHead>,
        /// Compares who decided with the role that the run store stamped each line with.
        #[arg(long)]
        store: bool,
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
    /// Prints the approved change as SQL that aborts where it is not carried out as approved. Connects to nothing.
    ///
    /// The script of a sealed PASS, from its evidence, as one transaction: before it checks of database, role, validity and
    /// definitions, after it of the rows per table. How many rows is bound, not which.
    Guard {
        /// The sealed run.
        #[arg(value_name = "RUN_ID")]
        run: RunRef,
        /// The phase of SG1 or of SG2 alone; needed where the change has both.
        #[arg(long, value_name = "SG1|SG2")]
        phase: Option<ApprovalGate>,
        /// Prints the checks without the script, for another tool; the script is not bound then.
        #[arg(long)]
        parts: bool,
        /// Writes the approved files of a change that a program carries out into a new directory, to run it there.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["phase", "parts"], value_hint = ValueHint::DirPath)]
        files: Option<PathBuf>,
    },
    /// Carries a change out on a throwaway copy of the database and prints what it did: 0 it ran, and twice with the same effect.
    ///
    /// Reads production in one read-only transaction. The change runs in an isolated process of this machine, never there. Without
    /// --change it is that of the profile.
    Rehearse {
        /// The files of the change for psql, in the order in which they run, as one transaction.
        #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::FilePath)]
        change: Vec<PathBuf>,
        /// The role of production that the change runs as.
        #[arg(long, value_name = "ROLE", requires = "change")]
        role: Option<String>,
        /// Compares with what a run rehearsed, or with the document of an earlier `rehearse --json`: 2 where it did something else.
        #[arg(long, value_name = "RUN_ID|FILE", value_parser = run_place(), value_hint = ValueHint::AnyPath)]
        against: Option<RunPlace>,
        /// Prints Markdown, for a comment of a pull request.
        #[arg(long)]
        markdown: bool,
    },
    /// Runs the change of a rehearsal. Only drygate itself calls it.
    #[command(hide = true)]
    Shadow,
    /// Takes one read-only survey and prints it.
    Survey,
    /// Prints the reports of a run.
    Report {
        /// The run, or an archive of one.
        #[arg(value_name = "RUN_ID|FILE", value_parser = run_place(), value_hint = ValueHint::AnyPath)]
        run: RunPlace,
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
    Diff(DiffCommand),
    /// Lists, prints, checks and begins profiles.
    #[command(subcommand, arg_required_else_help = false)]
    Profile(ProfileCommand),
    /// The run store of a team: a PostgreSQL of its own that runs are mirrored into.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Says what this machine has and lacks for a run, and what to do about it: 0 nothing is wrong, 9 something is.
    ///
    /// Looks at the data directory, the index of runs, git, the server binaries of the demo, the terminal, the configuration and
    /// the profile; with --database-url it takes one read-only survey. Writes nothing.
    Doctor {
        /// Prints the SQL that makes the profile's role in the named database: what to grant, and what to revoke.
        #[arg(long)]
        sql: bool,
    },
    /// Shows the settings and where each comes from.
    #[command(subcommand, arg_required_else_help = false)]
    Config(ConfigCommand),
    /// Prints completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Prints the manual page of drygate, or of one of its commands.
    Man {
        /// The words of a command: run, profile check.
        #[arg(value_name = "COMMAND", conflicts_with = "output")]
        command: Vec<String>,
        /// Writes the pages of all commands into a directory.
        #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        output: Option<PathBuf>,
    },
}

/// What `runs` is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that is there or not"
)]
pub struct RunsCommand {
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
    /// Those that were started since a day (2026-11-01), a time (RFC 3339), or so many days ago (30d).
    #[arg(long, value_name = "DAY|TIME|Nd")]
    pub since: Option<Since>,
    /// Removes instead of listing.
    #[command(subcommand)]
    pub removal: Option<RunsRemoval>,
}

/// What `runs` does instead of listing.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum RunsRemoval {
    /// Removes sealed runs; head, result, who and when stay.
    Remove {
        /// The sealed run.
        #[arg(
            value_name = "RUN_ID",
            required_unless_present = "older_than",
            conflicts_with = "older_than"
        )]
        run: Option<RunRef>,
        /// All that were sealed so many days ago or before: 90d.
        #[arg(long, value_name = "Nd")]
        older_than: Option<Days>,
    },
}

impl RunsCommand {
    /// What is shown: what any of these shows; none: everything.
    pub fn filters(&self) -> impl Iterator<Item = RunFilter> {
        let asked = [
            (self.waiting, RunFilter::Waiting),
            (self.failed, RunFilter::Failed),
            (self.drifted, RunFilter::Drifted),
            (self.damaged, RunFilter::Damaged),
        ];
        asked
            .into_iter()
            .filter_map(|(is, filter)| is.then_some(filter))
    }

    /// Whether it asks for this.
    pub fn shows(&self, row: &RunRow) -> bool {
        let mut filters = self.filters().peekable();
        let filtered = filters.peek().is_none() || filters.any(|filter| filter.shows(row));
        let in_state = |state| matches!(&row.standing, RunStatus::Run(run) if run.state == state);
        filtered && self.state.is_none_or(in_state)
    }

    /// In which order.
    pub fn order(&self) -> RunOrder {
        RunOrder {
            sort: self.sort.unwrap_or_default(),
            reversed: self.reverse,
        }
    }
}

/// What `diff` is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that is there or not"
)]
pub struct DiffCommand {
    /// The run.
    #[arg(value_name = "RUN_ID")]
    pub run: RunRef,
    /// Another run.
    #[arg(value_name = "RUN_ID2", conflicts_with_all = ["evidence", "gates", "last_pass", "predicted", "rehearsed"])]
    pub other: Option<RunRef>,
    /// The evidence of this gate against what was found.
    #[arg(long, value_name = "SG1|SG2", conflicts_with_all = ["gates", "last_pass", "predicted", "rehearsed"])]
    pub evidence: Option<ApprovalGate>,
    /// The evidence of SG1 against that of SG2.
    #[arg(long, conflicts_with_all = ["last_pass", "predicted", "rehearsed"])]
    pub gates: bool,
    /// The last PASS of the same profile and target against this run.
    #[arg(long, conflicts_with_all = ["predicted", "rehearsed"])]
    pub last_pass: bool,
    /// What is against what a live run would make of it.
    #[arg(long, conflicts_with = "rehearsed")]
    pub predicted: bool,
    /// What was against what the change made of it when it was rehearsed.
    #[arg(long)]
    pub rehearsed: bool,
    /// Columns: from 100 on side by side, below one side under the other.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(20..=1000))]
    pub width: Option<u16>,
    /// Counts only.
    #[arg(long)]
    pub stat: bool,
}

impl DiffCommand {
    /// The comparison of a run that tells most.
    pub fn best(run: RunRef) -> Self {
        Self {
            run,
            other: None,
            evidence: None,
            gates: false,
            last_pass: false,
            predicted: false,
            rehearsed: false,
            width: None,
            stat: false,
        }
    }
}

/// A run to read: one of the data directory, or a directory or archive at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunPlace {
    /// A run of the data directory.
    Run(RunRef),
    /// A run's directory or an archive of a run, wherever it is.
    Path(PathBuf),
}

/// A word behind `config`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Prints every setting with its origin, secrets hidden.
    Show,
}

/// A word that can only be a path is one; a file or directory here whose name could be a run's is written `./NAME`.
pub(super) fn run_place() -> impl TypedValueParser<Value = RunPlace> {
    PathBufValueParser::new().map(|word| match word.to_str().map(str::parse) {
        Some(Ok(run)) => RunPlace::Run(run),
        _ => RunPlace::Path(word),
    })
}

fn digest(text: &str) -> Result<String, String> {
    let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    if text.len() == 64 && text.bytes().all(hex) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a digest has 64 characters of 0-9 and a-f, this has {}",
            // Of so many characters one is wrong, else their number is.
            match text
                .chars()
                .enumerate()
                .find(|(_, c)| !u8::try_from(*c).is_ok_and(hex))
            {
                Some((nth, wrong)) if text.chars().count() == 64 => {
                    format!("{:?} as number {}", wrong, nth + 1)
                }
                _ => text.chars().count().to_string(),
            }
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

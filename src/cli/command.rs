//! What a person can ask for (contract, section 10). Invariant: only commands that this version carries out.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use clap_complete::Shell;

use super::RunRef;
use crate::run::{ApprovalGate, RunFilter, RunOrder, RunRow, RunStatus, State};

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `drygate` and `drygate RUN_ID`: opens what fits.
    Open {
        /// The run, or the picker.
        run: Option<RunRef>,
    },
    /// `drygate demo`.
    Demo {
        /// What it shows.
        scenario: DemoScenario,
        /// Print the SQL of the scenario's base and start nothing.
        print_sql: bool,
    },
    /// `drygate run`.
    Run,
    /// `drygate resume RUN_ID`.
    Resume {
        /// The run.
        run: RunRef,
    },
    /// `drygate approve RUN_ID SG1`.
    Approve {
        /// The run.
        run: RunRef,
        /// The gate.
        gate: ApprovalGate,
        /// The digest of the evidence, 64 lowercase hex characters; without it a terminal opens the sheet.
        digest: Option<String>,
    },
    /// `drygate reject RUN_ID SG1 --reason TEXT`.
    Reject {
        /// The run.
        run: RunRef,
        /// The gate.
        gate: ApprovalGate,
        /// Why; never blank.
        reason: String,
    },
    /// `drygate watch RUN_ID`.
    Watch {
        /// The run.
        run: RunRef,
    },
    /// `drygate runs`.
    Runs(RunsCommand),
    /// `drygate replay RUN_ID|FILE`.
    Replay(ReplayCommand),
    /// `drygate verify RUN_ID|DIR|FILE`.
    Verify(RunPlace),
    /// `drygate survey`.
    Survey,
    /// `drygate recheck RUN_ID`.
    Recheck {
        /// The sealed run.
        run: RunRef,
        /// Compare the predicted effect with what happened since.
        after: bool,
    },
    /// `drygate report RUN_ID|FILE`.
    Report {
        /// The run, or an archive of one.
        run: RunPlace,
    },
    /// `drygate export RUN_ID --output FILE`.
    Export {
        /// The run.
        run: RunRef,
        /// The archive to be.
        output: PathBuf,
    },
    /// `drygate import FILE`.
    Import {
        /// The archive.
        file: PathBuf,
    },
    /// `drygate diff RUN_ID [RUN_ID2]`.
    Diff(DiffCommand),
    /// `drygate profile ...`.
    Profile(ProfileCommand),
    /// `drygate doctor`.
    Doctor,
    /// `drygate config show`.
    ConfigShow,
    /// `drygate completions SHELL`.
    Completions(Shell),
    /// `drygate man`.
    Man,
}

/// `drygate runs`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsCommand {
    /// What any of these shows; none: everything.
    pub filters: Vec<RunFilter>,
    /// Only runs in this state.
    pub state: Option<State>,
    /// In which order.
    pub order: RunOrder,
}

impl RunsCommand {
    /// Whether it asks for this.
    pub fn shows(&self, row: &RunRow) -> bool {
        let filtered = self.filters.is_empty() || self.filters.iter().any(|it| it.shows(row));
        let in_state = |state| matches!(&row.standing, RunStatus::Run(run) if run.state == state);
        filtered && self.state.is_none_or(in_state)
    }
}

/// `drygate replay`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayCommand {
    /// The run, or an archive of one.
    pub run: RunPlace,
    /// Record or time to stand at, as typed; without it the last record.
    pub at: Option<String>,
    /// The file to write; `None`: the replay is shown.
    pub file: Option<ReplayFile>,
}

/// What a replay is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayFormat {
    /// Every record, as an asciicast.
    Cast,
    /// One record, as an SVG picture.
    Svg,
}

impl fmt::Display for ReplayFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cast => "cast",
            Self::Svg => "svg",
        })
    }
}

/// A replay as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayFile {
    /// What it is written as.
    pub format: ReplayFormat,
    /// The new file; `None`: standard output.
    pub output: Option<PathBuf>,
    /// Columns; without it those of the terminal, or of the drawings of the manual.
    pub width: Option<u16>,
    /// Rows; without it as for columns.
    pub height: Option<u16>,
}

/// `drygate diff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffCommand {
    /// The run.
    pub run: RunRef,
    /// What is put side by side.
    pub sides: DiffSides,
    /// Columns; without it those of the terminal, or no limit.
    pub width: Option<u16>,
    /// Counts only.
    pub stat: bool,
}

/// What `diff` puts side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffSides {
    /// What tells most: pre and post, else what has moved.
    Best,
    /// This run and another.
    Other(RunRef),
    /// The evidence of a gate and what was found.
    Evidence(ApprovalGate),
    /// The evidence of SG1 and that of SG2.
    Gates,
    /// The last PASS and this run.
    LastPass,
    /// What is, and what a live run would make of it.
    Predicted,
}

/// Where a run is that can be read without being one of the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunPlace {
    /// A run of the data directory.
    Run(RunRef),
    /// A run's directory or an archive of a run, wherever it is.
    Path(PathBuf),
}

/// `drygate profile ...`. Without a name it is about the profile of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileCommand {
    /// Lists the built-in profiles.
    List,
    /// Prints one.
    Show {
        /// Name or path.
        name: Option<String>,
    },
    /// Validates one.
    Check {
        /// Name or path.
        name: Option<String>,
    },
    /// Writes a starting profile.
    Init {
        /// The new file.
        file: PathBuf,
    },
}

/// What the demo shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DemoScenario {
    /// 60 units, all enacted: a live run would change nothing.
    Enacted,
    /// 60 drafts: a live run would enact them all.
    #[default]
    Draft,
    /// Another session changes a unit while SG2 waits.
    Drift,
    /// The reading role may write: G1 fails.
    UnsafeRole,
}

impl DemoScenario {
    /// The name of the contract: `unsafe-role`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enacted => "enacted",
            Self::Draft => "draft",
            Self::Drift => "drift",
            Self::UnsafeRole => "unsafe-role",
        }
    }
}

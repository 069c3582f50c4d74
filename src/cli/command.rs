//! Commands after parsing (contract, section 10). Invariant: every variant of `Command` is one that this version carries out.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use clap_complete::Shell;

use super::RunRef;
use crate::run::{ApprovalGate, RunFilter, RunOrder, RunRow, RunStatus, State};

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `drygate` and `drygate RUN_ID`: opens the run on its screen, or the list of runs.
    Open {
        /// The run to open; `None`: the list of runs.
        run: Option<RunRef>,
    },
    /// `drygate demo`.
    Demo {
        /// The scenario that the demo plays.
        scenario: DemoScenario,
        /// Print the SQL of the scenario's base and start nothing.
        print_sql: bool,
    },
    /// `drygate run`.
    Run,
    /// `drygate resume RUN_ID`.
    Resume {
        /// The run to go on with.
        run: RunRef,
    },
    /// `drygate approve RUN_ID SG1`.
    Approve {
        /// The run that waits at the gate.
        run: RunRef,
        /// The gate that is approved, SG1 or SG2.
        gate: ApprovalGate,
        /// The digest of the evidence, 64 lowercase hex characters; without it a terminal opens the sheet.
        digest: Option<String>,
    },
    /// `drygate reject RUN_ID SG1 --reason TEXT`.
    Reject {
        /// The run that is rejected.
        run: RunRef,
        /// The gate that is rejected, SG1 or SG2.
        gate: ApprovalGate,
        /// Why, as the journal records it; never blank.
        reason: String,
    },
    /// `drygate watch RUN_ID`.
    Watch {
        /// The run to follow; read only.
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
        /// The sealed run that a new survey is compared with.
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
        /// The run to pack.
        run: RunRef,
        /// The archive to write.
        output: PathBuf,
    },
    /// `drygate import FILE`.
    Import {
        /// The archive to unpack into the data directory.
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

/// Filters and order of `drygate runs`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsCommand {
    /// A run is listed if any of these matches it; empty: every run is.
    pub filters: Vec<RunFilter>,
    /// Only runs in this state.
    pub state: Option<State>,
    /// Sort key and direction.
    pub order: RunOrder,
}

impl RunsCommand {
    /// Whether the filters and the state let this row through. A directory that is no readable run is in no state.
    pub fn shows(&self, row: &RunRow) -> bool {
        let filtered = self.filters.is_empty() || self.filters.iter().any(|it| it.shows(row));
        let in_state = |state| matches!(&row.standing, RunStatus::Run(run) if run.state == state);
        filtered && self.state.is_none_or(in_state)
    }
}

/// Arguments of `drygate replay`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayCommand {
    /// The run, or an archive of one.
    pub run: RunPlace,
    /// Record or time to stand at, as typed; without it the last record.
    pub at: Option<String>,
    /// The file to write; `None`: the replay is shown.
    pub file: Option<ReplayFile>,
}

/// The file format of a written replay.
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

/// Arguments of `drygate replay --cast` and `--svg`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayFile {
    /// The format: asciicast or SVG.
    pub format: ReplayFormat,
    /// The new file; `None`: standard output.
    pub output: Option<PathBuf>,
    /// Columns; without it those of the terminal, or of the drawings of the manual.
    pub width: Option<u16>,
    /// Rows; without it as for columns.
    pub height: Option<u16>,
}

/// Arguments of `drygate diff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffCommand {
    /// The run on one side.
    pub run: RunRef,
    /// The two sides that are compared.
    pub sides: DiffSides,
    /// Columns; without it those of the terminal, or no limit.
    pub width: Option<u16>,
    /// Print how many facts differ, not which.
    pub stat: bool,
}

/// What `diff` puts side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffSides {
    /// Pin and post survey where the run has both, else the comparison in which something moved.
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

/// A run to read: one of the data directory, or a directory or archive at a path.
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
    /// Prints the text of a profile.
    Show {
        /// Name or path; `None`: the profile of the settings.
        name: Option<String>,
    },
    /// Validates a profile without a run.
    Check {
        /// Name or path; `None`: the profile of the settings.
        name: Option<String>,
    },
    /// Writes a starting profile.
    Init {
        /// The file to write; it must not exist.
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

//! Every way in which a command can end without its result, each with a sentence, a hint and an exit code of the contract.

use std::io::ErrorKind;
use std::panic;
use std::path::PathBuf;

use color_eyre::config::{HookBuilder, PanicHook, Theme};
use thiserror::Error;

use super::output;
use crate::archive::ArchiveError;
use crate::cli::CliError;
use crate::journal::JournalError;
use crate::page::PageError;
use crate::postgres::SettingsError;
use crate::postgres::throwaway::ThrowawayError;
use crate::profile::ProfileError;
use crate::replay::ReplayError;
use crate::repo::throwaway::DemoRepositoryError;
use crate::report::ReportError;
use crate::run::{CommandLine, RunId, RunIdError, RunResult, StopCode, exit};
use crate::runner::target::{TargetError, UnavailableKind};
use crate::runner::{ChangeFileError, HandoverError, RunnerError, SHORTAGE_HINT, is_shortage};
use crate::store::StoreError;
use crate::tui::InputError;
use crate::verify::VerifyError;

/// What a shell says of a program that wrote where nobody reads: 128 and the number of SIGPIPE.
const CLOSED_OUTPUT: u8 = 141;

/// The same of one whose terminal was closed: 128 and the number of SIGHUP.
const CLOSED_TERMINAL: u8 = 129;

/// Why a command could not be carried out.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// Arguments or configuration.
    #[error(transparent)]
    Cli(#[from] CliError),
    /// The profile cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The connection settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The journal or the storage failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive cannot be read or written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The page of a run.
    #[error(transparent)]
    Page(#[from] PageError),
    /// What is there already is not what an archive holds, or an archive does not verify.
    #[error("{0}")]
    Corrupt(String),
    /// The runner could not go on.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// A run that cannot be replayed.
    #[error(transparent)]
    Replay(ReplayError),
    /// The process that holds the run.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// The demo's PostgreSQL cluster failed.
    #[error(transparent)]
    Throwaway(#[from] ThrowawayError),
    /// The demo's git repository failed.
    #[error(transparent)]
    DemoRepository(#[from] DemoRepositoryError),
    /// A demo whose process has gone.
    #[error("{run_id} is a demo, and its database went with it: it can be read, and that is all")]
    DemoIsOver {
        /// Id of the run.
        run_id: RunId,
    },
    /// An approval was refused.
    #[error("{0}")]
    Refused(String),
    /// A file that was asked for by name.
    #[error("cannot write {}: {source}", path.display())]
    NotWritten {
        /// Path of the file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The terminal or standard output failed.
    #[error("{doing}: {source}")]
    Output {
        /// What was being done.
        doing: &'static str,
        /// The error of the system.
        source: std::io::Error,
    },
    /// Something could not be started or looked at, because this machine gives no more files, processes, threads or memory.
    #[error("{doing}: {source}")]
    Shortage {
        /// What was being done.
        doing: &'static str,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The terminal went away before a screen had it.
    #[error("the terminal was closed")]
    TerminalClosed,
    /// The keys of the terminal cannot be read.
    #[error(transparent)]
    Keys(#[from] InputError),
    /// Something that is asked for in a wrong way.
    #[error("{0}")]
    Usage(String),
    /// A file that is there already: nothing is overwritten.
    #[error("{} is there already and is left as it is; nothing is overwritten: choose another name", path.display())]
    NameTaken {
        /// Path of the file.
        path: PathBuf,
    },
    /// A run whose process died before its first record.
    #[error("{run_id} was never begun: its process died before the first record")]
    NeverBegun {
        /// Id of the run.
        run_id: RunId,
    },
    /// A run that cannot be rechecked, or has no approved change, ends with its own code.
    #[error("{run_id} {why}")]
    NotRechecked {
        /// Id of the run.
        run_id: RunId,
        /// What the run lacks.
        why: String,
        /// Where it stands; `None`: its result has no stop, or nothing was raised yet.
        stop: Option<StopCode>,
        /// What to do about it.
        next: Option<String>,
    },
    /// A run does not have, or not yet, what was to be compared.
    #[error("{0}")]
    NotComparable(String),
    /// A unit ledger that is not opened as a whole.
    #[error("{file} has {rows} lines, too many to open here")]
    LedgerTooLong {
        /// The file, relative to the directory of the run.
        file: String,
        /// Number of its lines.
        rows: u64,
    },
    /// The tables of a database that a profile is to be written for cannot be read by this role.
    #[error("the tables cannot be read: {0}")]
    TablesNotRead(String),
    /// A role that can read no table, for which no profile is written.
    #[error("{0} can read no table of this database")]
    NoTableReadable(String),
    /// Reports that cannot be rendered.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A run id that cannot be made of the profile's prefix.
    #[error(transparent)]
    RunId(#[from] RunIdError),
}

impl LaunchError {
    /// Makes the error of something of the system that failed, by what was being done.
    pub(super) fn output(doing: &'static str) -> impl Fn(std::io::Error) -> Self + Copy {
        move |source| Self::Output { doing, source }
    }

    /// Makes the error of a thread that could not be started, or of a look that nothing was left for, by what was being done.
    pub(super) fn shortage(doing: &'static str) -> impl Fn(std::io::Error) -> Self + Copy {
        move |source| Self::Shortage { doing, source }
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Cli(error) => error.exit_code(),
            Self::Profile(ProfileError::LiveRefused { .. }) => {
                StopCode::StopLiveRefused.exit_code()
            }
            Self::Settings(error) if error.is_of_text() => exit::USAGE,
            Self::Profile(_) | Self::Settings(_) | Self::RunId(_) => exit::CONFIGURATION,
            Self::NotRechecked { stop, .. } => {
                let incomplete = RunResult::Incomplete.exit_code();
                stop.map_or(incomplete, StopCode::exit_code)
            }
            Self::NotComparable(_) | Self::LedgerTooLong { .. } => {
                RunResult::Incomplete.exit_code()
            }
            Self::TablesNotRead(_) | Self::NoTableReadable(_) => {
                StopCode::StopGateFailed.exit_code()
            }
            Self::Report(ReportError::Template { .. }) => exit::UNEXPECTED,
            Self::Journal(error) | Self::Archive(ArchiveError::Journal(error)) => {
                journal_exit(error)
            }
            Self::Archive(ArchiveError::Refused { .. })
            | Self::Corrupt(_)
            | Self::NeverBegun { .. }
            | Self::Report(ReportError::NotCreated)
            | Self::Page(_)
            | Self::Replay(ReplayError::Illegal { .. } | ReplayError::Empty) => {
                StopCode::StopEvidenceCorrupt.exit_code()
            }
            Self::Store(error) => store_exit(error),
            Self::Runner(error) => error.exit_code(),
            Self::Archive(ArchiveError::NoArchive { .. })
            | Self::Usage(_)
            | Self::NameTaken { .. }
            | Self::Replay(_) => exit::USAGE,
            Self::Handover(HandoverError::Silent(_) | HandoverError::Nobody) => {
                StopCode::StopRunLocked.exit_code()
            }
            Self::Handover(HandoverError::Refused(_)) | Self::Refused(_) => {
                StopCode::StopApprovalRefused.exit_code()
            }
            Self::Throwaway(_) | Self::DemoRepository(_) | Self::DemoIsOver { .. } => {
                StopCode::StopDatabaseUnavailable.exit_code()
            }
            Self::Output { .. } if self.is_closed_output() => CLOSED_OUTPUT,
            Self::TerminalClosed => CLOSED_TERMINAL,
            Self::Shortage { .. } => exit::SHORTAGE,
            Self::Keys(error) if is_shortage(error.cause()) => exit::SHORTAGE,
            Self::Archive(_) | Self::NotWritten { .. } | Self::Keys(_) | Self::Output { .. } => {
                StopCode::StopStorageFailed.exit_code()
            }
        }
    }

    /// The stop, where there is one.
    pub fn stop_code(&self) -> Option<StopCode> {
        match self {
            Self::Cli(error) => error.stop_code(),
            Self::Profile(ProfileError::LiveRefused { .. }) => Some(StopCode::StopLiveRefused),
            Self::Runner(error) => error.stop_code(),
            Self::DemoIsOver { .. } => Some(StopCode::StopDatabaseUnavailable),
            Self::NotRechecked { stop, .. } => *stop,
            Self::Handover(HandoverError::Silent(_) | HandoverError::Nobody) => {
                Some(StopCode::StopRunLocked)
            }
            Self::Handover(HandoverError::Refused(_)) | Self::Refused(_) => {
                Some(StopCode::StopApprovalRefused)
            }
            Self::Replay(ReplayError::Illegal { .. } | ReplayError::Empty) => {
                Some(StopCode::StopEvidenceCorrupt)
            }
            Self::Journal(_)
            | Self::Archive(_)
            | Self::NotWritten { .. }
            | Self::Corrupt(_)
            | Self::NeverBegun { .. }
            | Self::Report(_)
            | Self::TablesNotRead(_)
            | Self::NoTableReadable(_)
            | Self::Page(_) => StopCode::ALL
                .into_iter()
                .find(|code| code.exit_code() == self.exit_code()),
            _ => None,
        }
    }

    /// Whether a database that could be reached could not be read just now.
    pub(super) fn may_pass(&self) -> bool {
        let Self::Runner(RunnerError::Target(TargetError::Unavailable(why))) = self else {
            return false;
        };
        why.kind.may_pass_soon() || why.kind == UnavailableKind::Deadline
    }

    /// Whether it is only that nobody reads standard output any more, as behind `| head`.
    pub fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output { source, .. } if source.kind() == ErrorKind::BrokenPipe)
    }

    /// One sentence of what to do next, with commands as `call` says.
    pub fn hint(&self, call: &CommandLine) -> Option<String> {
        match self {
            Self::Cli(error) => Some(error.hint(call)),
            Self::Runner(error) => error.hint(),
            Self::Throwaway(error) => error.remedy().map(str::to_owned),
            Self::Journal(JournalError::NotFound { .. }) => {
                let runs = call.to("runs");
                Some(format!("{runs} lists them; any unambiguous beginning or end will do."))
            }
            Self::Shortage { .. } => Some(SHORTAGE_HINT.to_owned()),
            Self::NeverBegun { .. } => Some("Nothing of it can be taken up: start a new run.".to_owned()),
            Self::NotRechecked { next, .. } => next.clone(),
            Self::NotComparable(_) => Some(format!(
                "{} says what a run can be compared with.",
                call.to("diff --help")
            )),
            Self::LedgerTooLong { .. } => {
                Some("It is one JSON object a line, in the directory of the run.".to_owned())
            }
            Self::TablesNotRead(_) => Some(
                "Ask with a role that may, or leave --database-url out: the profile names no tables then."
                    .to_owned(),
            ),
            Self::NoTableReadable(role) => {
                let role = crate::survey::quoted_identifier(role);
                Some(format!(
                    "Give it the tables that matter: GRANT USAGE ON SCHEMA name TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA name TO {role};"
                ))
            }
            Self::DemoIsOver { run_id } => {
                let replay = call.to(format!("replay {}", run_id.tail()));
                Some(format!("Look at it: {replay}"))
            }
            Self::Journal(JournalError::Locked { run, lease_s, .. }) => {
                let run_id = run.parse::<RunId>().ok()?;
                let watch = call.to(format!("watch {}", run_id.tail()));
                if lease_s.is_some() {
                    return Some(format!("Watch it, and do this again when its lease is over: {watch}"));
                }
                Some(format!("Watch it, and decide through it on the screen: {watch}"))
            }
            Self::Journal(JournalError::Imported { .. }) => Some(
                "Where it was made it can be resumed and decided on. Here: report, diff, verify, export."
                    .to_owned(),
            ),
            Self::Journal(JournalError::Storage(error))
                if error.source.kind() == ErrorKind::PermissionDenied =>
            {
                Some(
                    "Let this account write there, or name another data directory: --data-dir DIR."
                        .to_owned(),
                )
            }
            Self::Journal(JournalError::Storage(error)) if error.is_of_store() => Some(
                "Nothing after the last line of the run store counts. When it takes lines, do it again."
                    .to_owned(),
            ),
            Self::Store(StoreError::Unreachable(_)) => Some(
                "Check url in [store] of drygate.toml or DRYGATE_STORE_URL, the server, and the password in ~/.pgpass."
                    .to_owned(),
            ),
            Self::Store(StoreError::Refused(_)) => Some(
                "Its owner runs what `drygate store init --sql` prints, and grants drygate_members to this role."
                    .to_owned(),
            ),
            Self::Journal(JournalError::Storage(_) | JournalError::Poisoned { .. }) => Some(
                "Make room or repair the disk, or name another data directory: --data-dir DIR."
                    .to_owned(),
            ),
            Self::NotWritten { .. } => {
                Some("Name a place where this account may write, in a directory that is there.".to_owned())
            }
            Self::Profile(ProfileError::Unknown { name, .. }) => {
                let init = call.anywhere(format!("profile init {name}.toml"));
                Some(format!("A file is named with its path: ./{name}.toml; {init} writes one."))
            }
            Self::Profile(ProfileError::Unreadable { .. }) => Some(format!(
                "{} writes a profile, {} lists the built-in ones.",
                call.anywhere("profile init FILE"),
                call.anywhere("profile list")
            )),
            Self::Profile(ProfileError::LiveRefused { .. }) => {
                Some("Leave it out: every run is Mode.DRYRUN.".to_owned())
            }
            _ => None,
        }
    }
}

impl From<ReplayError> for LaunchError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Journal(error) => Self::Journal(error),
            other => Self::Replay(other),
        }
    }
}

impl From<ChangeFileError> for LaunchError {
    fn from(error: ChangeFileError) -> Self {
        match error {
            ChangeFileError::Unread(why) => Self::Usage(why),
            ChangeFileError::Shortage(source) => Self::Shortage {
                doing: "no file of the change can be read",
                source,
            },
        }
    }
}

impl From<VerifyError> for LaunchError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Journal(error) => Self::Journal(error),
            VerifyError::Runner(error) => Self::Runner(error),
        }
    }
}

/// A run store that is not reached is a database that is not; one that refuses is configured otherwise than needed.
fn store_exit(error: &StoreError) -> u8 {
    match error {
        StoreError::Unreachable(_) => StopCode::StopDatabaseUnavailable.exit_code(),
        StoreError::TakenOver(_) => StopCode::StopRunLocked.exit_code(),
        StoreError::Forked(_) => StopCode::StopEvidenceCorrupt.exit_code(),
        StoreError::Shortage(_) => exit::SHORTAGE,
        StoreError::Refused(_) | StoreError::OtherFormat(_) => exit::CONFIGURATION,
    }
}

/// Storage and lock as the runner maps them; a run that is not there is usage.
fn journal_exit(error: &JournalError) -> u8 {
    match error {
        JournalError::NotFound { .. } => exit::USAGE,
        JournalError::InStore { .. } => exit::CONFIGURATION,
        JournalError::Corrupt(_) | JournalError::NewerVersion { .. } => {
            StopCode::StopEvidenceCorrupt.exit_code()
        }
        JournalError::Locked { .. }
        | JournalError::LockLost { .. }
        | JournalError::TakenOver { .. }
        | JournalError::Imported { .. } => StopCode::StopRunLocked.exit_code(),
        _ => StopCode::StopStorageFailed.exit_code(),
    }
}

const WHAT_TO_DO: &str = "This is a bug of drygate. What was acknowledged is in the journal: resume goes on with \
the run, verify checks it.";

/// From here on a panic says what happened on standard error and ends the process.
///
/// It must not unwind: a screen without its runner would wait for ever, and a runner without its screen is not watched.
/// A screen that holds the terminal gives it back first, by a hook of its own around this one.
pub fn end_on_panic() {
    let reporter = reporter();
    panic::set_hook(Box::new(move |info| {
        let report = reporter.panic_report(info).to_string();
        for line in report.lines() {
            output::say(&crate::report::visible(line));
        }
        std::process::exit(i32::from(exit::UNEXPECTED));
    }));
}

/// Without colours: every line passes through the escaping of everything that is printed.
fn reporter() -> PanicHook {
    let (reporter, _) = HookBuilder::new()
        .theme(Theme::new())
        .display_env_section(false)
        .panic_section(WHAT_TO_DO)
        .into_hooks();
    reporter
}

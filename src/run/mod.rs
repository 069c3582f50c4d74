//! What a run is: state, gates, verdicts, checks, claims, stops, approvals, evidence, events, state machine. Pure: no clock,
//! socket, file or channel (`foreign` of tests/architecture.rs).

// A new event, state or check must make the compiler name every place that has to know it.
#![deny(clippy::wildcard_enum_match_arm)]

mod advice;
mod approval;
mod asked;
mod budget;
mod carried_out;
mod change;
mod change_command;
mod check;
mod check_name;
mod claim;
mod claim_words;
mod command_line;
mod context;
mod effect_differences;
mod event;
mod evidence;
mod fold;
mod fold_approvals;
mod fold_parts;
mod fold_transactions;
mod gate;
mod history;
mod hook;
mod journal_head;
mod legal;
mod live;
mod lock_mode;
mod lock_policy;
mod machine;
mod mode;
mod moved_rows;
mod obstacle;
mod overview;
mod passed_change;
mod person;
mod program_file;
mod progress;
mod psql_script;
mod readings;
mod recorded_change;
mod rehearsal_check;
mod rehearsed;
mod repository;
mod request;
mod result;
mod row_ledger;
mod rows;
mod rows_after;
mod run_id;
mod run_list;
mod run_on_top;
mod safer_form;
mod script_place;
mod state;
mod stop;
mod stop_words;
mod subject;
mod surveys;
mod table_to_copy;
mod target_identity;
mod team_words;
mod timeline;
mod verdict;
mod write_counters;

pub use approval::{ApprovalPolicy, ApprovalRefusal, ApprovalRequest, Ruling, judge, time_in};
pub use budget::{BudgetUse, Costs, Measure, RemainingBudget, RunBudget, Spent};
pub use carried_out::{CarriedOut, KnownOutcome};
pub use change::{ChangeEvidence, ChangeFile, ChangeFileNow, ReadMoments, RunChange};
pub use change_command::{ChangeCommand, CommandDatabase, ListedCommand};
pub use check::{Cause, Check};
pub use check_name::CheckName;
pub use claim::{Claim, ClaimName, ClaimVerdict, NonMutation, NonMutationVerdict};
pub use claim_words::{ClaimWords, NOT_CHECKED};
pub use command_line::{CommandLine, shell_word};
pub use context::ContextPins;
pub use effect_differences::effect_differences;
pub use event::{
    ApprovalRecorded, ApprovalRefused, ChangeMoved, ChangeRead, ChangeRehearsed, CheckRecorded,
    ContextPinned, CopyListed, Decision, DriftFound, EffectPredicted, Event, EvidenceRenewed,
    EvidenceShown, EvidenceTaken, GateFinished, GateStarted, HookRan, HookStarted, Invocation,
    InvocationReturned, LedgerRef, LiveChange, LiveRead, ProgramReplaced, Purpose, RenewalReason,
    RepositoryMoved, RunCreated, RunSealed, StateChanged, StatementsRecorded, SurveyPurpose,
    SurveyTaken, TerminalSize, TestsDeclared, ToolIdentity, TornTailSetAside, TransactionClosed,
    TransactionOpened, TransactionUnseen, UnitsProgressed,
};
pub use evidence::{EvidenceSheet, LastPass, LastPassDifference};
pub use fold::RunState;
pub use fold_parts::{
    Approval, ApprovalStatus, Drift, EventRow, Evidence, GateRun, LiveView, RaisedStop, StepDone,
    SurveySummary, Transaction, TransactionEnd,
};
pub use fold_transactions::ReadsAside;
pub use gate::{ApprovalGate, Gate};
pub use history::{DecisionContext, History, RecordedEvent};
pub use hook::{HookEnd, HookOutcome, HookOutput, HookPoint, HookRun, due_hook};
pub use journal_head::{JournalHead, KeptHead, KeptHeadError};
pub use legal::{Illegal, legal};
pub use lock_mode::LockMode;
pub use lock_policy::LockPolicy;
pub use machine::{Effect, next};
pub use mode::{LiveRefused, Mode, ModeError};
pub use moved_rows::MovedRows;
pub use obstacle::Obstacle;
pub use overview::{Overview, RunRow, RunStatus, span};
pub use passed_change::PassedChange;
pub use person::{AccountDoubt, Person, Signer};
pub use program_file::ProgramFile;
pub use progress::Progress;
pub use readings::{ChangeWindow, Readings};
pub use recorded_change::{
    LongestLock, RecordedChange, RecordedStatement, StatementError, TakenLock, TransactionState,
    one_line,
};
pub use rehearsal_check::{RehearsalCheck, may_not_log_in, production_check};
pub use rehearsed::{
    RehearsalOutcome, RehearsedRow, RehearsedTable, RowOperation, SHOWN_CHARACTERS_MAX, ScriptEnd,
    SeededTable, SequenceMove, ShownValue,
};
pub use repository::{RepositoryLook, RepositoryState};
pub use request::{Ask, Request};
pub use result::{RunResult, exit};
pub use row_ledger::{
    RowLedgerHead, RowLedgerLine, RowLedgerRow, RowLedgerTable, line_mark, row_mark, short_key,
    value_mark,
};
pub use rows::{counted, text as event_text};
pub use rows_after::{RowAfter, RowOutcome, RowsAfter, SchemaOutcome, TableRowsAfter, ValueAfter};
pub use run_id::{RunId, RunIdError};
pub use run_list::{Days, RunFilter, RunOrder, RunSort, Since};
pub use run_on_top::RunOnTop;
pub use safer_form::safer_form;
pub use script_place::{ScriptPlace, ScriptStatements};
pub use state::State;
pub use stop::{Stop, StopCode};
pub use subject::Subject;
pub use surveys::{DriftRecord, EvidenceRecord, SurveyRead, Surveys};
pub use table_to_copy::TableToCopy;
pub use target_identity::TargetIdentity;
pub use team_words::TeamWords;
pub use timeline::{Mark, MarkKind, Point, Timeline, Track};
pub use verdict::Verdict;
pub use write_counters::{ApprovedRows, TableCounters, WriteCounters};

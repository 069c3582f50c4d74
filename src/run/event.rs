//! The events of the journal (contract, section 8): what can happen to a run, in past tense, as plain data without secrets.

mod approvals;
mod gates;
mod hooks;
mod lifecycle;
mod simulation;
mod surveys;
mod transactions;

use serde::{Deserialize, Serialize};

pub use approvals::{
    ApprovalRecorded, ApprovalRefused, Decision, EvidenceRenewed, EvidenceShown, EvidenceTaken,
    RenewalReason, TerminalSize,
};
pub use gates::{CheckRecorded, GateFinished, GateStarted, TestsDeclared};
pub use hooks::{HookRan, HookStarted};
pub use lifecycle::{
    Invocation, InvocationReturned, ProgramReplaced, RepositoryMoved, RunCreated, RunSealed,
    StateChanged, ToolIdentity, TornTailSetAside,
};
pub use simulation::{ContextPinned, EffectPredicted, LedgerRef, UnitsProgressed};
pub use surveys::{DriftFound, LiveChange, LiveRead, SurveyPurpose, SurveyTaken};
pub use transactions::{
    Purpose, StatementsRecorded, TransactionClosed, TransactionOpened, TransactionUnseen,
};

use super::{NonMutation, Stop};
use crate::survey::Attribution;

/// One event of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Run directory and lock exist.
    RunCreated(Box<RunCreated>),
    /// Another process, or the same again, took the run up.
    RunResumed(Box<Invocation>),
    /// The program of the run was replaced or removed on the disk.
    ProgramReplaced(ProgramReplaced),
    /// The repository of the run was seen to have moved.
    RepositoryMoved(RepositoryMoved),
    /// Bytes behind HEAD that did not chain were set aside.
    TornTailSetAside(TornTailSetAside),
    /// The checks of a gate begin; what an earlier attempt recorded for it is void.
    GateStarted(GateStarted),
    /// A check was evaluated, or named as not evaluated.
    CheckRecorded(CheckRecorded),
    /// All checks of a gate are recorded.
    GateFinished(GateFinished),
    /// A transaction is about to be opened: journalled before its BEGIN.
    TransactionOpened(TransactionOpened),
    /// Its end was seen.
    TransactionClosed(TransactionClosed),
    /// Its end was not seen: killed, or the link was lost.
    TransactionUnseen(TransactionUnseen),
    /// What a process has sent so far was kept: texts, once each.
    StatementsRecorded(StatementsRecorded),
    /// A survey is complete.
    SurveyTaken(SurveyTaken),
    /// Context pins were written to `context.json`.
    ContextPinned(ContextPinned),
    /// The effect of a live run was predicted from the pin.
    EffectPredicted(EffectPredicted),
    /// A step's unit ledger was written.
    UnitsProgressed(UnitsProgressed),
    /// The state of the run changed.
    StateChanged(StateChanged),
    /// The evidence of a gate is durable.
    EvidenceTaken(EvidenceTaken),
    /// The run stopped. Fields as in the contract.
    StopRaised(Stop),
    /// The sheet was shown to a person.
    EvidenceShown(EvidenceShown),
    /// A person decided.
    ApprovalRecorded(ApprovalRecorded),
    /// A decision was refused; the run still waits.
    ApprovalRefused(ApprovalRefused),
    /// The live facts were read again while waiting.
    LiveRead(LiveRead),
    /// What is visible of who made the last survey differ from the pin.
    ChangesAttributed(Box<Attribution>),
    /// Facts differ from the pin when it mattered.
    DriftFound(DriftFound),
    /// New evidence was asked for after drift or expiry.
    EvidenceRenewed(EvidenceRenewed),
    /// The run came back to a person.
    InvocationReturned(InvocationReturned),
    /// The non-mutation verdict is durable.
    NonMutationJudged(Box<NonMutation>),
    /// A result file of a full test run was read: DECLARED, no check.
    TestsDeclared(TestsDeclared),
    /// A hook of the profile is about to be run: journalled before its process is made.
    HookStarted(HookStarted),
    /// A hook is over, or its end was not seen. It moved nothing.
    HookRan(HookRan),
    /// The last line of a journal.
    RunSealed(RunSealed),
}

impl Event {
    /// The name in the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunCreated(_) => "run_created",
            Self::RunResumed(_) => "run_resumed",
            Self::ProgramReplaced(_) => "program_replaced",
            Self::RepositoryMoved(_) => "repository_moved",
            Self::TornTailSetAside(_) => "torn_tail_set_aside",
            Self::GateStarted(_) => "gate_started",
            Self::CheckRecorded(_) => "check_recorded",
            Self::GateFinished(_) => "gate_finished",
            Self::TransactionOpened(_) => "transaction_opened",
            Self::TransactionClosed(_) => "transaction_closed",
            Self::TransactionUnseen(_) => "transaction_unseen",
            Self::StatementsRecorded(_) => "statements_recorded",
            Self::SurveyTaken(_) => "survey_taken",
            Self::ContextPinned(_) => "context_pinned",
            Self::EffectPredicted(_) => "effect_predicted",
            Self::UnitsProgressed(_) => "units_progressed",
            Self::StateChanged(_) => "state_changed",
            Self::EvidenceTaken(_) => "evidence_taken",
            Self::StopRaised(_) => "stop_raised",
            Self::EvidenceShown(_) => "evidence_shown",
            Self::ApprovalRecorded(_) => "approval_recorded",
            Self::ApprovalRefused(_) => "approval_refused",
            Self::LiveRead(_) => "live_read",
            Self::ChangesAttributed(_) => "changes_attributed",
            Self::DriftFound(_) => "drift_found",
            Self::EvidenceRenewed(_) => "evidence_renewed",
            Self::InvocationReturned(_) => "invocation_returned",
            Self::NonMutationJudged(_) => "non_mutation_judged",
            Self::TestsDeclared(_) => "tests_declared",
            Self::HookStarted(_) => "hook_started",
            Self::HookRan(_) => "hook_ran",
            Self::RunSealed(_) => "run_sealed",
        }
    }
}

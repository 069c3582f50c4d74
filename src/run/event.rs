//! The events of the journal (contract, section 8): what can happen to a run, in past tense, as plain data without secrets.

mod approvals;
mod change;
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
pub use change::{ChangeMoved, ChangeRead, ChangeRehearsed, CopyListed};
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
use crate::survey::{Attribution, named_enum};

named_enum! {
    /// One event of the journal.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum Event {
        /// Run directory and lock exist.
        RunCreated(Box<RunCreated>) = "run_created",
        /// Another process, or the same again, took the run up.
        RunResumed(Box<Invocation>) = "run_resumed",
        /// The program of the run was replaced or removed on the disk.
        ProgramReplaced(ProgramReplaced) = "program_replaced",
        /// The repository of the run was seen to have moved.
        RepositoryMoved(RepositoryMoved) = "repository_moved",
        /// Bytes behind HEAD that did not chain were set aside.
        TornTailSetAside(TornTailSetAside) = "torn_tail_set_aside",
        /// The checks of a gate begin; what an earlier attempt recorded for it is void.
        GateStarted(GateStarted) = "gate_started",
        /// A check was evaluated, or named as not evaluated.
        CheckRecorded(CheckRecorded) = "check_recorded",
        /// All checks of a gate are recorded.
        GateFinished(GateFinished) = "gate_finished",
        /// A transaction is about to be opened: journalled before its BEGIN.
        TransactionOpened(TransactionOpened) = "transaction_opened",
        /// Its end was seen.
        TransactionClosed(TransactionClosed) = "transaction_closed",
        /// Its end was not seen: killed, or the link was lost.
        TransactionUnseen(TransactionUnseen) = "transaction_unseen",
        /// What a process has sent so far was kept: texts, once each.
        StatementsRecorded(StatementsRecorded) = "statements_recorded",
        /// A survey is complete.
        SurveyTaken(SurveyTaken) = "survey_taken",
        /// The files of the change were read, and are what is rehearsed from now on.
        ChangeRead(ChangeRead) = "change_read",
        /// A file of the change was seen to have moved.
        ChangeMoved(ChangeMoved) = "change_moved",
        /// The tables that may be copied for the change are known.
        CopyListed(CopyListed) = "copy_listed",
        /// The change was rehearsed, or could not be.
        ChangeRehearsed(Box<ChangeRehearsed>) = "change_rehearsed",
        /// Context pins were written to `context.json`.
        ContextPinned(ContextPinned) = "context_pinned",
        /// The effect of a live run was predicted from the pin.
        EffectPredicted(EffectPredicted) = "effect_predicted",
        /// A step's unit ledger was written.
        UnitsProgressed(UnitsProgressed) = "units_progressed",
        /// The state of the run changed.
        StateChanged(StateChanged) = "state_changed",
        /// The evidence of a gate is durable.
        EvidenceTaken(EvidenceTaken) = "evidence_taken",
        /// The run stopped. Fields as in the contract.
        StopRaised(Stop) = "stop_raised",
        /// The sheet was shown to a person.
        EvidenceShown(EvidenceShown) = "evidence_shown",
        /// A person decided.
        ApprovalRecorded(ApprovalRecorded) = "approval_recorded",
        /// A decision was refused; the run still waits.
        ApprovalRefused(ApprovalRefused) = "approval_refused",
        /// The live facts were read again while waiting.
        LiveRead(LiveRead) = "live_read",
        /// What is visible of who made the last survey differ from the pin.
        ChangesAttributed(Box<Attribution>) = "changes_attributed",
        /// Facts differ from the pin when it mattered.
        DriftFound(DriftFound) = "drift_found",
        /// New evidence was asked for after drift or expiry.
        EvidenceRenewed(EvidenceRenewed) = "evidence_renewed",
        /// The run came back to a person.
        InvocationReturned(InvocationReturned) = "invocation_returned",
        /// The non-mutation verdict is durable.
        NonMutationJudged(Box<NonMutation>) = "non_mutation_judged",
        /// A result file of a full test run was read: DECLARED, no check.
        TestsDeclared(TestsDeclared) = "tests_declared",
        /// A hook of the profile is about to be run: journalled before its process is made.
        HookStarted(HookStarted) = "hook_started",
        /// A hook is over, or its end was not seen. It moved nothing.
        HookRan(HookRan) = "hook_ran",
        /// The last line of a journal.
        RunSealed(RunSealed) = "run_sealed",
    }
}

//! What can happen to a run: the events of the journal (contract, section 8). Invariant: past tense, plain data, no secret.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    ApprovalGate, ApprovalPolicy, Check, ContextPins, EvidenceSheet, Gate, HookOutcome, HookPoint,
    Mode, NonMutation, Person, RunBudget, RunId, RunResult, State, Stop, StopCode, TargetIdentity,
    Verdict,
};
use crate::simulate::{PredictedEffect, SimulatedStep, Simulation, StepCounts};
use crate::survey::{
    Attribution, Digest, FactChange, FactKey, RowChange, Survey, TransactionProof, UtcTime,
};

/// The binary that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolIdentity {
    /// Version of drygate.
    pub version: String,
    /// SHA-256 of the executable's file; `None` where it cannot be read.
    pub binary_sha256: Option<Digest>,
}

/// How a run was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCreated {
    /// The run.
    pub run_id: RunId,
    /// Mode.
    pub mode: Mode,
    /// Name of the profile.
    pub profile: String,
    /// The file that the profile was read from, absolute: its documents are named relative to it. `None`: built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_file: Option<String>,
    /// Digest of the profile's text, which is a blob of this run.
    pub profile_sha256: Digest,
    /// `O4_LIVE_DRYRUN_ORCHESTRATION`.
    pub result_prefix: String,
    /// Plain labels of SG1 and SG2: `allow CUT`, `allow ENACT`.
    pub gate_labels: [String; 2],
    /// Target, without secrets.
    pub target: TargetIdentity,
    /// Who started it.
    pub by: Person,
    /// Approval policy of the profile.
    pub approvals: ApprovalPolicy,
    /// A demo: its database goes with the process that began it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
    /// What all transactions of the run may cost together.
    #[serde(default, skip_serializing_if = "RunBudget::is_unlimited")]
    pub budget: RunBudget,
    /// The group that the run is shared with (`store.group`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_group: Option<String>,
    /// The tool.
    pub tool: ToolIdentity,
    /// Boot id of the machine.
    pub boot_id: String,
    /// Milliseconds since that start of the machine, sleep included. A run that has it never records a time before another's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// Directory of the repository that G0 looks at, if any.
    pub repository: Option<String>,
    /// Version of the table of the checks that each gate must have. Runs that do not name it are of version 1.
    #[serde(
        default = "first_check_table",
        skip_serializing_if = "is_first_check_table"
    )]
    pub check_table: u32,
}

fn first_check_table() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_first_check_table(version: &u32) -> bool {
    *version == first_check_table()
}

impl RunCreated {
    /// What sharing the run means, where it is shared; printed wherever approvers are named.
    pub fn shared_note(&self) -> Option<String> {
        let group = self.store_group.as_ref()?;
        Some(format!(
            "store.group={group}: members of the group can rewrite files."
        ))
    }
}

/// What a transaction was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The checks of profile SQL that execute nothing.
    Validation,
    /// A full survey.
    Survey,
    /// The live facts, while waiting.
    LiveRead,
}

/// What a survey was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurveyPurpose {
    /// It becomes the pin (G1, also after drift).
    Pin,
    /// Before the approval of SG1 takes effect.
    ApproveSg1,
    /// Before the approval of SG2 takes effect.
    ApproveSg2,
    /// Asked for by a person who waits (`r`, or the open sheet).
    Again,
    /// At closeout.
    Post,
}

/// A decision of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The gate may open.
    Approve,
    /// The run ends.
    Reject,
    /// A pending approval is taken back.
    Withdraw,
}

/// Why new evidence is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalReason {
    /// Facts had drifted: everything from G1 again.
    Drift,
    /// The evidence had expired: this gate's evidence again.
    Expiry,
}

/// The file that holds a step's unit ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRef {
    /// `units/1-cut.jsonl`.
    pub file: String,
    /// Lines.
    pub rows: u64,
    /// Length.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
}

/// A live value that is not the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveChange {
    /// Fact; `pieces` and `candidates` are the two streams.
    pub key: FactKey,
    /// Value read now; `None`: unknown.
    pub value: Option<String>,
    /// Why it is unknown, in the words of whoever refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rows behind it, where this read was a full survey that was recorded. A later read of the same value does not repeat them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowChange>,
}

impl From<&FactChange> for LiveChange {
    fn from(change: &FactChange) -> Self {
        Self {
            key: change.key.clone(),
            value: change.found.clone(),
            reason: change.reason.clone(),
            rows: change.rows.clone(),
        }
    }
}

/// How a process came to hold the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// Who.
    pub by: Person,
    /// Boot id of the machine.
    pub boot_id: String,
    /// The tool.
    pub tool: ToolIdentity,
}

/// One event of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Run directory and lock exist.
    RunCreated(Box<RunCreated>),
    /// Another process, or the same again, took the run up.
    RunResumed(Box<Invocation>),
    /// Bytes behind HEAD that did not chain were set aside.
    TornTailSetAside {
        /// Where they are now.
        file: String,
        /// How many.
        bytes: u64,
    },
    /// The checks of a gate begin; what an earlier attempt recorded for it is void.
    GateStarted {
        /// Gate.
        gate: Gate,
    },
    /// A check was evaluated, or named as not evaluated.
    CheckRecorded {
        /// Gate.
        gate: Gate,
        /// Check.
        check: Check,
    },
    /// All checks of a gate are recorded.
    GateFinished {
        /// Gate.
        gate: Gate,
        /// Verdict over its checks.
        verdict: Verdict,
    },
    /// A transaction is about to be opened: journalled before its BEGIN.
    TransactionOpened {
        /// Number within the run, from 1.
        id: u64,
        /// What for.
        purpose: Purpose,
        /// Nonce that it will carry.
        nonce: String,
    },
    /// Its end was seen.
    TransactionClosed {
        /// Number.
        id: u64,
        /// What was measured from inside.
        proof: Arc<TransactionProof>,
    },
    /// Its end was not seen: killed, or the link was lost.
    TransactionUnseen {
        /// Number.
        id: u64,
        /// Why, as far as known.
        reason: String,
    },
    /// What a process has sent so far was kept: texts, once each.
    StatementsRecorded {
        /// Blob: a JSON list of texts.
        blob: Digest,
        /// How many texts it holds.
        statements: u64,
    },
    /// A survey is complete.
    SurveyTaken {
        /// What for.
        purpose: SurveyPurpose,
        /// The survey.
        survey: Arc<Survey>,
        /// What the simulator makes of its streams.
        simulation: Arc<Simulation>,
    },
    /// Context pins were written to `context.json`.
    ContextPinned {
        /// Pins.
        context: Box<ContextPins>,
        /// Blob with the same bytes.
        blob: Digest,
    },
    /// The effect of a live run was predicted from the pin.
    EffectPredicted {
        /// Round.
        round: u32,
        /// Rows per table.
        predicted: PredictedEffect,
        /// Decisions of the steps.
        counts: StepCounts,
    },
    /// A step's unit ledger was written.
    UnitsProgressed {
        /// Round.
        round: u32,
        /// Step.
        step: SimulatedStep,
        /// Counts of the simulated step.
        counts: StepCounts,
        /// Rows that it would have changed.
        effect: PredictedEffect,
        /// The ledger.
        ledger: LedgerRef,
    },
    /// The state of the run changed.
    StateChanged {
        /// Old.
        from: State,
        /// New.
        to: State,
    },
    /// The evidence of a gate is durable.
    EvidenceTaken {
        /// Gate.
        gate: ApprovalGate,
        /// Round of this evidence.
        round: u32,
        /// Digest of the sheet, and its blob.
        evidence: Digest,
        /// The sheet.
        sheet: Arc<EvidenceSheet>,
        /// Until when an approval of it is good, if it is not shown again later.
        expires_at: UtcTime,
        /// Boot id of the machine.
        boot_id: String,
        /// Milliseconds since that start of the machine, sleep included. Older journals did not record it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uptime_ms: Option<u64>,
    },
    /// The run stopped. Fields as in the contract.
    StopRaised(Stop),
    /// The sheet was shown to a person.
    EvidenceShown {
        /// Gate.
        gate: ApprovalGate,
        /// Digest.
        evidence: Digest,
        /// To whom.
        by: Person,
        /// Until when an approval of it is good from now on.
        expires_at: UtcTime,
        /// Boot id of the machine.
        boot_id: String,
        /// Milliseconds since that start of the machine, sleep included. Older journals did not record it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uptime_ms: Option<u64>,
    },
    /// A person decided.
    ApprovalRecorded {
        /// Gate.
        gate: ApprovalGate,
        /// Decision.
        decision: Decision,
        /// Digest of the evidence that was decided on.
        evidence: Digest,
        /// Reason, required to reject.
        reason: Option<String>,
        /// Who.
        by: Person,
        /// Boot id of the machine.
        boot_id: String,
        /// Milliseconds since that start of the machine, sleep included. Older journals did not record it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uptime_ms: Option<u64>,
    },
    /// A decision was refused; the run still waits.
    ApprovalRefused {
        /// Gate that was named.
        gate: ApprovalGate,
        /// What was attempted.
        decision: Decision,
        /// Digest that was named.
        evidence: Option<Digest>,
        /// Why.
        reason: String,
        /// Who.
        by: Person,
    },
    /// The live facts were read again while waiting.
    LiveRead {
        /// When, by our clock.
        read_at: UtcTime,
        /// Values that differ from the pin; empty: all equal.
        changed: Vec<LiveChange>,
        /// All facts were read, not only the live ones.
        complete: bool,
        /// Why nothing could be read.
        failed: Option<String>,
    },
    /// What is visible of who made the last survey differ from the pin.
    ChangesAttributed(Box<Attribution>),
    /// Facts differ from the pin when it mattered.
    DriftFound {
        /// Gate whose approval is void; `None`: found at closeout.
        gate: Option<ApprovalGate>,
        /// What differs.
        drift: Vec<FactChange>,
        /// The survey that found it was read in this transaction.
        nonce: String,
    },
    /// New evidence was asked for after drift or expiry.
    EvidenceRenewed {
        /// Gate that waited.
        gate: ApprovalGate,
        /// Why.
        reason: RenewalReason,
    },
    /// The run came back to a person.
    InvocationReturned {
        /// 1, 2, 3, ...
        r: u32,
        /// State.
        state: State,
        /// Stop code; `null` at closeout.
        stop_code: Option<StopCode>,
    },
    /// The non-mutation verdict is durable.
    NonMutationJudged(Box<NonMutation>),
    /// A result file of a full test run was read: DECLARED, no check.
    TestsDeclared {
        /// Tests that passed, as the file says.
        passed: u64,
        /// Tests that failed, as the file says.
        failed: u64,
        /// The file, as the profile names it.
        file: String,
        /// Its SHA-256.
        sha256: Digest,
        /// Its age in seconds when it was read.
        age_s: u64,
    },
    /// A hook of the profile is about to be run: journalled before its process is made.
    HookStarted {
        /// When it is run.
        hook: HookPoint,
        /// Journal line of the stop that it is told.
        stop: u64,
        /// Its program, without arguments.
        program: String,
    },
    /// A hook is over, or its end was not seen. It moved nothing.
    HookRan {
        /// When it is run.
        hook: HookPoint,
        /// Journal line of its start.
        started: u64,
        /// How it ended.
        outcome: Box<HookOutcome>,
    },
    /// The last line of a journal.
    RunSealed {
        /// Result with its prefix.
        result: String,
        /// The same as a value.
        outcome: RunResult,
        /// Exit code of the run.
        exit_code: u8,
        /// Stop code of the result, `null` for PASS and INCOMPLETE.
        stop_code: Option<StopCode>,
        /// Version of the report templates.
        template_version: u32,
        /// The reports: file name and SHA-256.
        reports: Vec<(String, Digest)>,
    },
}

impl Event {
    /// The name in the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunCreated(_) => "run_created",
            Self::RunResumed(_) => "run_resumed",
            Self::TornTailSetAside { .. } => "torn_tail_set_aside",
            Self::GateStarted { .. } => "gate_started",
            Self::CheckRecorded { .. } => "check_recorded",
            Self::GateFinished { .. } => "gate_finished",
            Self::TransactionOpened { .. } => "transaction_opened",
            Self::TransactionClosed { .. } => "transaction_closed",
            Self::TransactionUnseen { .. } => "transaction_unseen",
            Self::StatementsRecorded { .. } => "statements_recorded",
            Self::SurveyTaken { .. } => "survey_taken",
            Self::ContextPinned { .. } => "context_pinned",
            Self::EffectPredicted { .. } => "effect_predicted",
            Self::UnitsProgressed { .. } => "units_progressed",
            Self::StateChanged { .. } => "state_changed",
            Self::EvidenceTaken { .. } => "evidence_taken",
            Self::StopRaised(_) => "stop_raised",
            Self::EvidenceShown { .. } => "evidence_shown",
            Self::ApprovalRecorded { .. } => "approval_recorded",
            Self::ApprovalRefused { .. } => "approval_refused",
            Self::LiveRead { .. } => "live_read",
            Self::ChangesAttributed(_) => "changes_attributed",
            Self::DriftFound { .. } => "drift_found",
            Self::EvidenceRenewed { .. } => "evidence_renewed",
            Self::InvocationReturned { .. } => "invocation_returned",
            Self::NonMutationJudged(_) => "non_mutation_judged",
            Self::TestsDeclared { .. } => "tests_declared",
            Self::HookStarted { .. } => "hook_started",
            Self::HookRan { .. } => "hook_ran",
            Self::RunSealed { .. } => "run_sealed",
        }
    }

    /// Whether no event may follow.
    pub fn seals(&self) -> bool {
        matches!(self, Self::RunSealed { .. })
    }
}

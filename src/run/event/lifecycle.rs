//! A run begins, is taken up, changes its state, returns to a person and is sealed.

use serde::{Deserialize, Serialize};

use crate::run::{
    ApprovalPolicy, Mode, Person, ProgramFile, RepositoryLook, RunBudget, RunChange, RunId,
    RunResult, State, StopCode, TargetIdentity, TeamWords,
};
use crate::survey::{Digest, EvidenceFormat};

/// The binary that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ToolIdentity {
    /// Version of drygate.
    pub version: String,
    /// SHA-256 of the executable's file; `None` where it cannot be read.
    pub binary_sha256: Option<Digest>,
}

/// How a run was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// Plain labels of SG1 and SG2: `allow COPY`, `allow CHANGE`.
    pub gate_labels: [String; 2],
    /// The words of the profile. Older journals did not record them ([`TeamWords::of_older_runs`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<TeamWords>,
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
    /// Digest of the text of the machine's policy file, which is a blob of this run: `approvals` is what it and the profile ask
    /// together. None: the machine had none, or the run is a demo. Older journals did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_sha256: Option<Digest>,
    /// How its evidence is read and digested. Runs that do not name it are of version 1.
    #[serde(
        default = "EvidenceFormat::first",
        skip_serializing_if = "EvidenceFormat::is_first"
    )]
    pub evidence_format: EvidenceFormat,
    /// The change that the run is about; none: it is about units alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<RunChange>,
    /// Whether the profile names no units: then nothing is simulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_units: bool,
}

fn first_check_table() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_first_check_table(version: &u32) -> bool {
    *version == first_check_table()
}

impl RunCreated {
    /// The words that the run speaks in.
    pub fn words(&self) -> &TeamWords {
        self.words
            .as_ref()
            .unwrap_or_else(|| TeamWords::of_older_runs())
    }

    /// What sharing the run means, where it is shared; printed wherever approvers are named.
    pub fn shared_note(&self) -> Option<String> {
        let group = self
            .store_group
            .as_ref()
            .map(|group| format!("store.group={group}: members of the group can rewrite files."));
        let store = self.by.store_role.as_ref().map(|_| {
            "Run store: its server stamps each decision with a role; whoever administers it can rewrite the run."
                .to_owned()
        });
        let notes: Vec<String> = group.into_iter().chain(store).collect();
        (!notes.is_empty()).then(|| notes.join(" "))
    }
}

/// How a process came to hold the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Invocation {
    /// Who.
    pub by: Person,
    /// Boot id of the machine.
    pub boot_id: String,
    /// The tool.
    pub tool: ToolIdentity,
}

/// The file that a process of the run was started from is another one now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProgramReplaced {
    /// What is there: its SHA-256, or `gone`.
    pub found: ProgramFile,
}

/// The repository of the run is not what was last seen of it: branch, HEAD, main, tags or work tree moved, or moved back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RepositoryMoved {
    /// What is there, or why it could not be looked at.
    pub found: RepositoryLook,
}

/// Bytes behind HEAD that did not chain were set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TornTailSetAside {
    /// Where they are now.
    pub file: String,
    /// How many.
    pub bytes: u64,
}

/// The state of the run changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StateChanged {
    /// Old.
    pub from: State,
    /// New.
    pub to: State,
}

/// The run came back to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InvocationReturned {
    /// 1, 2, 3, ...
    pub r: u32,
    /// State.
    pub state: State,
    /// Stop code; `null` at closeout.
    pub stop_code: Option<StopCode>,
}

/// The last line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunSealed {
    /// Result with its prefix.
    pub result: String,
    /// The same as a value.
    pub outcome: RunResult,
    /// Exit code of the run.
    pub exit_code: u8,
    /// Stop code of the result, `null` for PASS and INCOMPLETE.
    pub stop_code: Option<StopCode>,
    /// Version of the report templates.
    pub template_version: u32,
    /// The reports: file name and SHA-256.
    pub reports: Vec<(String, Digest)>,
}

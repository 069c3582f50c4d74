//! What a list says of a run, or of a directory that is none. The part of a run is a function of its fold
//! ([`Overview::of`]) and of what was found of the real change; nothing in the directory is left out.

use serde::{Deserialize, Serialize};

use super::{
    ApprovalGate, ApprovalStatus, CarriedOut, ChangeCommand, ChangeFile, Decision, JournalHead,
    ListedCommand, Person, RunCreated, RunId, RunResult, RunState, State, StopCode,
};
use crate::survey::{Digest, UtcTime};

/// One name among the runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// The name of the directory: a run id, or what somebody put there.
    pub name: String,
    /// Whether it is a run that reads.
    pub standing: RunStatus,
}

/// What lies under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// A run whose journal reads.
    Run(Box<Overview>),
    /// A run whose journal does not verify.
    Damaged {
        /// File, line and byte of the first damage.
        reason: String,
    },
    /// A run that a newer drygate wrote.
    Newer {
        /// Both versions, and what to do.
        reason: String,
    },
    /// No run: something else that lies there.
    Foreign {
        /// Kind of the file or directory.
        reason: String,
    },
    /// A run whose process died before its first record: there is nothing to take up.
    NeverBegun {
        /// What clears it.
        reason: String,
    },
    /// It could not be read now.
    Unreadable {
        /// What the system answered.
        reason: String,
    },
}

impl RunStatus {
    /// The name in JSON and on screens.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Damaged { .. } => "damaged",
            Self::Newer { .. } => "newer format",
            Self::Foreign { .. } => "foreign",
            Self::NeverBegun { .. } => "never begun",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Why it is no run that reads; `None`: it is one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Run(_) => None,
            Self::Damaged { reason }
            | Self::Newer { reason }
            | Self::Foreign { reason }
            | Self::NeverBegun { reason }
            | Self::Unreadable { reason } => Some(reason),
        }
    }
}

/// What a list says of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "members of a document, each with its own meaning"
)]
pub struct Overview {
    /// Id of the run.
    pub run_id: RunId,
    /// State of the run.
    pub state: State,
    /// When the state was reached.
    pub state_since: UtcTime,
    /// The stop it stands at.
    pub stop_code: Option<StopCode>,
    /// The gate it waits at.
    pub waits_at: Option<ApprovalGate>,
    /// It waits, and facts differ from its evidence: no approval takes effect before there is a new one.
    pub drift_stands: bool,
    /// Facts differed from what was approved or pinned: found by a survey at any time, or by the last read while it waited.
    pub drifted: bool,
    /// The evidence that waits, and until when an approval of it is good.
    pub evidence: Option<(Digest, UtcTime)>,
    /// Result with its prefix, and as a value; `None`: not sealed.
    pub result: Option<(String, RunResult)>,
    /// When it was started.
    pub started_at: UtcTime,
    /// When its last event was recorded.
    pub last_at: UtcTime,
    /// Lines of its journal.
    pub records: u64,
    /// The last of them.
    pub head: Option<JournalHead>,
    /// Name of the profile.
    pub profile: String,
    /// Label of the target.
    pub target_label: String,
    /// Colour of that label.
    pub target_color: String,
    /// `context_pack_readonly@db1.example/kb`.
    pub target: String,
    /// A demo, which waits for nobody once its process has gone, and its database with it.
    pub demo: bool,
    /// Who started it.
    pub started_by: Person,
    /// Who approved what, void and withdrawn approvals apart.
    pub approvals: Vec<(ApprovalGate, Person, UtcTime)>,
    /// Who rejected it, and why.
    pub rejection: Option<(String, String)>,
    /// Rows that were copied for a rehearsal are on the disk of its machine.
    #[serde(default)]
    pub copies_on_disk: bool,
    /// The files of the change, as they were read last; empty: it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub change: Vec<ChangeFile>,
    /// The program that carries the change out; `None`: psql does, or there is no change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_command: Option<ListedCommand>,
    /// What came of the real change, as it was found last; `None`: nobody looked. It is no part of the fold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_out: Option<CarriedOut>,
}

impl Overview {
    /// What a list says of a folded run; `None`: it was never begun.
    pub fn of(run: &RunState) -> Option<Self> {
        let created: &RunCreated = run.created.as_ref()?;
        let (seq, last_at) = run.last?;
        let started_at = run.started_at?;
        let waits_at = run.waits_at();
        let result = run.sealed.as_ref();
        let changed = result.is_some_and(|(_, result, _)| *result == RunResult::ChangedByOthers);
        let drift_stop = |code| code == StopCode::StopFactsDrifted;
        // A void or withdrawn approval has no effect, so the list does not name it.
        let holds = |status| matches!(status, ApprovalStatus::Pending | ApprovalStatus::Consumed);
        let approved = run
            .approvals
            .iter()
            .filter(|approval| approval.decision == Decision::Approve && holds(approval.status));
        let rejected = run
            .approvals
            .iter()
            .find(|approval| approval.status == ApprovalStatus::Rejection);
        let drift_stands = waits_at.is_some() && (run.drift.is_some() || run.has_moved());
        Some(Self {
            run_id: created.run_id.clone(),
            state: run.state,
            state_since: run.state_since.unwrap_or(started_at),
            stop_code: run.stop_code(),
            waits_at,
            drift_stands,
            drifted: changed
                || run.drift.is_some()
                // Whoever rejected it may have done so because of this.
                || run.has_moved()
                || run
                    .stops
                    .iter()
                    .any(|raised| drift_stop(raised.stop.stop_code)),
            evidence: run
                .evidence
                .as_ref()
                .filter(|evidence| waits_at == Some(evidence.gate))
                .map(|evidence| (evidence.digest.clone(), evidence.expires_at)),
            result: result.map(|(text, result, _)| (text.clone(), *result)),
            started_at,
            last_at,
            records: seq + 1,
            head: run.journal_head(),
            profile: created.profile.clone(),
            target_label: created.target.label.clone(),
            target_color: created.target.color.clone(),
            target: created.target.address(),
            demo: created.demo,
            started_by: created.by.clone(),
            approvals: approved
                .map(|approval| (approval.gate, approval.by.clone(), approval.at))
                .collect(),
            rejection: rejected.map(|rejection| {
                let reason = rejection.reason.clone().unwrap_or_default();
                (rejection.by.name().to_owned(), reason)
            }),
            copies_on_disk: run.copies_on_disk(),
            change: run.change_files.as_deref().cloned().unwrap_or_default(),
            change_command: run
                .change()
                .and_then(|change| change.command.as_ref())
                .map(ChangeCommand::listed),
            carried_out: None,
        })
    }

    /// Where it stands, in two words or three: `waits at SG2`, `drift at SG2`, `demo at SG2`, else the state.
    pub fn situation(&self) -> String {
        match self.waits_at {
            Some(gate) if self.demo => format!("demo at {gate}"),
            Some(gate) if self.drift_stands => format!("drift at {gate}"),
            Some(gate) => format!("waits at {gate}"),
            None => self.state.name().to_owned(),
        }
    }

    /// The result without the prefix of its profile: `CHANGED_BY_OTHERS`.
    pub fn result_word(&self) -> Option<&'static str> {
        let (_, result) = self.result.as_ref()?;
        Some(result.suffix().trim_start_matches('_'))
    }

    /// Who approved what, `SG1 op_a, SG2 op_b`.
    pub fn approvers(&self) -> String {
        let named = self
            .approvals
            .iter()
            .map(|(gate, by, _)| format!("{gate} {}", by.name()));
        named.collect::<Vec<_>>().join(", ")
    }

    /// Since when it waits for a person; a demo is no work that waits for one.
    pub fn waiting_since(&self) -> Option<UtcTime> {
        let waits = self.waits_at.is_some() && !self.demo;
        waits.then_some(self.state_since)
    }

    /// Seconds that it has waited at `now`.
    pub fn waits_for_s(&self, now: UtcTime) -> Option<i64> {
        let since = self.waiting_since()?;
        Some(((now.unix_micros() - since.unix_micros()) / 1_000_000).max(0))
    }

    /// Seconds from its start to its last event.
    pub fn lasted_s(&self) -> i64 {
        let micros = self.last_at.unix_micros() - self.started_at.unix_micros();
        (micros / 1_000_000).max(0)
    }

    /// Whether it ended as FAIL, INCOMPLETE or with a mutation suspected, or failed before: not a person's no, and not what
    /// others changed.
    pub fn failed(&self) -> bool {
        match &self.result {
            Some((_, result)) => !matches!(
                result,
                RunResult::Pass | RunResult::ChangedByOthers | RunResult::Rejected
            ),
            None => self.state == State::Failed,
        }
    }

    /// Whether it was sealed as PASS.
    pub fn passed(&self) -> bool {
        matches!(self.result, Some((_, RunResult::Pass)))
    }

    /// Whether a person rejected it, which ends it whatever it saw before.
    pub fn rejected(&self) -> bool {
        self.state == State::Rejected
    }
}

/// A span of time in its two largest units: `45 s`, `12 min`, `2 h 14 min`, `3 d 4 h`.
pub fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::Overview;
    use crate::run::{Decision, RunResult, State, StopCode};
    use crate::testing::ScriptedRun;

    #[test]
    fn facts_that_moved_while_a_run_waits_stand_as_a_drift_until_they_are_back() {
        let mut script = ScriptedRun::at_sg2(false);
        let stands = |script: &ScriptedRun| {
            let seen = Overview::of(&script.run).expect("begun");
            (seen.drifted, seen.situation())
        };
        assert_eq!(stands(&script), (false, "waits at SG2".to_owned()));
        script.live_read(false, &[("icx_draft", "59")], None);
        assert_eq!(stands(&script), (true, "drift at SG2".to_owned()));
        let mut rejecting = ScriptedRun::at_sg2(false);
        rejecting.live_read(false, &[("icx_draft", "59")], None);
        rejecting
            .decides(Decision::Reject, "op_b", Some("it moved"))
            .becomes(State::Rejected)
            .returns(Some(StopCode::StopApprovalRejected))
            .ends(RunResult::Rejected, Some(StopCode::StopApprovalRejected));
        let rejected = Overview::of(&rejecting.run).expect("begun");
        assert!(rejected.rejected() && rejected.drifted);
        script.live_read(false, &[], None);
        assert_eq!(stands(&script), (false, "waits at SG2".to_owned()));
    }
}

//! Who approves what, and when an approval is refused (contract, section 7).
//! Invariant: `judge` is a pure function of the run, the request, the person, the time and the boot (test
//! `every_ruling_is_as_the_table_says` of tests/approvals.rs).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ApprovalGate, ApprovalStatus, Decision, Person, RunState, State};
use crate::planted::{PlantedBug, planted};
use crate::survey::{Digest, UtcTime};

/// What the profile asks of approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalPolicy {
    /// Seconds that shown evidence is good for.
    pub ttl_seconds: i64,
    /// Only from a terminal.
    pub terminal: bool,
    /// SG2 by another person than SG1.
    pub distinct: bool,
    /// Not by the person who started the run.
    pub exclude_starter: bool,
}

impl Default for ApprovalPolicy {
    fn default() -> Self {
        Self {
            ttl_seconds: 8 * 3600,
            terminal: false,
            distinct: false,
            exclude_starter: false,
        }
    }
}

impl ApprovalPolicy {
    /// What is asked of who approves, in words: `distinct, terminal`.
    pub fn asks(&self) -> String {
        let keys = [
            ("distinct", self.distinct),
            ("exclude_starter", self.exclude_starter),
            ("terminal", self.terminal),
        ];
        let set: Vec<&str> = keys.iter().filter(|key| key.1).map(|key| key.0).collect();
        if set.is_empty() {
            return "any account".to_owned();
        }
        set.join(", ")
    }

    /// The key that asks who somebody is, if one is set.
    pub fn asks_who(&self) -> Option<&'static str> {
        match (self.distinct, self.exclude_starter) {
            (true, _) => Some("distinct"),
            (false, true) => Some("exclude_starter"),
            (false, false) => None,
        }
    }
}

/// The decision that a person asks for. Each field is said, null where there is none: a request that lost one on its way would be
/// another request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// The gate that is decided.
    pub gate: ApprovalGate,
    /// Approve, reject or withdraw.
    pub decision: Decision,
    /// Digest of the evidence; a rejection without one is of the evidence that waits.
    #[serde(deserialize_with = "Option::deserialize")]
    pub evidence: Option<Digest>,
    /// Reason, required to reject.
    #[serde(deserialize_with = "Option::deserialize")]
    pub reason: Option<String>,
}

impl ApprovalRequest {
    /// Approves this evidence.
    pub fn approve(gate: ApprovalGate, evidence: Digest) -> Self {
        Self {
            gate,
            decision: Decision::Approve,
            evidence: Some(evidence),
            reason: None,
        }
    }

    /// Rejects this evidence.
    pub fn reject(gate: ApprovalGate, evidence: Digest, reason: String) -> Self {
        Self {
            decision: Decision::Reject,
            reason: Some(reason),
            ..Self::approve(gate, evidence)
        }
    }
}

/// Why an approval is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApprovalRefusal {
    /// The run is sealed or over.
    #[error("The run is over ({state}); nothing waits for a decision.")]
    Over {
        /// Name of the state.
        state: String,
    },
    /// The run does not wait for anybody.
    #[error("The run does not wait for a decision now (state {state}).")]
    NotWaiting {
        /// Name of the state.
        state: String,
    },
    /// The run waits at the other gate.
    #[error("The run waits at {waits}, not at {named}. Nothing was recorded as approved.")]
    WrongGate {
        /// The gate at which the run waits.
        waits: ApprovalGate,
        /// The gate that was named.
        named: ApprovalGate,
    },
    /// The digest is of the other gate.
    #[error("The digest is of {of}, not {waits}. Nothing was recorded as approved.")]
    DigestOfOtherGate {
        /// The gate of the evidence that has this digest.
        of: ApprovalGate,
        /// The gate at which the run waits.
        waits: ApprovalGate,
    },
    /// The digest is of evidence that newer evidence replaced.
    #[error("The digest is of earlier evidence of {0}, which newer evidence replaced.")]
    Superseded(ApprovalGate),
    /// The digest is of no evidence of this run.
    #[error("The digest is of no evidence of this run.")]
    OtherEvidence,
    /// The facts drifted: approvals of that evidence are void.
    #[error("The facts drifted since this evidence was taken; take new evidence first.")]
    Drifted,
    /// The evidence is too old.
    #[error("The evidence expired at {0}; take new evidence first.")]
    Expired(String),
    /// The machine was started anew since the evidence was shown.
    #[error("The machine was restarted since this evidence was shown; show it again first.")]
    NotShownSinceBoot,
    /// An approval is recorded already and not yet applied.
    #[error("An approval of {0} is recorded already and pending.")]
    Pending(ApprovalGate),
    /// The approval was used already.
    #[error("The approval of {0} was used already.")]
    UsedAlready(ApprovalGate),
    /// The profile wants a terminal.
    #[error(
        "The profile accepts approvals from a terminal only (approvals.terminal); none of this process was seen."
    )]
    TerminalRequired,
    /// The same person approved SG1.
    #[error("{0} approved SG1; the profile wants another person for SG2 (approvals.distinct).")]
    NotDistinct(String),
    /// The account that started the run may not approve it.
    #[error("{0} started the run and may not approve it (approvals.exclude_starter).")]
    Starter(String),
    /// The profile asks who somebody is, and the account does not tell.
    #[error(
        "{user} {says}, where an account does not tell who somebody is, which the policy asks (approvals.{key}); approve from outside of it."
    )]
    NotToldApart {
        /// Who asks.
        user: String,
        /// What is seen of the process.
        says: &'static str,
        /// The key of the policy.
        key: &'static str,
    },
    /// A rejection without a reason.
    #[error("A rejection needs a reason.")]
    ReasonMissing,
    /// No approval is pending that could be withdrawn.
    #[error("No approval is pending; there is nothing to withdraw.")]
    NothingPending,
}

/// What becomes of a request that is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The decision to record: rejecting while an approval is pending withdraws it.
    pub decision: Decision,
    /// The evidence that it is about.
    pub evidence: Digest,
}

/// The time in a run when the clock of a machine that was started as `boot_id`, and runs since `uptime_ms` milliseconds, says
/// `clock`. It never runs back: it is not before the run's last line, nor before the time for which the same start of the
/// machine went on since the evidence was shown. Clocks can be set, so neither a line nor an expiry rests on one alone.
pub fn time_in(run: &RunState, clock: UtcTime, boot_id: &str, uptime_ms: Option<u64>) -> UtcTime {
    let last = run.last.map(|(_, at)| at);
    let shown = run.evidence.as_ref().filter(|e| e.shown_boot == boot_id);
    let since_shown = shown.and_then(|evidence| {
        if planted(PlantedBug::StaleClock) {
            return None;
        }
        let went_on = uptime_ms?.saturating_sub(evidence.shown_uptime_ms?);
        Some(evidence.shown_at.plus_millis(went_on))
    });
    let known = [last, since_shown].into_iter().flatten();
    // The latest of the three: setting the clock back cannot extend an approval.
    known.fold(clock, UtcTime::max)
}

/// Rules on what `by` asks for at `now` (see [`time_in`]), on a machine started as `boot_id`. Checked before any connection.
pub fn judge(
    run: &RunState,
    request: &ApprovalRequest,
    by: &Person,
    now: UtcTime,
    boot_id: &str,
) -> Result<Ruling, ApprovalRefusal> {
    let over = run.sealed.is_some() || run.state.is_final();
    // Here and below `used_already` comes first: who decides the same twice asks what became of it, not where the run is now.
    if over {
        return Err(
            used_already(run, request).unwrap_or_else(|| ApprovalRefusal::Over {
                state: run.state.to_string(),
            }),
        );
    }
    // The rejection is recorded before the state changes, and a process may die in between.
    if run.is_rejected() {
        let state = State::Rejected.to_string();
        return Err(ApprovalRefusal::Over { state });
    }
    let pending = run.pending_approval().is_some();
    let waits = run.waits_at().ok_or_else(|| {
        used_already(run, request).unwrap_or_else(|| ApprovalRefusal::NotWaiting {
            state: run.state.to_string(),
        })
    })?;
    if request.gate != waits {
        return Err(
            used_already(run, request).unwrap_or(ApprovalRefusal::WrongGate {
                waits,
                named: request.gate,
            }),
        );
    }
    let evidence = run
        .evidence
        .as_ref()
        .ok_or(ApprovalRefusal::OtherEvidence)?;
    // A rejection may name no evidence. What is named must be what stands now: a screen can be older than the run.
    if let Some(named) = &request.evidence
        && *named != evidence.digest
    {
        return Err(foreign_digest(run, named, waits));
    }
    match request.decision {
        Decision::Withdraw if !pending => return Err(ApprovalRefusal::NothingPending),
        Decision::Reject if blank(request.reason.as_deref()) => {
            return Err(ApprovalRefusal::ReasonMissing);
        }
        Decision::Approve => may_approve(run, request, by, now, boot_id)?,
        Decision::Withdraw | Decision::Reject => {}
    }
    // The approval has not taken effect yet: taking it back is enough, and the run can still be approved.
    let decision = match request.decision {
        Decision::Reject | Decision::Withdraw if pending => Decision::Withdraw,
        Decision::Approve | Decision::Reject | Decision::Withdraw => request.decision,
    };
    Ok(Ruling {
        decision,
        evidence: evidence.digest.clone(),
    })
}

fn may_approve(
    run: &RunState,
    request: &ApprovalRequest,
    by: &Person,
    now: UtcTime,
    boot_id: &str,
) -> Result<(), ApprovalRefusal> {
    let evidence = run
        .evidence
        .as_ref()
        .ok_or(ApprovalRefusal::OtherEvidence)?;
    let policy = run.created.as_ref().map(|c| &c.approvals);
    if request.evidence.is_none() {
        return Err(ApprovalRefusal::OtherEvidence);
    }
    if run.drift.is_some() {
        return Err(ApprovalRefusal::Drifted);
    }
    if run.pending_approval().is_some() {
        return Err(ApprovalRefusal::Pending(request.gate));
    }
    // At the very moment of expiry it is expired.
    if now >= evidence.expires_at {
        return Err(ApprovalRefusal::Expired(evidence.expires_at.to_string()));
    }
    if evidence.shown_boot != boot_id {
        return Err(ApprovalRefusal::NotShownSinceBoot);
    }
    let Some(policy) = policy else { return Ok(()) };
    if policy.terminal && by.tty.is_none() {
        return Err(ApprovalRefusal::TerminalRequired);
    }
    // Where the run store attests who it is, the account need not.
    let doubt = by.account_doubt.filter(|_| by.store_role.is_none());
    if let (Some(key), Some(doubt)) = (policy.asks_who(), doubt) {
        return Err(ApprovalRefusal::NotToldApart {
            user: by.user.clone(),
            says: doubt.says(),
            key,
        });
    }
    // A host's name is whatever its administrator, or a namespace of one's own, says: it makes no other person.
    let starter = run.created.as_ref().map(|c| &c.by);
    if policy.exclude_starter
        && let Some(starter) = starter.filter(|starter| starter.may_be(by))
    {
        return Err(ApprovalRefusal::Starter(as_whom(by, starter)));
    }
    let first = run
        .approvals
        .iter()
        .rev()
        .find(|a| a.gate == ApprovalGate::SG1 && a.status == ApprovalStatus::Consumed);
    if policy.distinct
        && request.gate == ApprovalGate::SG2
        && let Some(first) = first.filter(|first| first.by.may_be(by))
    {
        return Err(ApprovalRefusal::NotDistinct(as_whom(by, &first.by)));
    }
    Ok(())
}

/// The name of who asks, with that of the account that the same person was before.
fn as_whom(by: &Person, before: &Person) -> String {
    if by.uid == before.uid || by.store_role.is_some() {
        return by.name().to_owned();
    }
    format!("{} (the same login as {})", by.user, before.user)
}

/// Whether the request repeats an approval that took effect.
fn used_already(run: &RunState, request: &ApprovalRequest) -> Option<ApprovalRefusal> {
    let same = |a: &&super::Approval| {
        a.gate == request.gate
            && a.status == ApprovalStatus::Consumed
            && request.evidence.as_ref().is_none_or(|d| *d == a.evidence)
    };
    (request.decision == Decision::Approve)
        .then(|| run.approvals.iter().find(same))
        .flatten()
        .map(|a| ApprovalRefusal::UsedAlready(a.gate))
}

fn foreign_digest(run: &RunState, named: &Digest, waits: ApprovalGate) -> ApprovalRefusal {
    let earlier = run
        .earlier_evidence
        .iter()
        .find(|(_, digest)| digest == named);
    match earlier {
        Some((gate, _)) if *gate == waits => ApprovalRefusal::Superseded(waits),
        Some((gate, _)) => ApprovalRefusal::DigestOfOtherGate { of: *gate, waits },
        None => ApprovalRefusal::OtherEvidence,
    }
}

fn blank(reason: Option<&str>) -> bool {
    reason.is_none_or(|reason| reason.trim().is_empty())
}

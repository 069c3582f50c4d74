//! Evidence, approvals, refusals, stops and drift for report 12. Invariant: every decision prints the evidence digest that it
//! was made on and an OS account (`decision`).

use super::proof::changes;
use super::timeline::rows;
use crate::documents::{ApprovalsReport, DecisionReport, DriftReport, EvidenceReport, StopReport};
use crate::run::{AccountDoubt, Approval, ApprovalStatus, Decision, Drift, RunState};

/// The values of report 12; a run without approval gates has empty lists.
pub(super) fn approvals(run: &RunState) -> ApprovalsReport {
    // The drift that ended the round before, then the one that stands now.
    let drifts = run.drifted_before.iter().chain(&run.drift);
    ApprovalsReport {
        evidence: evidence(run),
        decisions: run
            .approvals
            .iter()
            .map(|approval| decision(run, approval))
            .collect(),
        refusals: rows(run, &["approval_refused"]),
        stops: stops(run),
        drifts: drifts.map(drift).collect(),
        drift_events: rows(run, &["drift_found", "evidence_renewed"]),
        policy: policy(run),
        shared: run
            .created
            .as_ref()
            .and_then(|created| created.shared_note()),
    }
}

fn evidence(run: &RunState) -> Vec<EvidenceReport> {
    let earlier = run
        .earlier_evidence
        .iter()
        .map(|(gate, digest)| EvidenceReport {
            gate: gate.name(),
            digest: digest.clone(),
            note: "earlier evidence".to_owned(),
        });
    let current = run.evidence.iter().map(|evidence| EvidenceReport {
        gate: evidence.gate.name(),
        digest: evidence.digest.clone(),
        note: format!(
            "last evidence: round {}, taken {}, good until {}",
            evidence.round, evidence.taken_at, evidence.expires_at
        ),
    });
    earlier.chain(current).collect()
}

fn decision(run: &RunState, approval: &Approval) -> DecisionReport {
    let word = match approval.decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
        Decision::Withdraw => "withdraw",
    };
    let status = match approval.status {
        ApprovalStatus::Pending => "pending",
        ApprovalStatus::Consumed => "took effect",
        ApprovalStatus::Void => "void: the facts drifted",
        ApprovalStatus::Withdrawn => "withdrawn",
        ApprovalStatus::Rejection => "rejection",
    };
    let by = &approval.by;
    let mut lines = vec![
        format!("evidence={}", approval.evidence),
        format!("user={}", by.user),
        format!("uid={}", by.uid),
    ];
    lines.extend(by.login_uid.map(|login| format!("login_uid={login}")));
    let doubt = by.account_doubt.map(AccountDoubt::says);
    lines.extend(doubt.map(|says| format!("account_doubt={says}")));
    lines.extend(
        by.store_role
            .as_ref()
            .map(|role| format!("store_role={role}")),
    );
    lines.extend([
        format!("host={}", by.host),
        format!(
            "tty={}",
            by.tty
                .as_deref()
                .unwrap_or("None (given without a terminal)")
        ),
        format!("pid={}", by.pid),
        format!("at={}", approval.at),
        format!("boot_id={}", approval.boot_id),
        format!("signer={} (a stub: it signs nothing)", by.signer.name()),
        format!("reason={}", approval.reason.as_deref().unwrap_or("None")),
    ]);
    DecisionReport {
        gate: approval.gate.name(),
        label: run.gate_label(approval.gate).to_owned(),
        decision: word,
        status,
        lines,
    }
}

fn stops(run: &RunState) -> Vec<StopReport> {
    run.stops
        .iter()
        .map(|raised| {
            let stop = &raised.stop;
            let (evidence, head) = (stop.evidence.as_ref(), raised.sha256.as_ref());
            StopReport {
                code: stop.stop_code.name(),
                gate: stop.gate.map_or("None", |gate| gate.name()),
                state: stop.state.name(),
                evidence: evidence.map_or_else(|| "None".to_owned(), ToString::to_string),
                head: head.map_or_else(
                    || "None".to_owned(),
                    |sha256| format!("{}:{sha256}", raised.seq),
                ),
                at: raised.at.to_string(),
                message: stop.message.clone(),
                next: stop.next.clone(),
            }
        })
        .collect()
}

fn drift(drift: &Drift) -> DriftReport {
    DriftReport {
        gate: drift.gate.map_or("closeout", |gate| gate.name()),
        at: drift.at.to_string(),
        changes: changes(&drift.changes),
    }
}

fn policy(run: &RunState) -> Vec<String> {
    run.created.as_ref().map_or_else(Vec::new, |created| {
        let policy = &created.approvals;
        let mut lines = vec![
            format!("ttl_seconds={}", policy.ttl_seconds),
            format!("terminal={}", policy.terminal),
            format!("distinct={}", policy.distinct),
            format!("exclude_starter={}", policy.exclude_starter),
        ];
        let file = created.policy_sha256.as_ref();
        lines.extend(file.map(|sha256| format!("policy_file_sha256={sha256}")));
        lines
    })
}

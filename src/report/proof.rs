//! The non-mutation proof: claims, verdict, every transaction of ours with its raw values. Invariant: nothing measured is left out, nothing unmeasured is filled in.

use serde_json::{Value, json};

use super::gates::raw_lines;
use crate::audit::non_mutation;
use crate::run::{
    ClaimName, ClaimVerdict, NonMutation, Purpose, RunState, Transaction, TransactionEnd,
};
use crate::survey::{FactChange, Footprint, TransactionProof};

/// Everything of report 10.
pub(super) fn proof(run: &RunState) -> Value {
    let judged = judgement(run);
    let transactions: Vec<Value> = run.transactions.iter().map(transaction).collect();
    let ends = |end: &str| transactions.iter().filter(|t| t["end"] == end).count();
    json!({
        "judged": run.non_mutation.is_some(),
        "verdict": judged.verdict.word(),
        "claims": ClaimName::ALL.map(|name| claim(&judged, name)),
        "changes": changes(&judged.changes),
        "attribution": run.attribution.as_ref().map_or_else(Vec::new, |found| found.lines()),
        "transactions": transactions,
        "footprint": whole_footprint(run),
        "clean": ends("clean"),
        "stained": ends("NOT CLEAN"),
        "unseen": ends("unseen") + ends("open"),
        "unmeasured": ends("not fully measured"),
    })
}

/// The judgement of the journal, or what follows from a run that ended before closeout.
pub fn judgement(run: &RunState) -> NonMutation {
    run.non_mutation
        .as_ref()
        .map_or_else(|| non_mutation(run), |judged| judged.as_ref().clone())
}

fn claim(judged: &NonMutation, name: ClaimName) -> Value {
    let found = judged.claims.iter().find(|claim| claim.name == name);
    json!({
        "name": name.name(),
        "says": name.says(),
        "cannot_see": name.cannot_see(),
        "verdict": found.map_or(ClaimVerdict::NotChecked, |claim| claim.verdict).word(),
        "measured": found.map_or("nothing: the claim was not judged in this run", |claim| claim.measured.as_str()),
        "raw": found.map_or_else(|| vec!["no raw value recorded".to_owned()], |claim| raw_lines(&claim.raw)),
    })
}

/// Differences, approved and found, with their rows.
pub(super) fn changes(changes: &[FactChange]) -> Vec<Value> {
    let side = |value: Option<&String>| value.cloned().unwrap_or_else(|| "(none)".to_owned());
    changes
        .iter()
        .map(|change| {
            let rows: Vec<Value> = change
                .rows
                .iter()
                .map(|row| {
                    json!({
                        "key": row.key,
                        "approved": side(row.approved.as_ref()),
                        "found": side(row.found.as_ref()),
                    })
                })
                .collect();
            json!({
                "key": change.key,
                "approved": side(change.approved.as_ref()),
                "found": change.reason.as_ref().map_or_else(
                    || side(change.found.as_ref()),
                    |reason| format!("unknown ({reason})"),
                ),
                "rows": rows,
            })
        })
        .collect()
}

/// What all transactions cost together.
pub(super) fn total(run: &RunState) -> Footprint {
    let mut total = Footprint::default();
    for transaction in &run.transactions {
        if let TransactionEnd::Closed(proof) = &transaction.end {
            total.add(&proof.footprint);
        }
    }
    total
}

fn transaction(transaction: &Transaction) -> Value {
    let (end, lines) = match &transaction.end {
        TransactionEnd::Open => ("open", vec!["its end is not recorded".to_owned()]),
        TransactionEnd::Unseen(why) => ("unseen", vec![format!("end not seen: {why}")]),
        TransactionEnd::Closed(proof) if proof.is_clean() => ("clean", proof_lines(proof)),
        TransactionEnd::Closed(proof) if proof.violations().is_empty() => {
            ("not fully measured", proof_lines(proof))
        }
        TransactionEnd::Closed(proof) => ("NOT CLEAN", proof_lines(proof)),
    };
    json!({
        "id": transaction.id,
        "purpose": purpose(transaction.purpose),
        "opened_at": transaction.opened_at.to_string(),
        "end": end,
        "lines": lines,
    })
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Validation => "validation",
        Purpose::Survey => "survey",
        Purpose::LiveRead => "live_read",
    }
}

fn proof_lines(proof: &TransactionProof) -> Vec<String> {
    let none = |value: Option<String>| value.unwrap_or_else(|| "None".to_owned());
    let residue = proof.residue.as_ref();
    let mut lines = vec![
        format!("nonce={} -> {}", proof.nonce, proof.nonce_at_end),
        format!(
            "virtual_xid={} -> {}",
            proof.virtual_xid, proof.virtual_xid_at_end
        ),
        format!(
            "server_time={} -> {}",
            proof.server_time, proof.server_time_at_end
        ),
        format!("snapshot={}", proof.snapshot),
        format!("read_only={}", measured(proof.read_only)),
        format!("isolation={}", proof.isolation),
        format!("search_path={:?}", proof.search_path),
        format!("row_security={}", proof.row_security),
        format!("xid_assigned={}", none(proof.xid_assigned.clone())),
        format!("locks={}", proof.locks.join(", ")),
        format!("rows_written={}", measured(proof.rows_written)),
        format!(
            "advisory_locks={}",
            measured(residue.map(|left| left.advisory_locks))
        ),
        format!(
            "listening_channels={}",
            measured(residue.map(|left| left.listening_channels))
        ),
        format!(
            "temp_schema={}",
            measured(residue.map(|left| left.temp_schema))
        ),
        format!(
            "prepared_transactions={}",
            measured(residue.map(|left| left.prepared_transactions))
        ),
        format!("backend_wal_bytes={}", measured(proof.backend_wal_bytes)),
        format!("ended_by={}", proof.ended_by),
        format!("backend_pid={}", measured(proof.backend_pid)),
    ];
    lines.extend(footprint_lines(&proof.footprint));
    lines.extend(
        proof
            .unmeasured
            .iter()
            .map(|what| format!("not measured: {what}")),
    );
    lines.extend(
        proof
            .violations()
            .into_iter()
            .map(|violation| format!("stain: {violation}")),
    );
    lines
}

/// A measured value, or that there is none.
fn measured(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "NOT CHECKED".to_owned(), |value| value.to_string())
}

/// What the run cost, and the budget where its profile sets one.
fn whole_footprint(run: &RunState) -> Vec<String> {
    let mut lines = footprint_lines(&total(run));
    let accounts = run.accounts();
    lines.extend(accounts.iter().map(|account| {
        let key = account.measure.key();
        format!("{key}={} spent={}", account.limit(), account.spent())
    }));
    let unknown = run.costs_unknown();
    if !accounts.is_empty() && unknown > 0 {
        lines.push(format!(
            "ends_not_seen_rows_and_bytes_not_counted={unknown}"
        ));
    }
    lines
}

fn footprint_lines(cost: &Footprint) -> Vec<String> {
    vec![
        format!("connections={}", cost.connections),
        format!("statements={}", cost.statements),
        format!("rows={}", cost.rows),
        format!("bytes={}", cost.bytes),
        format!("transaction_us={}", cost.transaction_us),
        format!("longest_us={}", cost.longest_us),
        format!(
            "oldest_xmin={}",
            cost.oldest_xmin.as_deref().unwrap_or("NOT CHECKED")
        ),
        format!("xmin_age={}", measured(cost.xmin_age)),
    ]
}

//! Report 10, the non-mutation proof: claims, verdict, and every transaction of the run with its raw values. A value that was
//! not measured prints as NOT CHECKED.

use serde_json::{Value, json};

use super::ReportInput;
use super::gates::raw_lines;
use crate::audit::non_mutation;
use crate::documents::{
    ChangeReport, ReadsNotListed, RowReport, TransactionReport, TransactionStatus,
};
use crate::run::{ClaimName, ClaimVerdict, NonMutation, RunState, Transaction, TransactionEnd};
use crate::survey::{
    CALLED_CODE, FactChange, Footprint, RowChange, TransactionProof, reads_surroundings,
};

/// The values of report 10, as its template reads them.
pub(super) fn proof(input: &ReportInput) -> Value {
    let run = input.run;
    let judged = judgement(run);
    let transactions = transactions(run);
    let ends = |end| transactions.iter().filter(|it| it.end == end).count() as u64;
    let aside = &run.reads_aside;
    json!({
        "judged": run.non_mutation.is_some(),
        "verdict": judged.verdict.name(),
        "claims": ClaimName::ALL.map(|name| claim(&judged, name)),
        "changes": changes(&judged.changes),
        "beside": changes(&run.beside),
        "around": run.pin.as_ref().is_some_and(|pin| reads_surroundings(&pin.facts)),
        "untold": untold(input),
        "attribution": run.attribution.as_ref().map_or_else(Vec::new, |found| found.lines()),
        "transactions": transactions,
        "opened": run.transactions_opened(),
        "not_listed": not_listed(run),
        "footprint": whole_footprint(run),
        "clean": ends(TransactionStatus::Clean) + aside.clean,
        "stained": ends(TransactionStatus::NotClean),
        // A transaction that is still open in the journal has no seen end either.
        "unseen": ends(TransactionStatus::Unseen) + ends(TransactionStatus::Open) + aside.unseen,
        "unmeasured": ends(TransactionStatus::NotFullyMeasured) + aside.unmeasured,
    })
}

/// What the sources of called functions do not tell, each under the name of its function: lines of the pinned document.
fn untold(input: &ReportInput) -> Vec<String> {
    let fact = input.run.pin.as_ref().and_then(|pin| pin.fact(CALLED_CODE));
    let document = fact.and_then(|fact| fact.document.as_ref());
    let text = document.and_then(|document| (input.blobs)(&document.sha256));
    let sections = text.unwrap_or_default();
    let sections = sections.split("\n\n");
    let told_in = |section: &str| {
        let head = section.lines().next()?.to_owned();
        // Behind the first lines stands source text, in which anything may be written.
        let mut lines = section.lines().take(3);
        let line = lines.find(|line| line.starts_with("not told: "))?;
        Some(format!("{head}: {line}"))
    };
    sections.filter_map(told_in).collect()
}

/// The reads that are counted and not listed; `None`: all transactions are listed.
pub(super) fn not_listed(run: &RunState) -> Option<ReadsNotListed> {
    let aside = &run.reads_aside;
    Some(ReadsNotListed {
        clean: aside.clean,
        unmeasured: aside.unmeasured,
        unseen: aside.unseen,
        sha256: aside.sha256.clone()?,
    })
}

/// The transactions of the run, but for reads that are only counted.
pub(super) fn transactions(run: &RunState) -> Vec<TransactionReport> {
    run.transactions.iter().map(transaction).collect()
}

/// The judgement that the journal recorded, or, for a run that ended before closeout, the one that follows from what it did
/// record.
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
        "verdict": found.map_or(ClaimVerdict::NotChecked, |claim| claim.verdict).name(),
        "measured": found.map_or("nothing: the claim was not judged in this run", |claim| claim.measured.as_str()),
        "raw": found.map_or_else(|| vec!["no raw value recorded".to_owned()], |claim| raw_lines(&claim.raw)),
    })
}

/// Differences, approved and found, with their rows.
pub(super) fn changes(changes: &[FactChange]) -> Vec<ChangeReport> {
    let side = |value: Option<&String>| value.cloned().unwrap_or_else(|| "(none)".to_owned());
    let row = |row: &RowChange| RowReport {
        key: row.key.clone(),
        approved: side(row.approved.as_ref()),
        found: side(row.found.as_ref()),
    };
    changes
        .iter()
        .map(|change| ChangeReport {
            key: change.key.clone(),
            approved: side(change.approved.as_ref()),
            found: change.reason.as_ref().map_or_else(
                || side(change.found.as_ref()),
                |reason| format!("unknown ({reason})"),
            ),
            rows: change.rows.iter().map(row).collect(),
        })
        .collect()
}

fn transaction(transaction: &Transaction) -> TransactionReport {
    use TransactionStatus as Status;
    let (end, lines) = match &transaction.end {
        TransactionEnd::Open => (Status::Open, vec!["its end is not recorded".to_owned()]),
        TransactionEnd::Unseen(why) => (Status::Unseen, vec![format!("end not seen: {why}")]),
        TransactionEnd::Closed(proof) if proof.is_clean() => (Status::Clean, proof_lines(proof)),
        TransactionEnd::Closed(proof) if proof.violations().is_empty() => {
            (Status::NotFullyMeasured, proof_lines(proof))
        }
        TransactionEnd::Closed(proof) => (Status::NotClean, proof_lines(proof)),
    };
    TransactionReport {
        id: transaction.id,
        purpose: transaction.purpose,
        opened_at: transaction.opened_at.to_string(),
        end,
        lines,
    }
}

/// The raw values of a closed transaction, `key=value`. `a -> b` is the value at its start and at its end.
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
    if let Some(had) = &proof.carried {
        lines.push(format!(
            "of these before BEGIN, left by another client of the pooler: advisory_locks={}, listening_channels={}, temp_schema={}, \
             prepared_transactions={}",
            had.advisory_locks, had.listening_channels, had.temp_schema, had.prepared_transactions
        ));
    }
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

/// A measured value, or `NOT CHECKED`.
fn measured(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "NOT CHECKED".to_owned(), |value| value.to_string())
}

/// The cost of the run, and each limit of its budget where the profile sets one.
fn whole_footprint(run: &RunState) -> Vec<String> {
    let mut lines = footprint_lines(&run.footprint());
    let accounts = run.accounts();
    lines.extend(accounts.iter().map(|account| {
        let key = account.measure.key();
        format!("{key}={} spent={}", account.limit(), account.spent())
    }));
    // An end that was not seen has no counts, so the spent sums are too low by an unknown amount: the report says so.
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

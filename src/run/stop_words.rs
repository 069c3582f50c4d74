//! What a stop says: one sentence of what happened, one of what to do next.
//! Invariant: made of the folded run alone, so that a crash before the record loses no stop and `verify` makes the same words again
//! (test `a_run_goes_on_from_any_record` of tests/fault_injection/cuts.rs).

use super::{
    Approval, ApprovalGate, ApprovalStatus, Obstacle, RunState, Stop, StopCode, Subject,
    TransactionEnd, Verdict,
};
use crate::survey::FactChange;

type Said = (Option<ApprovalGate>, String, String);

impl RunState {
    /// The stop with this code as the run stands; `None`: the words of such a stop do not come from the run.
    pub fn stop_of(&self, stop_code: StopCode) -> Option<Stop> {
        let (gate, message, next) = match stop_code {
            StopCode::StopApprovalRequired => asked(self)?,
            StopCode::StopFactsDrifted => drifted(self),
            StopCode::StopApprovalRejected => rejected(self),
            StopCode::StopGateFailed => gate_failed(self),
            StopCode::StopMutationSuspected => not_clean(self),
            StopCode::StopApprovalRefused
            | StopCode::StopEvidenceCorrupt
            | StopCode::StopLiveRefused
            | StopCode::StopDatabaseUnavailable
            | StopCode::StopStorageFailed
            | StopCode::StopRunLocked
            | StopCode::StopInterrupted => return None,
        };
        let failed = matches!(
            stop_code,
            StopCode::StopGateFailed | StopCode::StopMutationSuspected
        );
        Some(Stop {
            stop_code,
            gate,
            state: self.state,
            evidence: self
                .evidence
                .as_ref()
                // A failed run asks nothing, so no evidence is offered for approval.
                .filter(|_| !failed)
                .map(|e| e.digest.clone()),
            message,
            next,
        })
    }
}

/// The stop that asks a person.
fn asked(run: &RunState) -> Option<Said> {
    let evidence = run.evidence.as_ref()?;
    let rows = run.predicted.as_ref().map(|(effect, _)| effect.rows());
    let predicted = match rows {
        Some(rows) if *rows.get() > 0 => Some(format!("A live run would change {rows} rows.")),
        Some(_) => Some("A live run would change nothing.".to_owned()),
        None => None,
    };
    let changes = run.change_evidence().map(|change| change.sentence());
    let said: Vec<String> = predicted.into_iter().chain(changes).collect();
    let mut message = if said.is_empty() {
        run.nothing_predicted().to_owned()
    } else {
        said.join(" ")
    };
    if let Some(beside) = run.beside_words() {
        message = format!("{message} {beside}.");
    }
    let mut next = "Read the evidence, then approve or reject.";
    let against = &evidence.sheet.cannot_pass;
    if let Some(at_best) = Obstacle::at_best(against) {
        message = format!(
            "The run can no longer end as PASS, {at_best} at best: {}. {message}",
            Obstacle::words(against)
        );
        next = match at_best {
            "FAIL" => "Read what failed, then reject; an approval only lets the run end as FAIL.",
            _ => {
                "Read what is not checked, then approve or reject; the run can end as INCOMPLETE at best."
            }
        };
    }
    Some((Some(evidence.gate), message, next.to_owned()))
}

fn drifted(run: &RunState) -> Said {
    let (gate, changes) = run
        .drift
        .as_ref()
        .map_or((None, &[][..]), |drift| (drift.gate, &drift.changes));
    let next = if run.state.is_final() {
        "The run is sealed with the difference; start a new run.".to_owned()
    } else {
        "Read the difference, then take new evidence.".to_owned()
    };
    (gate, sentence(run, changes), next)
}

fn rejected(run: &RunState) -> Said {
    let next = "The run is over; start a new one when the reason is gone.".to_owned();
    let rejection = |a: &&Approval| a.status == ApprovalStatus::Rejection;
    let Some(last) = run.approvals.iter().find(rejection) else {
        return (None, "The run was rejected.".to_owned(), next);
    };
    let why = last.reason.as_deref().unwrap_or_default();
    let message = format!("{} rejected {}: {why}", last.by.name(), last.gate);
    (Some(last.gate), message, next)
}

fn gate_failed(run: &RunState) -> Said {
    let failed = run
        .gates
        .iter()
        .rfind(|(_, gate)| gate.finished.is_some_and(|f| f.0 == Verdict::Fail));
    let message = failed.map_or_else(
        || "A gate failed.".to_owned(),
        |(gate, ran)| {
            let checks: Vec<String> = ran
                .checks
                .iter()
                .filter(|check| check.verdict == Verdict::Fail)
                .map(|check| format!("{}: {}", check.name, check.says))
                .collect();
            let title = run.words().title(*gate);
            format!("{gate} {title} failed: {}.", checks.join("; "))
        },
    );
    let next = "Correct what the check names, then start a new run.".to_owned();
    (None, message, next)
}

fn not_clean(run: &RunState) -> Said {
    let violations = run.transactions.iter().rev().find_map(|transaction| {
        let TransactionEnd::Closed(proof) = &transaction.end else {
            return None;
        };
        Some(proof.violations()).filter(|violations| !violations.is_empty())
    });
    let message = format!(
        "Our own transaction is not proven clean: {}.",
        violations.unwrap_or_default().join("; ")
    );
    let next =
        "Do not trust this database session; show report 10 to its administrator.".to_owned();
    (None, message, next)
}

/// `2 facts differ from the pin: icx_draft 60 -> 59; unit_version: ICX-CONST-0017/1. The repository moved since G0 looked at it:
/// repository.branch main -> fix.`
fn sentence(run: &RunState, drift: &[FactChange]) -> String {
    let of = |subject| {
        let about = drift.iter().filter(|one| Subject::of(&one.key) == subject);
        about.map(name).collect::<Vec<String>>()
    };
    let facts = of(Subject::Facts);
    let mut said = Vec::new();
    if !facts.is_empty() {
        let differ = match facts.len() {
            1 => "fact differs",
            _ => "facts differ",
        };
        let count = facts.len();
        said.push(format!(
            "{count} {differ} from the pin: {}.",
            facts.join("; ")
        ));
    }
    for subject in Subject::among(drift) {
        if subject != Subject::Facts {
            said.push(format!("{}: {}.", subject.says(), of(subject).join("; ")));
        }
    }
    said.extend(run.beside_words().map(|words| format!("{words}.")));
    said.extend(by_whom(run, drift).filter(|_| !facts.is_empty()));
    said.join(" ")
}

/// `By transaction 812, between 02:15:23 and 02:16:01 UTC.`: as far as it is visible in a survey.
fn by_whom(run: &RunState, drift: &[FactChange]) -> Option<String> {
    let attribution = run.attribution.as_ref()?;
    let (_, latest) = run.latest.as_ref()?;
    // The attribution is of another survey than the one that shows this drift: it would name the wrong transactions.
    if attribution.nonce != latest.snapshot.nonce {
        return None;
    }
    let named = attribution.transactions();
    let by = match named.as_slice() {
        [] => "By a transaction that is not visible".to_owned(),
        [one] => format!("By transaction {one}"),
        more => format!("By transactions {}", more.join(", ")),
    };
    let found = run.changed_between(drift.iter().map(|change| &change.key));
    let (from, to) = found.map_or(
        (attribution.after_time, attribution.before_time),
        |window| (window.after, window.before),
    );
    Some(format!(
        "{by}, between {} and {} UTC.",
        from.clock(),
        to.clock()
    ))
}

fn name(change: &FactChange) -> String {
    let short = |value: &Option<String>| match value {
        // Long values are digests: the first 8 and the last 4 characters are enough in a sentence.
        Some(value) if value.len() >= 32 => format!(
            "{}..{}",
            &value[..value.floor_char_boundary(8)],
            &value[value.ceil_char_boundary(value.len() - 4)..]
        ),
        Some(value) => value.clone(),
        None => "unknown".to_owned(),
    };
    let found = match &change.reason {
        Some(reason) => format!("unknown ({reason})"),
        None => short(&change.found),
    };
    let values = format!("{} {} -> {found}", change.key, short(&change.approved));
    let rows: Vec<&str> = change
        .rows
        .iter()
        .take(3)
        .map(|row| row.key.as_str())
        .collect();
    match (rows.is_empty(), change.rows.len().saturating_sub(3)) {
        (true, _) => values,
        (false, 0) => format!("{values} ({})", rows.join(", ")),
        (false, more) => format!("{values} ({} and {more} more)", rows.join(", ")),
    }
}

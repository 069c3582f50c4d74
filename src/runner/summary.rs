//! How a run stands, for whoever asked: exit code, stop, sentence, JSON document. Invariant: computed from the folded run alone.

use serde_json::Value;

use super::RunnerError;
use super::driver::Outcome;
use crate::report;
use crate::run::{Drift, RunState, Stop, StopCode};

fn last_words(run: &RunState) -> (String, String) {
    run.stops.last().map_or_else(
        || (format!("The run is {}.", run.state), String::new()),
        |raised| (raised.stop.message.clone(), raised.stop.next.clone()),
    )
}

/// The run waits for a person.
pub(super) fn waiting(run: &RunState) -> Outcome {
    let stop_code = run.stop_code();
    let (message, next) = last_words(run);
    Outcome {
        exit_code: stop_code.map_or(0, StopCode::exit_code),
        run: Box::new(run.clone()),
        stop_code,
        message,
        next,
    }
}

/// The person left while the run waits: 3, or 4 at a drift stop.
pub(super) fn left(run: &RunState) -> Outcome {
    let tail = run.run_id().map_or("", |id| id.tail());
    let (place, resume) = match (&run.drift, run.waits_at()) {
        (Some(drift), _) => (drift_stands(drift), "Take new evidence"),
        (None, Some(gate)) => (format!("waits at {gate}"), "Resume"),
        (None, None) => (format!("is {}", run.state), "Resume"),
    };
    let short = run
        .run_id()
        .map_or_else(String::new, crate::run::RunId::short);
    Outcome {
        message: format!("{short} {place}."),
        next: format!("{resume}: drygate resume {tail}"),
        ..waiting(run)
    }
}

fn drift_stands(drift: &Drift) -> String {
    let gate = drift.gate.map_or("closeout", |gate| gate.name());
    format!("stopped at {gate}: facts drifted")
}

/// A decision was refused; the run still waits, or is sealed.
pub fn refused(run: RunState, why: String) -> Outcome {
    let next = match run.run_id().filter(|_| run.sealed.is_some()) {
        Some(id) => format!(
            "The run is sealed and asks nothing any more. Read it: drygate report {0}; check it: drygate verify {0}",
            id.tail()
        ),
        None => "Read the evidence that waits now and approve exactly that.".to_owned(),
    };
    Outcome {
        exit_code: StopCode::StopApprovalRefused.exit_code(),
        stop_code: Some(StopCode::StopApprovalRefused),
        message: why,
        next,
        run: Box::new(run),
    }
}

/// The run is sealed.
pub fn sealed(run: &RunState) -> Outcome {
    let (result, exit_code) = run.sealed.as_ref().map_or_else(
        || ("not sealed".to_owned(), 1),
        |(name, _, code)| (name.clone(), *code),
    );
    let next = match run.stops.last() {
        Some(raised) if exit_code != 0 && exit_code != 11 => raised.stop.next.clone(),
        _ => run.run_id().map_or_else(String::new, |id| {
            format!(
                "Read it: drygate report {0}; check it: drygate verify {0}",
                id.tail()
            )
        }),
    };
    Outcome {
        exit_code,
        run: Box::new(run.clone()),
        stop_code: run.stop_code(),
        message: result,
        next,
    }
}

/// The runner had to end before the run did.
pub(super) fn broken(run: RunState, error: &RunnerError) -> Outcome {
    let tail = run
        .run_id()
        .map_or_else(String::new, |id| id.tail().to_owned());
    let interrupted_waiting = matches!(error, RunnerError::Interrupted)
        && run.waits_at().is_some()
        && run.pending_approval().is_none();
    if interrupted_waiting {
        return left(&run);
    }
    Outcome {
        exit_code: error.exit_code(),
        stop_code: error.stop_code(),
        message: error.to_string(),
        next: error
            .hint()
            .unwrap_or_else(|| format!("Resume: drygate resume {tail}")),
        run: Box::new(run),
    }
}

/// The JSON document of the contract, section 10.
pub fn json(outcome: &Outcome) -> Value {
    let run = &outcome.run;
    // Of a sealed run only a refusal is news; its own stop follows from its result.
    let refused = outcome.stop_code == Some(StopCode::StopApprovalRefused);
    let stop = outcome
        .stop_code
        .filter(|_| run.sealed.is_none() || refused)
        .map(|stop_code| Stop {
            stop_code,
            gate: run.waits_at(),
            state: run.state,
            evidence: run
                .evidence
                .as_ref()
                .map(|evidence| evidence.digest.clone()),
            message: outcome.message.clone(),
            next: outcome.next.clone(),
        });
    report::summary(run, stop.as_ref())
}

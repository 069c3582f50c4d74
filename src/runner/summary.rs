//! How a run stands, for the process that asked: exit code, stop, sentence, JSON document. Computed from the folded run and,
//! where the runner failed, its error.

use super::RunnerError;
use super::driver::RunnerEnd;
use crate::documents::RunDocument;
use crate::report;
use crate::run::{CommandLine, KnownOutcome, RunResult, RunState, Stop, StopCode, Verdict};

fn last_words(run: &RunState, call: &CommandLine) -> (String, String) {
    run.stops.last().map_or_else(
        || (format!("The run is {}.", run.state), String::new()),
        |raised| (raised.stop.message.clone(), run.advice(&raised.stop, call)),
    )
}

/// The end when the run waits for a person.
pub(super) fn waiting(run: &RunState, call: &CommandLine) -> RunnerEnd {
    let stop_code = run.stop_code();
    let (message, next) = last_words(run, call);
    RunnerEnd {
        exit_code: stop_code.map_or(0, StopCode::exit_code),
        run: Box::new(run.clone()),
        stop_code,
        message,
        next,
    }
}

/// The end when the person left while the run waits: exit code 3, or 4 at a drift stop.
pub(super) fn left(run: &RunState, call: &CommandLine) -> RunnerEnd {
    let short = run
        .run_id()
        .map_or_else(String::new, crate::run::RunId::short);
    RunnerEnd {
        message: format!("{short} {}.", run.stands()),
        next: run.come_back(call),
        ..waiting(run, call)
    }
}

/// A decision was refused; the run still waits, or is sealed.
pub fn refused(run: RunState, why: String, call: &CommandLine) -> RunnerEnd {
    let next = if run.sealed.is_some() {
        format!(
            "The run is sealed and asks nothing any more. {}",
            run.reading(call, None)
        )
    } else if run.pending_approval().is_some() {
        let why = match run.stops.last().map(|raised| &raised.stop) {
            Some(stop) if stop.stop_code == StopCode::StopDatabaseUnavailable => {
                stop.message.trim_end_matches('.')
            }
            _ => "the process that held the run ended before",
        };
        run.go_on(
            &format!(
                "It has not taken effect: {why}. A resume reads the facts again and applies it"
            ),
            call,
        )
    } else {
        "Read the evidence that waits now and approve exactly that.".to_owned()
    };
    RunnerEnd {
        exit_code: StopCode::StopApprovalRefused.exit_code(),
        stop_code: Some(StopCode::StopApprovalRefused),
        message: why,
        next,
        run: Box::new(run),
    }
}

/// The end when the run is sealed: the exit code of its result, what it came from, and what to do about it.
pub fn sealed(run: &RunState, call: &CommandLine, seen: Option<&KnownOutcome>) -> RunnerEnd {
    let (result, exit_code) = run.sealed.as_ref().map_or_else(
        || ("not sealed".to_owned(), 1),
        |(name, _, code)| (name.clone(), *code),
    );
    let reading = run.reading(call, seen);
    let result = match run.asked() {
        Some(asked) => format!("{result} ({asked})"),
        None => result,
    };
    let (message, next) = match why(run) {
        Some((why, next)) => (format!("{result}: {why}"), format!("{next} {reading}")),
        None => (result, reading),
    };
    RunnerEnd {
        exit_code,
        run: Box::new(run.clone()),
        stop_code: run.stop_code(),
        message,
        next,
    }
}

/// Why a sealed run is no PASS, and what to do about it; `None`: it is one.
fn why(run: &RunState) -> Option<(String, String)> {
    let (_, outcome, _) = run.sealed.as_ref()?;
    if *outcome == RunResult::Pass {
        return None;
    }
    // A stop before is of another matter: that of SG2 asks for an approval, whatever came after it.
    let last = run.stops.last().map(|raised| &raised.stop);
    let last = last.filter(|stop| Some(stop.stop_code) == outcome.stop_code());
    if let Some(stop) = last {
        return Some((stop.message.clone(), stop.next.clone()));
    }
    let mut checks = run.checks();
    let failed = checks.find(|(_, check)| check.verdict == Verdict::Fail);
    let found = failed.or_else(|| run.first_not_checked());
    Some(match found {
        Some((gate, check)) => {
            let says = check.says.trim_end_matches('.');
            let why = format!("{gate} {} is {}: {says}.", check.name, check.verdict);
            let next = match (&check.remedy, check.verdict) {
                (Some(remedy), Verdict::Fail) => {
                    format!("{remedy} would mend it; then start a new run.")
                }
                (Some(remedy), _) => format!("{remedy} would check it; then start a new run."),
                (None, _) => "Correct what the check names, then start a new run.".to_owned(),
            };
            (why, next)
        }
        None => (
            "the non-mutation proof is UNPROVEN.".to_owned(),
            "Read the claims in report 10, then start a new run.".to_owned(),
        ),
    })
}

/// The runner had to end before the run did.
pub(super) fn broken(run: RunState, error: &RunnerError, call: &CommandLine) -> RunnerEnd {
    let interrupted_waiting = matches!(error, RunnerError::Interrupted)
        && run.waits_at().is_some()
        && run.pending_approval().is_none();
    if interrupted_waiting {
        return left(&run, call);
    }
    RunnerEnd {
        exit_code: error.exit_code(),
        stop_code: error.stop_code(),
        message: error.to_string(),
        next: run.go_on(&error.hint().unwrap_or_default(), call),
        run: Box::new(run),
    }
}

/// The document as text for another process; members are in the order of their names.
pub(super) fn text(outcome: &RunnerEnd) -> String {
    // Serializing plain data cannot fail. If it did, the answer would be `null`, which no reader takes for a run.
    let sorted = serde_json::to_value(document(outcome)).unwrap_or_default();
    sorted.to_string()
}

/// The document of the contract, section 10.
pub fn document(outcome: &RunnerEnd) -> RunDocument {
    let run = &outcome.run;
    // A sealed run reports a stop only for a refusal; its own stop follows from its result.
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
    let mut document = report::summary(run, stop.as_ref(), &outcome.next);
    if outcome.is_broken() {
        document.message.get_or_insert(outcome.message.clone());
    }
    document
}

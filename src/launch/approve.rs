//! `drygate approve` and `reject`, carried out by the process that holds the run, or by this one if nobody holds it. What is
//! approved is named by its digest.

use super::run::TakenRun;
use super::run_plan::own_person;
use super::{LaunchError, headless, output, run, run_plan};
use crate::cli::{Output, RunRef, Settings};
use crate::run::{ApprovalGate, ApprovalRequest, Ask, Decision, RunState, judge, time_in};
use crate::runner;
use crate::runner::clock::{Clock, SystemClock};
use crate::runner::{HandoverError, hand_over};
use crate::survey::Digest;

/// Approves or rejects without a screen.
pub fn decide(
    settings: &Settings,
    meant: &RunRef,
    gate: ApprovalGate,
    decision: Decision,
    evidence: Option<Digest>,
    reason: Option<String>,
) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let request = ApprovalRequest {
        gate,
        decision,
        evidence,
        reason,
    };
    let (run_id, found) = run::take(settings, &store, meant, false)?;
    match found {
        TakenRun::Owned(owned) => headless::drive_with(settings, *owned, request),
        TakenRun::Sealed(run) => refuse_sealed(settings, &run, &request),
        TakenRun::DemoIsOver => Err(LaunchError::DemoIsOver { run_id }),
        TakenRun::Held(locked) => {
            // No socket that must be the holder's: only the lock can say who has the run.
            let Some(socket) = runner::socket(&store, &run_id) else {
                return Err(locked.into());
            };
            let mut progress = headless::DecisionProgress::new();
            let asked = Ask::Decide(request.clone());
            match hand_over(&socket, &asked, &mut |reply| progress.hear(reply)) {
                Ok((exit_code, summary)) => {
                    tell(settings, &summary)?;
                    Ok(exit_code)
                }
                Err(HandoverError::Refused(why)) => {
                    refused(settings, &run_state(&store, &run_id)?, why)
                }
                Err(error) => {
                    // The holder may have sealed the run and ended between the lock and the socket.
                    let run = run_state(&store, &run_id)?;
                    if run.sealed.is_some() && !was_recorded(&run, &request) {
                        return refuse_sealed(settings, &run, &request);
                    }
                    match error {
                        // The lock names the process that holds the run without listening.
                        HandoverError::Nobody => Err(locked.into()),
                        error => Err(error.into()),
                    }
                }
            }
        }
    }
}

/// Whether a request of this very process is in the journal, though nobody answered it.
fn was_recorded(run: &RunState, request: &ApprovalRequest) -> bool {
    let own = (rustix::process::geteuid().as_raw(), std::process::id());
    run.approvals.iter().any(|known| {
        // The holder recorded these from the peer credentials of this process.
        known.gate == request.gate && (known.by.uid, known.by.pid) == own
    })
}

fn run_state(
    store: &crate::journal::DirectoryStore,
    run_id: &crate::run::RunId,
) -> Result<RunState, LaunchError> {
    Ok(super::lookup::history(store, run_id)?.into_run())
}

/// Prints the holder's document, or the sentences in it.
pub(super) fn tell(settings: &Settings, summary: &str) -> Result<(), LaunchError> {
    if settings.output == Output::Json {
        return output::line(summary);
    }
    let document: serde_json::Value = serde_json::from_str(summary).unwrap_or_default();
    for key in ["run_id", "state", "stop_code", "evidence", "result"] {
        if let Some(value) = document[key].as_str() {
            output::line(&format!("{key}={value}"))?;
        }
    }
    for key in ["message", "next"] {
        output::line(&crate::report::visible(
            document[key].as_str().unwrap_or(""),
        ))?;
    }
    Ok(())
}

fn refuse_sealed(
    settings: &Settings,
    run: &RunState,
    request: &ApprovalRequest,
) -> Result<u8, LaunchError> {
    let clock = SystemClock;
    let boot_id = clock.boot_id();
    let now = time_in(run, clock.now(), &boot_id, clock.uptime_ms());
    let why = judge(run, request, &own_person()?, now, &boot_id)
        .err()
        .map_or_else(
            || "the run is sealed".to_owned(),
            |refusal| refusal.to_string(),
        );
    refused(settings, run, why)
}

fn refused(settings: &Settings, run: &RunState, why: String) -> Result<u8, LaunchError> {
    let outcome = runner::refused(run.clone(), why, &settings.call);
    headless::report(settings, &outcome)?;
    Ok(outcome.exit_code)
}

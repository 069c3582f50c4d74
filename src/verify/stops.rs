//! Stops against the run that they are raised in: each has its cause, and says what follows from it.

use crate::run::{Event, RunState, Stop, StopCode};

/// What does not follow in a stop.
pub(super) fn findings(run: &RunState, event: &Event) -> Vec<String> {
    let Event::StopRaised(stop) = event else {
        return Vec::new();
    };
    let code = stop.stop_code;
    let expected = match code {
        StopCode::StopDatabaseUnavailable => Some(Stop {
            gate: run.waits_at(),
            state: run.state,
            evidence: run.evidence.as_ref().map(|e| e.digest.clone()),
            ..stop.clone()
        }),
        _ => run.stop_of(code).filter(|_| run.owed_stop == Some(code)),
    };
    let Some(expected) = expected else {
        return vec![format!("{code} has no cause in the run")];
    };
    let parts = [
        ("gate", stop.gate == expected.gate),
        ("state", stop.state == expected.state),
        ("evidence", stop.evidence == expected.evidence),
        ("message", stop.message == expected.message),
        ("next step", stop.next == expected.next),
    ];
    let unlike = parts.into_iter().filter(|(_, same)| !same);
    unlike
        .map(|(part, _)| format!("the {part} of {code} is not what the run gives"))
        .collect()
}

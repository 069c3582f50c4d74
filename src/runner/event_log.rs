//! What the log says of a run. Invariant: the journal is the record, this is for whoever looks for what drygate itself did.

use std::error::Error;

use crate::run::Event;

/// Notes a record that is durable; what moves the run is said at the level that one `-v` shows.
pub(super) fn note(seq: u64, event: &Event) {
    match event {
        Event::StateChanged(changed) => {
            tracing::info!(seq, from = %changed.from, to = %changed.to, "state changed");
        }
        Event::StopRaised(stop) => {
            let (code, says) = (stop.stop_code, stop.message.as_str());
            tracing::info!(seq, %code, state = %stop.state, says, "stop raised");
        }
        Event::GateFinished(gate) => {
            tracing::info!(seq, gate = %gate.gate, verdict = %gate.verdict, "gate finished");
        }
        Event::ApprovalRecorded(approval) => {
            let (gate, decision) = (approval.gate, approval.decision);
            tracing::info!(seq, %gate, ?decision, user = approval.by.user, "decision recorded");
        }
        Event::ApprovalRefused(refused) => {
            let (gate, reason) = (refused.gate, refused.reason.as_str());
            tracing::info!(seq, %gate, user = refused.by.user, reason, "decision refused");
        }
        Event::TransactionUnseen(unseen) => {
            let (id, reason) = (unseen.id, unseen.reason.as_str());
            tracing::warn!(seq, id, reason, "end of a transaction not seen");
        }
        Event::LiveRead(read) => {
            let (changed, failed) = (read.changed.len(), read.failed.as_deref());
            tracing::info!(
                seq,
                changed,
                complete = read.complete,
                failed,
                "facts read again"
            );
        }
        Event::RunSealed(sealed) => {
            tracing::info!(
                seq,
                result = sealed.result,
                exit_code = sealed.exit_code,
                "run sealed"
            );
        }
        other => tracing::debug!(seq, event = other.name(), "recorded"),
    }
}

/// What an error says, and what each error behind it says.
pub fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        causes.push(error.to_string());
        source = error.source();
    }
    causes
}

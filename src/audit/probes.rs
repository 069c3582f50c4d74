//! The safety probes of G5.
//! Invariant: each goes through the code that guards a run: `Mode::parse`, `profile::parse`, `run::judge`. What a target refuses
//! it says itself.

use super::ProbeResult;
use crate::profile;
use crate::run::{
    ApprovalGate, ApprovalRecorded, ApprovalRefusal, ApprovalRequest, CheckName, ContextPins,
    Event, History, Mode, Person, RunState, StopCode, judge,
};
use crate::survey::{Digest, UtcTime};

/// Runs the probes. `context`: `context.json` as it was read back; `waited`: the run as it first waited ([`first_waits`]), without
/// its approval policy; `refuses_write`: what the target says of a statement that writes.
pub fn probe(
    context: Option<&[u8]>,
    waited: Option<&History>,
    refuses_write: Result<String, String>,
) -> Vec<ProbeResult> {
    let mut probes = vec![live_refused(), live_profile_refused(), execution_refused()];
    probes.extend(kill_switch(context));
    // A run that never waited has nothing to approve: its checks say NOT CHECKED.
    probes.extend(waited.map(approval_probes).into_iter().flatten());
    let holds = refuses_write.is_ok();
    let (Ok(saw) | Err(saw)) = refuses_write;
    probes.push(seen(
        CheckName::WritingStatementRefused,
        "refused before the server",
        saw,
        holds,
    ));
    probes
}

/// Whether the run waits with evidence, now that `event` was taken: the first such moment is the one that is probed.
pub fn first_waits(run: &RunState, event: &Event) -> bool {
    let asked = matches!(event, Event::StopRaised(stop) if stop.stop_code == StopCode::StopApprovalRequired);
    asked && run.waits_at().is_some() && run.drift.is_none() && run.pending_approval().is_none()
}

fn seen(name: CheckName, expected: &str, saw: impl Into<String>, holds: bool) -> ProbeResult {
    ProbeResult {
        name,
        expected: expected.to_owned(),
        saw: saw.into(),
        holds,
    }
}

fn live_refused() -> ProbeResult {
    match Mode::parse("probe: mode live", "live") {
        Err(refused) => seen(
            CheckName::LiveRefused,
            "STOP_LIVE_REFUSED",
            refused.to_string(),
            true,
        ),
        Ok(mode) => seen(
            CheckName::LiveRefused,
            "STOP_LIVE_REFUSED",
            mode.name(),
            false,
        ),
    }
}

fn live_profile_refused() -> ProbeResult {
    // A valid profile with one word changed: it can be refused for that word only.
    let text = profile::BUILT_IN[0]
        .1
        .replacen("mode = \"dryrun\"", "mode = \"live\"", 1);
    let refused = profile::parse("probe", &text);
    let holds = matches!(refused, Err(profile::ProfileError::LiveRefused { .. }));
    let saw = refused.map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
    seen(
        CheckName::LiveProfileRefused,
        "STOP_LIVE_REFUSED",
        saw,
        holds,
    )
}

fn execution_refused() -> ProbeResult {
    match Mode::parse_execution("probe: execution_enabled true", "true") {
        Err(refused) => seen(
            CheckName::ExecutionRefused,
            "STOP_LIVE_REFUSED",
            refused.to_string(),
            true,
        ),
        Ok(()) => seen(
            CheckName::ExecutionRefused,
            "STOP_LIVE_REFUSED",
            "accepted",
            false,
        ),
    }
}

/// The kill switch as it stands on the disk; nothing where no context was written, so that its check says NOT CHECKED.
fn kill_switch(context: Option<&[u8]>) -> Option<ProbeResult> {
    let read = context.map(serde_json::from_slice::<ContextPins>);
    Some(match read {
        Some(Ok(pins)) => {
            let off = !pins.execution_enabled && !pins.mode.execution_enabled();
            let saw = format!(
                "{} execution_enabled={}",
                pins.mode.name(),
                pins.execution_enabled
            );
            seen(
                CheckName::KillSwitchOff,
                "execution_enabled=false in context.json",
                saw,
                off,
            )
        }
        Some(Err(error)) => seen(
            CheckName::KillSwitchOff,
            "a readable context.json",
            error.to_string(),
            false,
        ),
        None => return None,
    })
}

/// The four approvals that must be refused, ruled on by the code that rules on people, on this very run as it waited.
fn approval_probes(waited: &History) -> Vec<ProbeResult> {
    let run = waited.run();
    vec![
        approval_probe(
            CheckName::ApprovalOfWrongGateRefused,
            "WrongGate",
            rule(run, |request, _| request.gate = other(request.gate)),
            |refusal| matches!(refusal, ApprovalRefusal::WrongGate { .. }),
        ),
        approval_probe(
            CheckName::ApprovalOfOtherEvidenceRefused,
            "OtherEvidence",
            rule(run, |request, _| {
                request.evidence = Some(Digest::of("other evidence"));
            }),
            |refusal| matches!(refusal, ApprovalRefusal::OtherEvidence),
        ),
        approval_probe(
            CheckName::ApprovalExpiredRefused,
            "Expired",
            // Ten years: later than any time to live that a profile may set.
            rule(run, |_, now| *now = now.plus_seconds(10 * 365 * 86_400)),
            |refusal| matches!(refusal, ApprovalRefusal::Expired(_)),
        ),
        approval_probe(
            CheckName::ApprovalUsedTwiceRefused,
            "UsedAlready or Pending",
            rule_twice(waited),
            |refusal| {
                matches!(
                    refusal,
                    ApprovalRefusal::UsedAlready(_) | ApprovalRefusal::Pending(_)
                )
            },
        ),
    ]
}

/// The result of a probe: which refusal an invalid approval met, and whether it is the expected one.
fn approval_probe(
    name: CheckName,
    expected: &str,
    ruling: Option<ApprovalRefusal>,
    must_be: impl Fn(&ApprovalRefusal) -> bool,
) -> ProbeResult {
    let holds = ruling.as_ref().is_some_and(must_be);
    let saw = ruling.map_or_else(|| "accepted".to_owned(), |refusal| refusal.to_string());
    seen(name, expected, saw, holds)
}

fn other(gate: ApprovalGate) -> ApprovalGate {
    match gate {
        ApprovalGate::SG1 => ApprovalGate::SG2,
        ApprovalGate::SG2 => ApprovalGate::SG1,
    }
}

fn request_of(waited: &RunState) -> Option<(ApprovalRequest, &Person, UtcTime, String)> {
    let evidence = waited.evidence.as_ref()?;
    let request = ApprovalRequest::approve(evidence.gate, evidence.digest.clone());
    let by = &waited.created.as_ref()?.by;
    Some((request, by, evidence.taken_at, evidence.shown_boot.clone()))
}

/// The refusal of a valid approval that was made invalid in one point; `None`: it was accepted.
fn rule(
    waited: &RunState,
    spoil: impl Fn(&mut ApprovalRequest, &mut UtcTime),
) -> Option<ApprovalRefusal> {
    let (mut request, by, mut now, boot_id) = request_of(waited)?;
    spoil(&mut request, &mut now);
    judge(waited, &request, by, now, &boot_id).err()
}

/// The refusal of a good approval that is given a second time.
fn rule_twice(waited: &History) -> Option<ApprovalRefusal> {
    let (request, by, now, boot_id) = request_of(waited.run())?;
    let mut history = waited.clone();
    if let (Ok(ruling), Some(((last, at), head))) = (
        judge(history.run(), &request, by, now, &boot_id),
        history.last().zip(waited.head()),
    ) {
        let event = Event::ApprovalRecorded(ApprovalRecorded {
            gate: request.gate,
            decision: ruling.decision,
            evidence: ruling.evidence,
            reason: None,
            by: by.clone(),
            boot_id: boot_id.clone(),
            uptime_ms: None,
        });
        history.take(last + 1, now.max(at), &event, head).ok()?;
    }
    judge(history.run(), &request, by, now, &boot_id).err()
}

//! G5: the safety probes, run for real each time. Invariant: each goes through the very code that guards a run.

use super::RunnerError;
use super::closeout::finish;
use super::driver::Driver;
use super::recorder::fold;
use super::repository::Repository;
use super::target::Target;
use crate::audit::{self, ProbeResult};
use crate::journal::JournalEntry;
use crate::profile;
use crate::run::{
    ApprovalGate, ApprovalPolicy, ApprovalRecorded, ApprovalRefusal, ApprovalRequest, ContextPins,
    Event, Gate, GateStarted, Mode, Person, RunState, StopCode, TestsDeclared, judge,
};
use crate::survey::{Digest, UtcTime};

impl<T: Target, R: Repository> Driver<T, R> {
    /// G5.
    pub(super) fn run_probes(&mut self) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        recorder.record(Event::GateStarted(GateStarted { gate: Gate::G5 }))?;
        let (_, entries) = recorder.refold()?;
        let context = recorder.directory().read_file("context.json")?;
        let mut probes = vec![live_refused(), live_profile_refused(), execution_refused()];
        probes.extend(kill_switch(context.as_deref()));
        probes.extend(approval_probes(&entries)?);
        probes.push(match self.target.refuses_write() {
            Ok(reason) => seen(
                "writing_statement_refused",
                "refused before the server",
                reason,
                true,
            ),
            Err(what) => seen(
                "writing_statement_refused",
                "refused before the server",
                what,
                false,
            ),
        });
        self.declare_tests()?;
        let checks = audit::g5(&probes);
        finish(self, Gate::G5, checks)
    }

    /// Keeps what a full test run says of itself: DECLARED, a line of the report and no check.
    fn declare_tests(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let found = plan.full_discover.as_ref().and_then(|found| {
            let read = audit::full_discover(&found.text, None)?;
            Some((found, *read.passed_of.get()))
        });
        let Some((found, (passed, total))) = found else {
            return Ok(());
        };
        self.recorder()?
            .record(Event::TestsDeclared(TestsDeclared {
                passed,
                failed: total - passed,
                file: plan.profile.tests.full_discover.clone().unwrap_or_default(),
                sha256: found.sha256.clone(),
                age_s: found.age_s,
            }))?;
        Ok(())
    }
}

fn seen(name: &str, expected: &str, saw: impl Into<String>, holds: bool) -> ProbeResult {
    ProbeResult {
        name: name.to_owned(),
        expected: expected.to_owned(),
        saw: saw.into(),
        holds,
    }
}

fn live_refused() -> ProbeResult {
    match Mode::parse("probe: mode live", "live") {
        Err(refused) => seen(
            "live_refused",
            "STOP_LIVE_REFUSED",
            refused.to_string(),
            true,
        ),
        Ok(mode) => seen("live_refused", "STOP_LIVE_REFUSED", mode.name(), false),
    }
}

fn live_profile_refused() -> ProbeResult {
    let text = profile::BUILT_IN[0]
        .1
        .replacen("mode = \"dryrun\"", "mode = \"live\"", 1);
    let refused = profile::parse("probe", &text);
    let holds = matches!(refused, Err(profile::ProfileError::LiveRefused { .. }));
    let saw = refused.map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
    seen("live_profile_refused", "STOP_LIVE_REFUSED", saw, holds)
}

fn execution_refused() -> ProbeResult {
    match Mode::parse_execution("probe: execution_enabled true", "true") {
        Err(refused) => seen(
            "execution_refused",
            "STOP_LIVE_REFUSED",
            refused.to_string(),
            true,
        ),
        Ok(()) => seen("execution_refused", "STOP_LIVE_REFUSED", "accepted", false),
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
                "kill_switch_off",
                "execution_enabled=false in context.json",
                saw,
                off,
            )
        }
        Some(Err(error)) => seen(
            "kill_switch_off",
            "a readable context.json",
            error.to_string(),
            false,
        ),
        None => return None,
    })
}

/// The four approvals that must be refused, ruled on by the code that rules on people, on this very run as it waited.
fn approval_probes(entries: &[JournalEntry<Event>]) -> Result<Vec<ProbeResult>, RunnerError> {
    let names = [
        ("approval_of_wrong_gate_refused", "WrongGate"),
        ("approval_of_other_evidence_refused", "OtherEvidence"),
        ("approval_expired_refused", "Expired"),
        ("approval_used_twice_refused", "UsedAlready or Pending"),
    ];
    let waited = as_it_waited(entries)?;
    // A run that never waited has nothing to approve: its checks say NOT CHECKED.
    let Some(waited) = waited else {
        return Ok(Vec::new());
    };
    let rulings = [
        rule(&waited, |request, _| request.gate = other(request.gate)),
        rule(&waited, |request, _| {
            request.evidence = Some(Digest::of("other evidence"));
        }),
        rule(&waited, |_, now| *now = now.plus_seconds(10 * 365 * 86_400)),
        rule_twice(&waited),
    ];
    Ok(names
        .into_iter()
        .zip(rulings)
        .map(|((name, expected), ruling)| {
            let holds = match &ruling {
                Some(ApprovalRefusal::WrongGate { .. }) => expected == "WrongGate",
                Some(ApprovalRefusal::OtherEvidence) => expected == "OtherEvidence",
                Some(ApprovalRefusal::Expired(_)) => expected == "Expired",
                Some(ApprovalRefusal::UsedAlready(_) | ApprovalRefusal::Pending(_)) => {
                    expected.starts_with("Used")
                }
                _ => false,
            };
            let saw = ruling.map_or_else(|| "accepted".to_owned(), |refusal| refusal.to_string());
            seen(name, expected, saw, holds)
        })
        .collect())
}

fn other(gate: ApprovalGate) -> ApprovalGate {
    match gate {
        ApprovalGate::SG1 => ApprovalGate::SG2,
        ApprovalGate::SG2 => ApprovalGate::SG1,
    }
}

/// The run when it first waited with evidence. The probes are about gate, digest, time and use, so who may approve is left out.
fn as_it_waited(entries: &[JournalEntry<Event>]) -> Result<Option<RunState>, RunnerError> {
    for (at, entry) in entries.iter().enumerate() {
        let asked = matches!(&entry.event, Event::StopRaised(stop) if stop.stop_code == StopCode::StopApprovalRequired);
        if !asked {
            continue;
        }
        let mut run = fold(&entries[..=at])?;
        if run.waits_at().is_none() || run.drift.is_some() || run.pending_approval().is_some() {
            continue;
        }
        if let Some(created) = &mut run.created {
            created.approvals = ApprovalPolicy::default();
        }
        return Ok(Some(run));
    }
    Ok(None)
}

fn request_of(waited: &RunState) -> Option<(ApprovalRequest, &Person, UtcTime, String)> {
    let evidence = waited.evidence.as_ref()?;
    let request = ApprovalRequest::approve(evidence.gate, evidence.digest.clone());
    let by = &waited.created.as_ref()?.by;
    Some((request, by, evidence.taken_at, evidence.shown_boot.clone()))
}

/// The refusal of a good approval that was spoiled in one point; `None`: it was accepted.
fn rule(
    waited: &RunState,
    spoil: impl Fn(&mut ApprovalRequest, &mut UtcTime),
) -> Option<ApprovalRefusal> {
    let (mut request, by, mut now, boot_id) = request_of(waited)?;
    spoil(&mut request, &mut now);
    judge(waited, &request, by, now, &boot_id).err()
}

/// The refusal of a good approval that is given a second time.
fn rule_twice(waited: &RunState) -> Option<ApprovalRefusal> {
    let (request, by, now, boot_id) = request_of(waited)?;
    let mut run = waited.clone();
    if let Ok(ruling) = judge(&run, &request, by, now, &boot_id) {
        let seq = run.last.map_or(0, |(seq, _)| seq + 1);
        let event = Event::ApprovalRecorded(ApprovalRecorded {
            gate: request.gate,
            decision: ruling.decision,
            evidence: ruling.evidence,
            reason: None,
            by: by.clone(),
            boot_id: boot_id.clone(),
            uptime_ms: None,
        });
        run.apply(seq, now, &event);
    }
    judge(&run, &request, by, now, &boot_id).err()
}

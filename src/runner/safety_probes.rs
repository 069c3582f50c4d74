//! G5: the safety probes, run each time.
//! Invariant: each goes through the code that guards a run: `Mode::parse`, `profile::parse`, `run::judge`,
//! `Target::refuses_write`.

use super::RunnerError;
use super::closeout::finish;
use super::driver::Driver;
use super::recorder::take;
use super::repository::Repository;
use super::target::Target;
use crate::audit::{self, ProbeResult};
use crate::journal::JournalReader;
use crate::profile;
use crate::run::{
    ApprovalGate, ApprovalPolicy, ApprovalRecorded, ApprovalRefusal, ApprovalRequest, CheckName,
    ContextPins, Event, Gate, GateStarted, History, Mode, Person, RunState, StopCode,
    TestsDeclared, judge,
};
use crate::survey::{Digest, UtcTime};

impl<T: Target, R: Repository> Driver<T, R> {
    /// G5: runs every probe and finishes the gate.
    pub(super) fn run_probes(&mut self) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        recorder.record(Event::GateStarted(GateStarted { gate: Gate::G5 }))?;
        let reader = recorder.reader();
        let context = recorder.directory().read_file("context.json")?;
        let mut probes = vec![live_refused(), live_profile_refused(), execution_refused()];
        probes.extend(kill_switch(context.as_deref()));
        probes.extend(approval_probes(&reader)?);
        probes.push(match self.target.refuses_write() {
            Ok(reason) => seen(
                CheckName::WritingStatementRefused,
                "refused before the server",
                reason,
                true,
            ),
            Err(what) => seen(
                CheckName::WritingStatementRefused,
                "refused before the server",
                what,
                false,
            ),
        });
        self.declare_tests()?;
        let checks = audit::g5(&probes);
        let plan = self.plan.clone();
        finish(self.recorder()?, &plan.profile, Gate::G5, checks)
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
fn approval_probes(reader: &JournalReader) -> Result<Vec<ProbeResult>, RunnerError> {
    let waited = as_it_waited(reader)?;
    // A run that never waited has nothing to approve: its checks say NOT CHECKED.
    let Some(waited) = waited else {
        return Ok(Vec::new());
    };
    let run = waited.run();
    Ok(vec![
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
            rule_twice(&waited),
            |refusal| {
                matches!(
                    refusal,
                    ApprovalRefusal::UsedAlready(_) | ApprovalRefusal::Pending(_)
                )
            },
        ),
    ])
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

/// The run when it first waited with evidence. The probes are about gate, digest, time and use, so who may approve is left out.
fn as_it_waited(reader: &JournalReader) -> Result<Option<History>, RunnerError> {
    let mut history = History::default();
    for entry in reader.walk::<Event>()? {
        let mut entry = entry?;
        if let Event::RunCreated(created) = &mut entry.event {
            created.approvals = ApprovalPolicy::default();
        }
        take(&mut history, &entry)?;
        let asked = matches!(&entry.event, Event::StopRaised(stop) if stop.stop_code == StopCode::StopApprovalRequired);
        let run = history.run();
        let drifts = run.drift.is_some() || run.pending_approval().is_some();
        if asked && run.waits_at().is_some() && !drifts {
            return Ok(Some(history));
        }
    }
    Ok(None)
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

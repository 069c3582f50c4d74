//! Taking a run up again: records the resume, shows the evidence again, renews it, lets approvals lapse.
//! Invariant: nothing is approved here; `Driver::withdraw` records the only decision of this file, `Decision::Withdraw`.

use super::RunnerError;
use super::discoverer::discover;
use super::driver::{Driver, held};
use super::repository::Repository;
use super::target::{SurveyRequest, Target};
use crate::run::{
    ApprovalRecorded, ApprovalRefused, Decision, Event, EvidenceRenewed, EvidenceShown, Invocation,
    ProgramFile, RenewalReason, RunState, TornTailSetAside,
};
use crate::survey::Digest;

impl<T: Target, R: Repository> Driver<T, R> {
    /// Records that this process took the run up, lets approvals lapse that may no longer take effect,
    /// and asks for new evidence where `renewing` says that a person asked for it.
    pub fn take_up(&mut self, torn: Vec<(String, u64)>, renewing: bool) -> Result<(), RunnerError> {
        let boot_id = self.clock.boot_id();
        let by = self.plan.person.clone();
        let tool = self.plan.tool.clone();
        let recorder = self.recorder()?;
        // The journal ends with `run_sealed`: nothing may follow it.
        if recorder.run().sealed.is_some() {
            return Ok(());
        }
        for (file, bytes) in torn {
            recorder.record(Event::TornTailSetAside(TornTailSetAside { file, bytes }))?;
        }
        let before = program_of(recorder.run());
        let now = tool.binary_sha256.clone();
        recorder.record(Event::RunResumed(Box::new(Invocation {
            by,
            boot_id,
            tool,
        })))?;
        if let (Some(_), Some(now)) = (before.filter(|before| Some(before) != now.as_ref()), &now) {
            self.note_program(ProgramFile::Sha256(now.clone()))?;
        }
        // Order matters: first what the crash left open, then whether the pending approval still counts, then the new evidence.
        self.give_up_unseen_hooks()?;
        self.let_lapse()?;
        if renewing {
            renew(self)?;
        }
        Ok(())
    }

    /// A pending approval of an earlier boot, or of evidence that expired meanwhile, is taken back; the person is asked again.
    fn let_lapse(&mut self) -> Result<(), RunnerError> {
        let boot_id = self.clock.boot_id();
        let recorder = self.recorder()?;
        let now = recorder.now();
        let run = recorder.run();
        let (Some(pending), Some(evidence)) = (run.pending_approval(), &run.evidence) else {
            return Ok(());
        };
        let why = if pending.boot_id != boot_id {
            "the machine was restarted before it took effect"
        } else if now >= evidence.expires_at {
            "the evidence expired before it took effect"
        } else {
            return Ok(());
        };
        self.withdraw(why)
    }

    /// Takes the pending approval back, if there is one: it takes effect nowhere any more.
    fn withdraw(&mut self, why: &str) -> Result<(), RunnerError> {
        let (boot_id, uptime_ms) = (self.clock.boot_id(), self.clock.uptime_ms());
        let by = self.plan.person.clone();
        let recorder = self.recorder()?;
        let Some(pending) = recorder.run().pending_approval() else {
            return Ok(());
        };
        let event = Event::ApprovalRecorded(ApprovalRecorded {
            gate: pending.gate,
            decision: Decision::Withdraw,
            evidence: pending.evidence.clone(),
            reason: Some(why.to_owned()),
            by,
            boot_id,
            uptime_ms,
        });
        recorder.record(event)?;
        Ok(())
    }

    /// An approval would have taken effect on another server than its sheet showed, or where something of it could not be looked
    /// at: it is taken back and refused.
    pub(super) fn refuse_pending(&mut self, unlike: &str) -> Result<(), RunnerError> {
        let Some(pending) = self.recorder()?.run().pending_approval().cloned() else {
            return Ok(());
        };
        self.withdraw(unlike)?;
        self.recorder()?
            .record(Event::ApprovalRefused(ApprovalRefused {
                gate: pending.gate,
                decision: pending.decision,
                evidence: Some(pending.evidence),
                reason: unlike.to_owned(),
                by: pending.by,
            }))?;
        Ok(())
    }

    /// Asks the server that is reached who it is, before a waiting run is gone on with from there.
    pub(super) async fn meet_server(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let recorder = self.recorder()?;
        if recorder.run().waits_at().is_none() {
            return Ok(());
        }
        let recorder = held(&mut self.recorder)?;
        let lifecycle = plan.profile.lifecycle.as_ref();
        discover(
            &mut self.target,
            recorder,
            lifecycle,
            SurveyRequest::LIVE_READ,
            None,
        )
        .await?;
        Ok(())
    }
}

/// The program of the process that held the run last.
fn program_of(run: &RunState) -> Option<Digest> {
    let created = run.created.iter().map(|created| &created.tool);
    let last = created
        .chain(run.invocations.iter().map(|i| &i.tool))
        .last();
    last?.binary_sha256.clone()
}

/// After drift or expiry, asks for new evidence. `true`: it was asked for.
pub(super) fn renew<T: Target, R: Repository>(
    driver: &mut Driver<T, R>,
) -> Result<bool, RunnerError> {
    let recorder = driver.recorder()?;
    let now = recorder.now();
    let run = recorder.run();
    if run.renewal.is_some() {
        return Ok(true);
    }
    if run.owed_stop.is_some() {
        // A crash came before the stop was recorded: it is raised before anything is renewed.
        return Ok(false);
    }
    let Some(evidence) = &run.evidence else {
        return Ok(false);
    };
    let gate = evidence.gate;
    let waits = run.waits_at().is_some() || run.state == crate::run::State::CutSimulated;
    let reason = match &run.drift {
        Some(_) if waits => RenewalReason::Drift,
        None if run.waits_at() == Some(gate) && now >= evidence.expires_at => RenewalReason::Expiry,
        _ => return Ok(false),
    };
    recorder.record(Event::EvidenceRenewed(EvidenceRenewed { gate, reason }))?;
    Ok(true)
}

/// A resume that comes back to a waiting gate shows its evidence again, so that it is good for this boot.
pub(super) fn show_again<T: Target, R: Repository>(
    driver: &mut Driver<T, R>,
) -> Result<(), RunnerError> {
    let (boot_id, uptime_ms) = (driver.clock.boot_id(), driver.clock.uptime_ms());
    let by = driver.plan.person.clone();
    let recorder = driver.recorder()?;
    let now = recorder.now();
    let run = recorder.run();
    let (Some(gate), Some(evidence)) = (run.waits_at(), &run.evidence) else {
        return Ok(());
    };
    // An approval is good only for the boot in which its sheet was shown: uptime, which nobody can set, counts from there.
    let known_here = evidence.shown_boot == boot_id;
    if known_here || run.drift.is_some() || now >= evidence.expires_at || evidence.gate != gate {
        return Ok(());
    }
    let evidence = evidence.digest.clone();
    let shown = EvidenceShown {
        gate,
        evidence,
        by,
        expires_at: run.good_until(now),
        size: None,
        boot_id,
        uptime_ms,
    };
    // At the time that its expiry counts from.
    recorder.record_at(now, Event::EvidenceShown(shown))?;
    Ok(())
}

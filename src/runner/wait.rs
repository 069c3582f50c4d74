//! Waiting at a gate: commands, live reads, decisions.
//! Invariant: no database connection is held while nothing is read (test
//! `while_a_run_waits_no_session_is_open_and_its_holder_is_named_and_reached` of tests/integration/safety.rs).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use super::discoverer::{Discovered, discover};
use super::driver::{Driver, RunnerEnd, RunnerTask, held};
use super::messages::{DecisionReply, RunnerCommand};
use super::repository::Repository;
use super::target::{SurveyRequest, Target, TargetError};
use super::{RunRecorder, RunnerError, drift, resume, summary};
use crate::journal::JournalError;
use crate::run::{
    ApprovalRecorded, ApprovalRefused, ApprovalRequest, Ask, Decision, Effect, Event,
    EvidenceShown, LiveChange, LiveRead, Person, Request, RunState, Stop, StopCode, SurveyPurpose,
    TerminalSize, judge, next,
};
use crate::survey::{Digest, FactChange, Survey, SurveyChanges, differences};

/// The refusal of a request for new evidence while the evidence still stands.
const NOTHING_TO_RENEW: &str = "the evidence stands: nothing is to be taken anew";

/// Whether a survey is recorded again that differs from the pin exactly as the last one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeated {
    /// It is counted as a read, and what was recorded first stays: a run that waits for days must not grow by it. Nor by
    /// surveys that differ each time: of those the first are recorded.
    Counted,
    /// It is recorded again: drift is only what a recorded survey shows, and `verify` compares that with the pin.
    Recorded,
}

/// A full survey that was taken while the run waits.
struct FullRead {
    /// What differs from the pin, facts and server; empty: nothing.
    changes: Vec<FactChange>,
    /// Nonce of the transaction that read it; drift names it.
    nonce: String,
}

/// Pause between two looks at whether another machine took the run over.
const TAKEN_OVER_LOOK: Duration = Duration::from_secs(1);

/// Waits until another machine takes the run over through the run store; for ever where there is none.
async fn taken_over(recorder: Option<&mut RunRecorder>) -> JournalError {
    let Some(recorder) = recorder else {
        return std::future::pending().await;
    };
    loop {
        if let Err(error @ JournalError::TakenOver { .. }) = recorder.directory().permitted() {
            return error;
        }
        tokio::time::sleep(TAKEN_OVER_LOOK).await;
    }
}

impl<T: Target, R: Repository> Driver<T, R> {
    /// Waits for one command, the end of a hook or the next live read; `None`: the person left.
    pub(super) async fn wait(
        &mut self,
        commands: &mut mpsc::Receiver<RunnerCommand>,
    ) -> Option<RunnerTask> {
        // Live reads stop before they use up what the approvals and the closeout still need of the run's budget.
        let rest = self.run().and_then(RunState::live_reads_rest).is_some();
        let interval = self
            .plan
            .live_interval_s
            .filter(|seconds| *seconds > 0.0 && !rest);
        let pause = async {
            match interval {
                Some(seconds) => tokio::time::sleep(Duration::from_secs_f64(seconds)).await,
                None => std::future::pending().await,
            }
        };
        if let Ok(recorder) = self.recorder() {
            recorder.directory().waits(true);
        }
        let is_shared = self.plan.person.store_role.is_some();
        let taken_over = taken_over(self.recorder.as_mut().filter(|_| is_shared));
        let command = tokio::select! {
            // Polled in this order: a command of a person before a hook, a hook before the next read.
            biased;
            command = commands.recv() => command,
            ended = self.hooks.next_ended() => return Some(RunnerTask::HookEnded(ended)),
            error = taken_over => return Some(RunnerTask::End(error.into())),
            () = pause => return Some(RunnerTask::LiveRead),
        };
        match command {
            None | Some(RunnerCommand::Quit) => None,
            Some(command) => {
                // What is asked for may take its time: nobody takes the run over meanwhile.
                if let Ok(recorder) = self.recorder() {
                    recorder.directory().waits(false);
                }
                Some(RunnerTask::Command(command))
            }
        }
    }

    /// Performs a command.
    pub(super) async fn obey(&mut self, command: RunnerCommand) -> Result<(), RunnerError> {
        match command {
            RunnerCommand::Request { request, answer } => {
                let refused = self.fulfil(*request).await?;
                match (refused, answer) {
                    // A refusal is answered at once; a decision that was recorded when the run stops again, see `answer_all`.
                    (Some(why), Some(answer)) => {
                        let _ = answer.send(DecisionReply::Refused { why });
                    }
                    (None, Some(answer)) => self.answers.push(answer),
                    (_, None) => {}
                }
                Ok(())
            }
            RunnerCommand::Quit => Err(RunnerError::Interrupted),
            RunnerCommand::CutHooks => {
                self.hooks.cut();
                Ok(())
            }
        }
    }

    /// Does what a person asked for. `Some`: why it was refused.
    async fn fulfil(&mut self, request: Request) -> Result<Option<String>, RunnerError> {
        let Request { by, ask } = request;
        match ask {
            Ask::Decide(asked) => self.decide(&asked, &by),
            Ask::OpenSheet {
                gate,
                evidence,
                size,
            } => {
                self.show_sheet(gate, evidence, size, by).await?;
                Ok(None)
            }
            Ask::SurveyAgain => self.survey_again().await.map(|_| None),
            Ask::Renew {} => {
                let has_moved = self.recorder()?.run().has_moved();
                let renews = if has_moved {
                    self.survey_again().await?
                } else {
                    resume::renew(self)?
                };
                Ok((!renews).then(|| NOTHING_TO_RENEW.to_owned()))
            }
        }
    }

    /// Rules on a decision and records it, or its refusal. `Some`: why it was refused.
    pub(super) fn decide(
        &mut self,
        request: &ApprovalRequest,
        by: &Person,
    ) -> Result<Option<String>, RunnerError> {
        let (boot_id, uptime_ms) = (self.clock.boot_id(), self.clock.uptime_ms());
        let recorder = self.recorder()?;
        let now = recorder.now();
        match judge(recorder.run(), request, by, now, &boot_id) {
            Ok(ruling) => {
                let decision = ApprovalRecorded {
                    gate: request.gate,
                    decision: ruling.decision,
                    evidence: ruling.evidence,
                    reason: request.reason.clone(),
                    by: by.clone(),
                    boot_id,
                    uptime_ms,
                };
                // At the time that was ruled at: a moment later the evidence may have expired.
                recorder.record_at(now, Event::ApprovalRecorded(decision))?;
                Ok(None)
            }
            Err(refusal) => {
                let reason = refusal.to_string();
                recorder.record(Event::ApprovalRefused(ApprovalRefused {
                    gate: request.gate,
                    decision: request.decision,
                    evidence: request.evidence.clone(),
                    reason: reason.clone(),
                    by: by.clone(),
                }))?;
                Ok(Some(reason))
            }
        }
    }

    /// Records the decision that this process was started for, in the name of its own person. `Some`: it was refused, and how
    /// that ends.
    pub(super) fn decide_first(
        &mut self,
        request: &ApprovalRequest,
    ) -> Result<Option<RunnerEnd>, RunnerError> {
        let by = self.plan.person.clone();
        let refused = self.decide(request, &by)?;
        Ok(refused.map(|why| {
            let run = self.run().cloned().unwrap_or_default();
            summary::refused(run, why, &self.plan.call)
        }))
    }

    async fn show_sheet(
        &mut self,
        gate: crate::run::ApprovalGate,
        evidence: Digest,
        size: Option<TerminalSize>,
        by: Person,
    ) -> Result<(), RunnerError> {
        let (boot_id, uptime_ms) = (self.clock.boot_id(), self.clock.uptime_ms());
        let recorder = self.recorder()?;
        let now = recorder.now();
        // Evidence may have been renewed while the request was on its way: a sheet that is no longer current is not shown.
        let current = recorder.run().evidence.as_ref();
        let expired = current.is_some_and(|e| now >= e.expires_at);
        if current.is_none_or(|e| e.digest != evidence || e.gate != gate) || expired {
            return Ok(());
        }
        if !self.look_while_waiting(true).await? {
            return Ok(());
        }
        let recorder = self.recorder()?;
        let now = recorder.now();
        let shown = EvidenceShown {
            gate,
            evidence,
            by,
            expires_at: recorder.run().good_until(now),
            size,
            boot_id,
            uptime_ms,
        };
        // At the time that its expiry counts from.
        recorder.record_at(now, Event::EvidenceShown(shown))?;
        // The sheet accepts an approval only after this read: its facts are newer than the moment it was opened.
        self.read_everything(Repeated::Counted).await?;
        Ok(())
    }

    /// `r`: takes new evidence after drift or expiry; else everything is read again, and what moved is drift. If the screen had
    /// shown before that facts moved, the same key takes the new evidence. `true`: there is drift or new evidence on its way.
    async fn survey_again(&mut self) -> Result<bool, RunnerError> {
        if resume::renew(self)? {
            return Ok(true);
        }
        let run = self.recorder()?.run();
        // An approval that waits to take effect surveys again itself.
        if run.pending_approval().is_some() {
            return Ok(false);
        }
        // Taken before looking: only a person who already saw that facts moved asks for new evidence with the same key.
        let told = run.has_moved();
        if !self.look_while_waiting(true).await? {
            return Ok(false);
        }
        let Some(read) = self.read_everything(Repeated::Recorded).await? else {
            return Ok(false);
        };
        let recorder = self.recorder()?;
        let gate = recorder.run().waits_at();
        let mut drift = read.changes;
        drift.extend(recorder.run().moved_code());
        let found = drift::record(recorder, gate, drift, &read.nonce)?;
        self.renews_on_return = found && told;
        Ok(found)
    }

    /// All facts, for a person who waits. `None`: they could not be read, which is shown, and the run is kept.
    async fn read_everything(
        &mut self,
        repeated: Repeated,
    ) -> Result<Option<FullRead>, RunnerError> {
        let Some(mut found) = self.read(SurveyRequest::SURVEY).await? else {
            return Ok(None);
        };
        let recorder = self.recorder()?;
        let run = recorder.run();
        let mut differing = run.pin.as_ref().map_or_else(SurveyChanges::default, |pin| {
            differences(pin, &found.taken.survey)
        });
        let server = run.moved_server(&found.taken.survey.server);
        differing.voids.extend(server.iter().cloned());
        // A survey is recorded where it says something that the journal does not have yet: a run may wait for days.
        let says_nothing_new = match repeated {
            Repeated::Counted => run.is_known_to_differ_so(&differing.voids),
            Repeated::Recorded => false,
        };
        let beside_is_known = run.has_beside(&differing.beside);
        let is_known = (differing.voids.is_empty() || says_nothing_new) && beside_is_known;
        let is_one_too_many = repeated == Repeated::Counted && !run.records_surveys_of_wait();
        let changes = if is_known || is_one_too_many {
            differing.voids
        } else {
            let mut changes = drift::record_survey(recorder, SurveyPurpose::Again, &mut found)?;
            changes.extend(server);
            changes
        };
        record_read(
            recorder,
            changes.iter().map(LiveChange::from).collect(),
            true,
            None,
        )?;
        Ok(Some(FullRead {
            changes,
            nonce: found.taken.survey.snapshot.nonce,
        }))
    }

    /// The read that is due while the run waits: of everything where that is cheap, else of the live facts.
    pub(super) async fn read_live(&mut self) -> Result<(), RunnerError> {
        if !self.look_while_waiting(false).await? {
            return Ok(());
        }
        let now = self.recorder()?.now();
        if self.recorder()?.run().next_live_read_is_full(now) {
            self.read_everything(Repeated::Counted).await?;
            return Ok(());
        }
        let Some(found) = self.read(SurveyRequest::LIVE_READ).await? else {
            return Ok(());
        };
        let recorder = self.recorder()?;
        let changed = moved(recorder.run(), &found.taken.survey);
        record_read(recorder, changed, false, None)?;
        Ok(())
    }

    /// Looks around, for a run that waits; `false`: this machine had nothing to look with, which is shown, and the run is kept. `full`: all
    /// facts were to be read as well.
    async fn look_while_waiting(&mut self, full: bool) -> Result<bool, RunnerError> {
        match self.look_around().await {
            Err(error @ RunnerError::Shortage(_)) => {
                let why = Some(error.to_string());
                record_read(self.recorder()?, Vec::new(), full, why)?;
                Ok(false)
            }
            looked => looked.map(|()| true),
        }
    }

    /// Reads, or records why nothing could be read.
    async fn read(&mut self, ask: SurveyRequest) -> Result<Option<Discovered>, RunnerError> {
        let plan = self.plan.clone();
        let recorder = held(&mut self.recorder)?;
        let lifecycle = plan.profile.lifecycle.as_ref();
        match discover(&mut self.target, recorder, lifecycle, ask, None).await {
            Ok(found) => Ok(Some(found)),
            Err(
                error @ (RunnerError::Target(TargetError::Unavailable(_) | TargetError::Unfit(_))
                | RunnerError::OtherServer(_)),
            ) => {
                let why = Some(error.to_string());
                record_read(self.recorder()?, Vec::new(), !ask.live_only, why)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a screen may stay open after this error, so that a person can try again.
    pub(super) fn may_retry(error: &RunnerError) -> bool {
        matches!(error, RunnerError::Target(TargetError::Unavailable(_)))
    }

    /// After the database was lost during work: waits for a person to try again, decide or leave.
    pub(super) async fn after_trouble(
        &mut self,
        commands: &mut mpsc::Receiver<RunnerCommand>,
        backlog: &mut VecDeque<RunnerCommand>,
    ) -> Result<(), RunnerError> {
        loop {
            // The backlog first: its callers still wait for an answer.
            let command = if let Some(command) = backlog.pop_front() {
                Some(command)
            } else {
                tokio::select! {
                    command = commands.recv() => command,
                    ended = self.hooks.next_ended() => {
                        self.record_hook(ended)?;
                        continue;
                    }
                }
            };
            match command {
                None | Some(RunnerCommand::Quit) => return Err(RunnerError::Interrupted),
                Some(RunnerCommand::Request { request, answer }) => match &request.ask {
                    Ask::SurveyAgain => return Ok(()),
                    // Without the database nothing can be read for a sheet.
                    Ask::OpenSheet { .. } => {}
                    ask => {
                        let rejects =
                            matches!(ask, Ask::Decide(it) if it.decision == Decision::Reject);
                        self.obey(RunnerCommand::Request { request, answer })
                            .await?;
                        if rejects {
                            return Ok(());
                        }
                    }
                },
                Some(RunnerCommand::CutHooks) => self.hooks.cut(),
            }
            // Unless an approval still waits to be applied, which needs the database, `run::next` decides how to go on.
            if !matches!(next(self.recorder()?.run()), Effect::ApplyApproval(_)) {
                return Ok(());
            }
        }
    }
}

/// Records a read while the run waits, at the time of its line.
fn record_read(
    recorder: &mut RunRecorder,
    changed: Vec<LiveChange>,
    complete: bool,
    failed: Option<String>,
) -> Result<(), RunnerError> {
    let read_at = recorder.now();
    let read = LiveRead {
        read_at,
        changed,
        complete,
        failed,
    };
    recorder.record_at(read_at, Event::LiveRead(read))?;
    Ok(())
}

/// The facts of a read of the live facts whose values are not the pinned ones; facts that were not asked for do not count.
fn moved(run: &RunState, survey: &Survey) -> Vec<LiveChange> {
    let Some(pin) = &run.pin else {
        return Vec::new();
    };
    let server = run.moved_server(&survey.server);
    let facts = survey
        .facts
        .iter()
        .filter(|fact| {
            let pinned = pin.fact(fact.key.as_str());
            let value = fact.observed.value();
            value.is_none() || pinned.is_none_or(|pinned| pinned.observed.value() != value)
        })
        .map(|fact| LiveChange {
            key: fact.key.clone(),
            value: fact.observed.value().map(str::to_owned),
            reason: survey.unknown_reason(fact.key.as_str()).map(str::to_owned),
            rows: Vec::new(),
        });
    facts.chain(server.iter().map(LiveChange::from)).collect()
}

/// Records that the database was lost, so that every screen shows it; the run stays resumable.
pub(super) fn note_trouble<T: Target, R: Repository>(
    driver: &mut Driver<T, R>,
    error: &RunnerError,
) {
    let RunnerError::Target(TargetError::Unavailable(why)) = error else {
        return;
    };
    let Ok(recorder) = driver.recorder() else {
        return;
    };
    let run = recorder.run();
    let stop = Stop {
        stop_code: StopCode::StopDatabaseUnavailable,
        gate: run.waits_at(),
        state: run.state,
        evidence: run.evidence.as_ref().map(|e| e.digest.clone()),
        message: why.message.clone(),
        next: why.hint.clone(),
    };
    // The error itself is returned by the caller. If the journal fails here as well, the next write reports it.
    let _ = recorder.record(Event::StopRaised(stop));
}

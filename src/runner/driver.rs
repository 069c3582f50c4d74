//! The runner's loop: ask `run::next` for the next effect, perform it, repeat. Which effect comes next is decided by
//! `run::next` alone, a pure function of the folded run.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::clock::Clock;
use super::closeout::record_return;
use super::event_log::causes;
use super::hooks::{HookEnded, HookRunner};
use super::messages::{DecisionReply, RunnerCommand};
use super::recorder::RunRecorder;
use super::repository::Repository;
use super::target::Target;
use super::{RunPlan, RunnerError, resume, summary, wait};
use crate::run::{Effect, Event, RunState, StopCode, TransactionUnseen, exit, next};

/// What happens when the run waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Return to the caller with the exit code of the stop: no screen is open.
    Return,
    /// Keep waiting for commands: a screen is open.
    Stay,
}

/// What the driver returns to its process: exit code, run and sentences.
#[derive(Debug, Clone)]
pub struct RunnerEnd {
    /// The exit code of the process.
    pub exit_code: u8,
    /// The run as it is now.
    pub run: Box<RunState>,
    /// The stop at which the run waits; `None` where it has none.
    pub stop_code: Option<StopCode>,
    /// One sentence of what happened.
    pub message: String,
    /// One sentence of what to do next.
    pub next: String,
}

impl RunnerEnd {
    /// Whether an error ended it that no line of the journal tells.
    pub fn is_broken(&self) -> bool {
        match self.stop_code {
            Some(
                StopCode::StopStorageFailed
                | StopCode::StopRunLocked
                | StopCode::StopEvidenceCorrupt,
            ) => true,
            Some(_) => false,
            None => self.run.sealed.is_none() && self.exit_code != exit::OK,
        }
    }
}

/// The task at hand. Each is a future that may be dropped at any await point: what is not journalled has not happened.
pub(super) enum RunnerTask {
    /// What the run needs next, as `run::next` says.
    Effect(Effect),
    /// What a person asked for, from the screen or through the socket.
    Command(RunnerCommand),
    /// A read of the facts marked `live`, by timer while the run waits.
    LiveRead,
    /// A hook process ended and its outcome is to be recorded.
    HookEnded(HookEnded),
    /// The run cannot be gone on with here.
    End(RunnerError),
}

/// One process that holds one run.
pub struct Driver<T, R> {
    pub(super) recorder: Option<RunRecorder>,
    pub(super) target: T,
    pub(super) repository: Option<Arc<R>>,
    pub(super) plan: Arc<RunPlan>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hooks: HookRunner,
    /// A person who saw that facts moved asked for new evidence: it is taken once the drift has its stop.
    pub(super) renews_on_return: bool,
    /// Reply channels of callers at the socket, answered when the run stops again.
    pub(super) answers: Vec<tokio::sync::oneshot::Sender<DecisionReply>>,
}

/// The journal, while the run is not sealed: apart from the driver, so that its target can be used at the same time.
pub(super) fn held(recorder: &mut Option<RunRecorder>) -> Result<&mut RunRecorder, RunnerError> {
    recorder.as_mut().ok_or(RunnerError::Sealed)
}

impl<T: Target, R: Repository> Driver<T, R> {
    /// A driver of a run that this process owns.
    pub fn new(
        recorder: RunRecorder,
        target: T,
        repository: Option<R>,
        plan: Arc<RunPlan>,
    ) -> Self {
        let clock = recorder.clock().clone();
        let hooks = HookRunner::new(recorder.hook_records());
        Self {
            recorder: Some(recorder),
            target,
            repository: repository.map(Arc::new),
            plan,
            clock,
            hooks,
            renews_on_return: false,
            answers: Vec::new(),
        }
    }

    /// The run, as far as it is durable.
    pub fn run(&self) -> Option<&RunState> {
        self.recorder.as_ref().map(RunRecorder::run)
    }

    pub(super) fn recorder(&mut self) -> Result<&mut RunRecorder, RunnerError> {
        held(&mut self.recorder)
    }

    /// Drives the run until it ends, or comes back to a person as `patience` says.
    pub async fn drive(
        &mut self,
        patience: Patience,
        commands: &mut mpsc::Receiver<RunnerCommand>,
    ) -> RunnerEnd {
        let mut backlog = VecDeque::new();
        loop {
            let step = self.step(patience, commands, &mut backlog).await;
            match step {
                Ok(None) => {}
                Ok(Some(outcome)) => {
                    self.answer_all(&outcome);
                    return outcome;
                }
                Err(error) => {
                    let outcome = self.broken(&error);
                    self.answer_all(&outcome);
                    // The stop of a lost database is recorded by `broken` above; its hook is started before anybody waits.
                    if Self::may_retry(&error)
                        && let Err(error) = self.start_due_hook()
                    {
                        return self.broken(&error);
                    }
                    let effect = self.run().map(next);
                    let waits = matches!(effect, Some(Effect::AwaitPerson(_)));
                    // Refused and recorded while the run waits: the screen stays open.
                    let refused = matches!(
                        error,
                        RunnerError::OtherServer(_)
                            | RunnerError::RepositoryUnread(_)
                            | RunnerError::ChangeUnread(_)
                    );
                    if patience == Patience::Stay && waits && refused {
                        continue;
                    }
                    if patience == Patience::Stay && Self::may_retry(&error) {
                        match self.after_trouble(commands, &mut backlog).await {
                            Ok(()) => continue,
                            Err(error) => return self.broken(&error),
                        }
                    }
                    return outcome;
                }
            }
        }
    }

    async fn step(
        &mut self,
        patience: Patience,
        commands: &mut mpsc::Receiver<RunnerCommand>,
        backlog: &mut VecDeque<RunnerCommand>,
    ) -> Result<Option<RunnerEnd>, RunnerError> {
        let Some(recorder) = self.recorder.as_ref() else {
            return Ok(None);
        };
        let effect = next(recorder.run());
        self.turn_hooks(effect)?;
        match effect {
            Effect::AwaitPerson(_) => {
                // Without a screen the process waits only for its running hooks; a decision that comes meanwhile is obeyed.
                let returns = patience == Patience::Return && !self.hooks.are_running();
                // The outcome clones the whole run, so it is made only if there is somebody to send it to.
                if returns || !self.answers.is_empty() {
                    let outcome =
                        summary::waiting(held(&mut self.recorder)?.run(), &self.plan.call);
                    self.answer_all(&outcome);
                    if returns {
                        return Ok(Some(outcome));
                    }
                }
                let left = self.attend(commands, backlog).await?;
                Ok(left.then(|| {
                    let run = self.run().cloned().unwrap_or_default();
                    summary::left(&run, &self.plan.call)
                }))
            }
            Effect::WriteFiles => self.write_files().map(Some),
            effect => {
                let task = RunnerTask::Effect(effect);
                if self.run_unless_left(task, commands, backlog).await? {
                    return Err(RunnerError::Interrupted);
                }
                Ok(None)
            }
        }
    }

    /// Attends to a person: first to what was asked meanwhile, then to what is asked next. `true`: the person left.
    async fn attend(
        &mut self,
        commands: &mut mpsc::Receiver<RunnerCommand>,
        backlog: &mut VecDeque<RunnerCommand>,
    ) -> Result<bool, RunnerError> {
        if backlog.is_empty() {
            let Some(task) = self.wait(commands).await else {
                return Ok(true);
            };
            return self.run_unless_left(task, commands, backlog).await;
        }
        while let Some(command) = backlog.pop_front() {
            let task = RunnerTask::Command(command);
            if self.run_unless_left(task, commands, backlog).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Runs a task while receiving commands. `Quit` drops the task's future; every other command goes to the backlog. `true`:
    /// the person left.
    async fn run_unless_left(
        &mut self,
        task: RunnerTask,
        commands: &mut mpsc::Receiver<RunnerCommand>,
        backlog: &mut VecDeque<RunnerCommand>,
    ) -> Result<bool, RunnerError> {
        let left = {
            let work = self.run_task(task);
            tokio::pin!(work);
            let mut open = true;
            loop {
                tokio::select! {
                    // Polled in this order: a task that is done counts before a Quit that came at the same time.
                    biased;
                    done = &mut work => break done.map(|()| false),
                    command = commands.recv(), if open => match command {
                        Some(RunnerCommand::Quit) => break Ok(true),
                        Some(command) => backlog.push_back(command),
                        // All senders are gone; `recv` would return at once from now on and spin.
                        None => open = false,
                    },
                }
            }
        }?;
        if left {
            let recorder = self.recorder()?;
            // The dropped connection ends the transaction at the server, but nobody has seen it end.
            if let Some(id) = super::discoverer::open_transaction(recorder) {
                recorder.record(Event::TransactionUnseen(TransactionUnseen {
                    id,
                    reason: "a person left while it was open".to_owned(),
                }))?;
            }
        }
        Ok(left)
    }

    async fn run_task(&mut self, task: RunnerTask) -> Result<(), RunnerError> {
        match task {
            RunnerTask::Effect(effect) => self.perform(effect).await,
            RunnerTask::Command(command) => self.obey(command).await,
            RunnerTask::LiveRead => self.read_live().await,
            RunnerTask::HookEnded(ended) => self.record_hook(ended),
            RunnerTask::End(error) => Err(error),
        }
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), RunnerError> {
        match effect {
            Effect::Precheck => self.precheck(),
            Effect::TakePin => self.take_pin().await,
            Effect::Seed => self.seed().await,
            Effect::TakeEvidence(gate) => self.take_evidence(gate),
            Effect::RenewEvidence(gate) => self.renew_evidence(gate).await,
            Effect::ApplyApproval(gate) | Effect::FinishSteps(gate) => {
                self.apply_approval(gate).await
            }
            Effect::Reject(_) => self.reject(),
            Effect::RaiseStop(code) => self.raise_stop(code),
            Effect::Return => self.return_to_person(),
            Effect::TakePostSurvey => self.take_post_survey().await,
            Effect::JudgeNonMutation => self.judge_non_mutation(),
            Effect::FinishOrchestration => self.finish_orchestration(),
            Effect::ProveResume => self.prove_resume(),
            Effect::RunProbes => self.run_probes(),
            Effect::ReportAndSeal => self.report_and_seal(),
            Effect::AwaitPerson(_) | Effect::WriteFiles => Ok(()),
        }
    }

    /// Records that the run came back to a person.
    fn return_to_person(&mut self) -> Result<(), RunnerError> {
        resume::show_again(self)?;
        record_return(self.recorder()?)?;
        if std::mem::take(&mut self.renews_on_return) {
            resume::renew(self)?;
        }
        self.write_sidecar()
    }

    pub(super) fn answer_all(&mut self, outcome: &RunnerEnd) {
        for answer in self.answers.drain(..) {
            let summary = summary::text(outcome);
            let stopped = DecisionReply::Stopped {
                exit_code: outcome.exit_code,
                summary,
            };
            // The caller may have disconnected; the journal has the decision.
            let _ = answer.send(stopped);
        }
    }

    /// The outcome of an error; a database that is gone is recorded as a stop of the run.
    pub(super) fn broken(&mut self, error: &RunnerError) -> RunnerEnd {
        tracing::warn!(causes = ?causes(error), "the run cannot go on");
        wait::note_trouble(self, error);
        let run = self.run().cloned().unwrap_or_default();
        summary::broken(run, error, &self.plan.call)
    }
}

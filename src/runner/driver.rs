//! The loop: what comes next, do it, again. Invariant: it decides nothing; `run::next` does.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::chronicle::Chronicle;
use super::clock::Clock;
use super::notice::{Answer, Command};
use super::repository::Repository;
use super::target::Target;
use super::{Plan, RunnerError, summary, taking_up, waiting};
use crate::run::{Effect, Event, RunState, StopCode, next};

/// What happens when the run waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Come back to the caller: headless.
    Return,
    /// Wait for commands: a screen is open.
    Stay,
}

/// How the driver came back.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exit code of the process.
    pub exit_code: u8,
    /// The run as it is now.
    pub run: Box<RunState>,
    /// The stop, where the run did not end.
    pub stop_code: Option<StopCode>,
    /// One sentence of what happened.
    pub message: String,
    /// One sentence of what to do next.
    pub next: String,
}

/// One process that holds one run.
pub struct Driver<T, R> {
    pub(super) chronicle: Option<Chronicle>,
    pub(super) target: T,
    pub(super) repository: Option<R>,
    pub(super) plan: Arc<Plan>,
    pub(super) clock: Arc<dyn Clock>,
    /// Answers owed to whoever decided through another process.
    pub(super) answers: Vec<tokio::sync::oneshot::Sender<Answer>>,
}

impl<T: Target, R: Repository> Driver<T, R> {
    /// A driver of a run that this process owns.
    pub fn new(chronicle: Chronicle, target: T, repository: Option<R>, plan: Arc<Plan>) -> Self {
        let clock = chronicle.clock().clone();
        Self {
            chronicle: Some(chronicle),
            target,
            repository,
            plan,
            clock,
            answers: Vec::new(),
        }
    }

    /// The run, as far as it is durable.
    pub fn run(&self) -> Option<&RunState> {
        self.chronicle.as_ref().map(Chronicle::run)
    }

    pub(super) fn book(&mut self) -> Result<&mut Chronicle, RunnerError> {
        self.chronicle
            .as_mut()
            .ok_or_else(|| RunnerError::Report("the run is sealed".to_owned()))
    }

    /// Drives the run until it ends, or comes back to a person as `patience` says.
    pub async fn drive(
        &mut self,
        patience: Patience,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Outcome {
        let mut backlog = Vec::new();
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
                    if patience == Patience::Stay && Self::may_retry(&error) {
                        match self.after_trouble(commands).await {
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
        commands: &mut mpsc::Receiver<Command>,
        backlog: &mut Vec<Command>,
    ) -> Result<Option<Outcome>, RunnerError> {
        let Some(chronicle) = self.chronicle.as_ref() else {
            return Ok(None);
        };
        match next(chronicle.run()) {
            Effect::AwaitPerson(_) => {
                let outcome = summary::waiting(chronicle.run());
                self.answer_all(&outcome);
                if patience == Patience::Return {
                    return Ok(Some(outcome));
                }
                for command in backlog.drain(..) {
                    self.obey(command).await?;
                }
                self.wait(commands).await
            }
            Effect::WriteFiles => self.write_files().map(Some),
            effect => {
                self.perform_unless_left(effect, commands, backlog).await?;
                Ok(None)
            }
        }
    }

    /// Performs an effect while listening for a person who wants to leave; other commands wait.
    async fn perform_unless_left(
        &mut self,
        effect: Effect,
        commands: &mut mpsc::Receiver<Command>,
        backlog: &mut Vec<Command>,
    ) -> Result<(), RunnerError> {
        let left = {
            let work = self.perform(effect);
            tokio::pin!(work);
            let mut open = true;
            loop {
                tokio::select! {
                    biased;
                    done = &mut work => break done.map(|()| false),
                    command = commands.recv(), if open => match command {
                        Some(Command::Quit) => break Ok(true),
                        Some(command) => backlog.push(command),
                        None => open = false,
                    },
                }
            }
        }?;
        if !left {
            return Ok(());
        }
        let chronicle = self.book()?;
        if let Some(id) = super::discoverer::open_transaction(chronicle) {
            chronicle.record(Event::TransactionUnseen {
                id,
                reason: "a person left while it was open".to_owned(),
            })?;
        }
        Err(RunnerError::Interrupted)
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), RunnerError> {
        match effect {
            Effect::Precheck => self.precheck(),
            Effect::TakePin => self.take_pin().await,
            Effect::Seed => self.seed(),
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
        taking_up::show_again(self)?;
        let chronicle = self.book()?;
        let run = chronicle.run();
        let r = u32::try_from(run.returns.len() + 1).unwrap_or(u32::MAX);
        let stop_code = summary::stop_code(run);
        let state = run.state;
        chronicle.record(Event::InvocationReturned {
            r,
            state,
            stop_code,
        })?;
        self.write_sidecar()
    }

    pub(super) fn answer_all(&mut self, outcome: &Outcome) {
        for answer in self.answers.drain(..) {
            let summary = summary::json(outcome).to_string();
            let stopped = Answer::Stopped {
                exit_code: outcome.exit_code,
                summary,
            };
            // Whoever asked may be gone; the journal has the decision.
            let _ = answer.send(stopped);
        }
    }

    /// The outcome of an error; a database that is gone is recorded as a stop of the run.
    fn broken(&mut self, error: &RunnerError) -> Outcome {
        waiting::note_trouble(self, error);
        let run = self.run().cloned().unwrap_or_default();
        summary::broken(run, error)
    }
}

//! The runner on a thread of its own, with a current-thread tokio runtime.
//! Invariant: a screen never blocks on the runner: `Handle::try_send` is a non-blocking send to a channel of `COMMANDS_MAX`
//! places. Only `Handle::join` waits.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{broadcast, mpsc};

use super::driver::{Driver, Patience, RunnerEnd};
use super::messages::RunnerCommand;
use super::recorder::RunRecorder;
use super::repository::Repository;
use super::target::Target;
use super::watchers::WatchersChanged;
use super::{RunPlan, RunnerError, run_socket};

/// Commands that may queue for a busy runner; beyond that they are refused, so that no sender waits.
const COMMANDS_MAX: usize = 64;

/// Messages that a caller at the socket may be behind; what it misses beyond that is progress that is over.
const MESSAGES_MAX: usize = 64;

/// How this process took up the run: made new, resumed, or resumed with a request.
#[derive(Debug, Clone)]
pub struct TakenUp {
    /// It existed before: `run_resumed` is recorded.
    pub resumed: bool,
    /// Torn tails that were set aside and are not journalled yet: file and bytes.
    pub torn: Vec<(String, u64)>,
    /// A person asked for new evidence (`resume` after drift or expiry).
    pub renewing: bool,
    /// The database is reached by another way than the run has recorded: whether it is the same one is looked at first.
    pub elsewhere: bool,
}

/// Called once with how the runner ended, on its thread.
pub type AtEnd = Box<dyn FnOnce(&Result<RunnerEnd, RunnerError>) + Send>;

/// Called last of all, on the runner's thread: no hook runs any more.
pub type AtExit = Box<dyn FnOnce() + Send>;

/// Name of the runner's thread, as the system shows it.
const RUNNER_THREAD: &str = "runner";

/// Options of the runner: how it was started and which callbacks it has.
pub struct RunnerOptions {
    /// How this process took up the run.
    pub taken_up: TakenUp,
    /// A decision to record before anything else, for `approve` and `reject` without a holder.
    pub first: Option<crate::run::ApprovalRequest>,
    /// Whether to return or to wait for commands when the run waits for a person.
    pub patience: Patience,
    /// Called when watchers connect or disconnect.
    pub watchers_changed: WatchersChanged,
    /// Called with how the runner ended; hooks may still run.
    pub at_end: AtEnd,
    /// Called when no hook runs any more.
    pub at_exit: AtExit,
}

/// A handle to the runner's thread: sends commands and joins it.
pub struct Handle {
    commands: mpsc::Sender<RunnerCommand>,
    thread: JoinHandle<Result<RunnerEnd, RunnerError>>,
}

impl Handle {
    /// Sends a command without waiting; `false`: the runner is gone or has too many to do.
    pub fn try_send(&self, command: RunnerCommand) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// A sender of commands for another thread.
    pub fn commands(&self) -> mpsc::Sender<RunnerCommand> {
        self.commands.clone()
    }

    /// Waits for the runner to end.
    pub fn join(self) -> Result<RunnerEnd, RunnerError> {
        // A runner that waits ends when the last sender is gone.
        drop(self.commands);
        self.thread
            .join()
            .unwrap_or_else(|_| Err(RunnerError::Panicked))
    }
}

/// Takes the run up where that is needed, and records the first decision. `Some`: it was refused, or another server was
/// reached, and that is the end.
async fn begin<T: Target, R: Repository>(
    driver: &mut Driver<T, R>,
    taken_up: TakenUp,
    first: Option<crate::run::ApprovalRequest>,
) -> Result<Option<RunnerEnd>, RunnerError> {
    if taken_up.resumed {
        driver.take_up(taken_up.torn, taken_up.renewing)?;
    }
    if let Some(request) = first {
        return driver.decide_first(&request);
    }
    if taken_up.elsewhere
        && let Err(error) = driver.meet_server().await
    {
        return Ok(Some(driver.broken(&error)));
    }
    Ok(None)
}

/// Starts the runner on its own thread with its own event loop. `target` is made there, from `make_target`.
pub fn spawn<T, R, F>(
    recorder: RunRecorder,
    make_target: F,
    repository: Option<R>,
    plan: Arc<RunPlan>,
    options: RunnerOptions,
) -> Result<Handle, RunnerError>
where
    T: Target,
    R: Repository,
    F: FnOnce() -> T + Send + 'static,
{
    let RunnerOptions {
        taken_up,
        first,
        patience,
        watchers_changed,
        at_end,
        at_exit,
    } = options;
    let (commands, mut inbox) = mpsc::channel(COMMANDS_MAX);
    let from_others = commands.clone();
    let thread = thread::Builder::new()
        .name(RUNNER_THREAD.to_owned())
        .spawn(move || {
            // One thread is enough: the runner does one thing at a time. It also lets the target be no `Send`, which is why it
            // is made here.
            // Everything of this thread belongs to the run: its tasks run nowhere else.
            let run_id = recorder.run().run_id().map(ToString::to_string);
            let _span = tracing::info_span!("run", run_id).entered();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let outcome = runtime.block_on(async {
                let mut recorder = recorder;
                let (told, _) = broadcast::channel(MESSAGES_MAX);
                let listener =
                    run_socket::listen(&plan, from_others, told.clone(), watchers_changed);
                recorder.also_tell(move |message| {
                    // Cloned for callers that wait, not for nobody.
                    if told.receiver_count() > 0 {
                        let _ = told.send(message.clone());
                    }
                });
                if let Some(listener) = &listener
                    && let Err(error) = recorder.directory().name_socket(listener.path())
                {
                    // The run itself does not need it.
                    tracing::warn!(%error, "LOCK does not name the socket: nobody finds it");
                }
                let mut driver = Driver::new(recorder, make_target(), repository, plan);
                let begun = begin(&mut driver, taken_up, first).await;
                let outcome = match begun {
                    Ok(None) => Ok(driver.drive(patience, &mut inbox).await),
                    Ok(Some(refused)) => Ok(refused),
                    Err(error) => Err(error),
                };
                if let Some(listener) = listener {
                    // Callers get their answers before the end is reported; after `at_end` the process may exit.
                    listener.finish().await;
                }
                at_end(&outcome);
                if let Ok(outcome) = &outcome {
                    driver.see_hooks_out(&outcome.run, &mut inbox).await;
                }
                at_exit();
                outcome
            });
            // Dropped as it is, the runtime would wait for a git that hangs on a dead disk.
            runtime.shutdown_background();
            outcome
        })?;
    Ok(Handle { commands, thread })
}

//! Hooks of the profile, run beside the runner's work.
//! Invariant: the start is journalled, then the process runs, then its outcome is recorded (`start_due_hook`, `record_hook`;
//! test `a_hook_whose_process_died_is_not_run_again_and_its_end_is_not_made_up`). The run does not wait for a hook
//! (`approvals_and_the_seal_do_not_wait_for_a_hook_that_hangs_and_a_signal_ends_it`).

use serde_json::Value;
use tokio::sync::mpsc;

use super::driver::Driver;
use super::hook_document::document;
use super::hook_process::{self, HookOrder, OUTPUT_BYTES_MAX, RunningHook};
use super::messages::RunnerCommand;
use super::repository::Repository;
use super::target::Target;
use super::{RunPlan, RunnerError};
use crate::audit::scan_for_secrets;
use crate::documents::HookDocument;
use crate::journal::{HookRecord, HookRecords, StartedIn};
use crate::run::{
    Effect, Event, HookEnd, HookOutcome, HookOutput, HookPoint, HookRan, HookStarted, RunState,
    due_hook,
};

/// Where the start of a hook is recorded: file and sequence number. It identifies the hook's run.
type Started = (StartedIn, u64);

/// A hook that has ended, with its outcome.
pub(super) struct HookEnded {
    hook: HookPoint,
    started: Started,
    outcome: HookOutcome,
}

/// The hooks of one process.
pub(super) struct HookRunner {
    running: Vec<(Started, RunningHook)>,
    tells: mpsc::UnboundedSender<HookEnded>,
    ended: mpsc::UnboundedReceiver<HookEnded>,
    records: HookRecords,
}

impl HookRunner {
    /// No hook runs yet. After the seal the journal is closed, so outcomes go to `records`.
    pub fn new(records: HookRecords) -> Self {
        let (tells, ended) = mpsc::unbounded_channel();
        Self {
            running: Vec::new(),
            tells,
            ended,
            records,
        }
    }

    /// Whether any hook of this process still runs.
    pub fn are_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Waits for the next hook to end; pending forever while none runs.
    pub async fn next_ended(&mut self) -> HookEnded {
        match self.ended.recv().await {
            Some(ended) => ended,
            // Not reached: this value holds a sender itself.
            None => std::future::pending().await,
        }
    }

    /// Kills the running hooks; each then ends with `HookEnd::Cut`.
    pub fn cut(&self) {
        for (_, process) in &self.running {
            process.cut();
        }
    }

    /// Runs a hook whose start is durable.
    fn run(&mut self, hook: HookPoint, started: Started, order: HookOrder) {
        let tells = self.tells.clone();
        let process = hook_process::start(order, move |outcome| {
            // A runner that is gone leaves the start without an end: whoever resumes says so.
            let _ = tells.send(HookEnded {
                hook,
                started,
                outcome,
            });
        });
        tracing::info!(hook = %hook, "hook started");
        self.running.push((started, process));
    }
}

impl<T: Target, R: Repository> Driver<T, R> {
    /// Journals the hooks that have ended, and starts the one that is due, unless the return to the person is not journalled
    /// yet.
    pub(super) fn turn_hooks(&mut self, effect: Effect) -> Result<(), RunnerError> {
        if self.recorder()?.run().sealed.is_some() {
            return Ok(());
        }
        while let Ok(ended) = self.hooks.ended.try_recv() {
            self.record_hook(ended)?;
        }
        // The hook of a stop runs only once the stop is complete in the journal.
        if matches!(effect, Effect::Return | Effect::RaiseStop(_)) {
            return Ok(());
        }
        self.start_due_hook()
    }

    /// Starts the hook that the last stop calls for, if the profile names one.
    pub(super) fn start_due_hook(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let recorder = self.recorder()?;
        let Some((hook, stop)) = due_hook(recorder.run()) else {
            return Ok(());
        };
        let Some((program, order)) = order(&plan, hook) else {
            return Ok(());
        };
        let started = recorder.record(Event::HookStarted(HookStarted {
            hook,
            stop,
            program,
        }))?;
        let run = recorder.run();
        let raised = run.stops.iter().find(|raised| raised.seq == stop);
        let head = recorder.hook_records().head()?;
        let document = document(run, hook, raised, head, &plan);
        let order = order.with_input(&document)?;
        self.hooks.run(hook, (StartedIn::Journal, started), order);
        Ok(())
    }

    /// Records how a hook ended: in the journal, or beside it once the run is sealed.
    pub(super) fn record_hook(&mut self, ended: HookEnded) -> Result<(), RunnerError> {
        let HookEnded {
            hook,
            started,
            outcome,
        } = ended;
        self.hooks
            .running
            .retain(|(running, _)| *running != started);
        tracing::info!(hook = %hook, end = %outcome.end, took_ms = outcome.took_ms, "hook ended");
        let outcome = without_secrets(outcome, &self.target);
        if let (Some(recorder), (StartedIn::Journal, started)) = (&mut self.recorder, started)
            && recorder.run().sealed.is_none()
        {
            recorder.record(Event::HookRan(HookRan {
                hook,
                started,
                outcome: Box::new(outcome),
            }))?;
            return Ok(());
        }
        let at = self.clock.now();
        Ok(self.hooks.records.end(at, hook, started, outcome)?)
    }

    /// Records the hooks that an earlier process started and did not see end. They are not run again: a notification may have
    /// side effects, and it may have run.
    pub(super) fn give_up_unseen_hooks(&mut self) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        let open = recorder.run().open_hooks();
        let open: Vec<_> = open.map(|open| (open.hook, open.started)).collect();
        for (hook, started) in open {
            let outcome = Box::new(HookOutcome::bare(HookEnd::Unseen));
            recorder.record(Event::HookRan(HookRan {
                hook,
                started,
                outcome,
            }))?;
        }
        Ok(())
    }

    /// After the runner is done: runs the hook of the end if this process sealed `run`, and waits for all that run, each for
    /// its limit at most; a signal cuts them short. Nothing here changes how the run ended.
    pub async fn see_hooks_out(
        &mut self,
        run: &RunState,
        commands: &mut mpsc::Receiver<RunnerCommand>,
    ) {
        if self.recorder.is_none() {
            // The run is sealed and its result stands: a hook without a record reads as not seen.
            let _ = self.record_unseen_after_seal(run);
            let _ = self.start_end_hook(run);
        }
        let mut open = true;
        while self.hooks.are_running() {
            tokio::select! {
                ended = self.hooks.next_ended() => drop(self.record_hook(ended)),
                command = commands.recv(), if open => match command {
                    Some(RunnerCommand::CutHooks) => self.hooks.cut(),
                    Some(_) => {}
                    None => open = false,
                },
            }
        }
    }

    fn start_end_hook(&mut self, run: &RunState) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let hook = HookPoint::OnEnd;
        let Some((program, order)) = order(&plan, hook) else {
            return Ok(());
        };
        let records = &self.hooks.records;
        let started = records.start(self.clock.now(), hook, program)?;
        let head = records.head()?;
        let document = document(run, hook, None, head, &plan);
        let order = order.with_input(&document)?;
        self.hooks.run(hook, (StartedIn::Hooks, started), order);
        Ok(())
    }

    /// Records the hooks whose start is in the journal and whose end can no longer be written there, because the run is sealed.
    fn record_unseen_after_seal(&mut self, run: &RunState) -> Result<(), RunnerError> {
        let records = self.hooks.records.clone();
        let known = records.read()?;
        for open in run.open_hooks() {
            let started = (StartedIn::Journal, open.started);
            let runs = self
                .hooks
                .running
                .iter()
                .any(|(running, _)| *running == started);
            let recorded = known.iter().any(|entry| {
                matches!(entry.event, HookRecord::HookRan { started_in, started, .. }
                    if (started_in, started) == (StartedIn::Journal, open.started))
            });
            if !runs && !recorded {
                let outcome = HookOutcome::bare(HookEnd::Unseen);
                records.end(self.clock.now(), open.hook, started, outcome)?;
            }
        }
        Ok(())
    }
}

/// The command of a hook, with its program as it is recorded; `None`: the profile names none.
fn order(plan: &RunPlan, hook: HookPoint) -> Option<(String, HookOrder)> {
    let hooks = &plan.profile.hooks;
    let words = match hook {
        HookPoint::OnWait => &hooks.on_wait,
        HookPoint::OnStop => &hooks.on_stop,
        HookPoint::OnEnd => &hooks.on_end,
    };
    let words = words.clone()?;
    let order = HookOrder {
        directory: plan.profile_directory.clone(),
        limit: hooks.limit(),
        input: Vec::new(),
        head: None,
        words,
    };
    Some((order.words.first()?.clone(), order))
}

impl HookOrder {
    /// One line; members are in the order of their names.
    fn with_input(self, document: &HookDocument) -> Result<Self, RunnerError> {
        let sorted = serde_json::to_value(document)?;
        let input = format!("{sorted}\n").into_bytes();
        let head = document.head.clone();
        Ok(Self {
            input,
            head,
            ..self
        })
    }
}

/// Outputs of a hook are recorded, so a text that looks like a secret is withheld, and the passwords that drygate has are taken
/// out of any other. Both forms are scanned: the text as it stands and as JSON escapes it in the journal.
fn without_secrets(mut outcome: HookOutcome, target: &impl Target) -> HookOutcome {
    for HookOutput { text, bytes } in [&mut outcome.stdout, &mut outcome.stderr] {
        let written = Value::String(text.clone()).to_string();
        let found = [text.as_str(), &written].map(|text| scan_for_secrets("", text));
        if found.iter().any(|found| !found.is_empty()) {
            "(withheld: it looks like a secret)".clone_into(text);
        } else {
            *text = target.without_passwords(text, *bytes > OUTPUT_BYTES_MAX as u64);
        }
    }
    outcome
}

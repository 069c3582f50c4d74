//! Hooks: commands of the profile that are run when a run waits, stops or ends.
//! Invariant: a hook is recorded and never moves the run (test `a_hook_is_due_once_for_a_stop_and_moves_nothing` of
//! tests/machine.rs).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{HookStarted, RunState, StopCode};
use crate::survey::{UtcTime, named_enum};

named_enum! {
    /// When a hook is run.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[cfg_attr(test, derive(schemars::JsonSchema))]
    pub enum HookPoint {
        /// The run waits for a person at SG1 or SG2.
        OnWait = "on_wait",
        /// Any other stop was raised: drift, no database, a failed gate, a rejection.
        OnStop = "on_stop",
        /// The run is sealed.
        OnEnd = "on_end",
    }
}

/// How a hook came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum HookEnd {
    /// By itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// By a signal that did not come from drygate.
    Signalled {
        /// The signal.
        signal: i32,
    },
    /// It, or what it left behind, was still there at the time limit: its process group was killed.
    TimedOut {
        /// The limit.
        limit_ms: u64,
    },
    /// A signal ended drygate: the process group of the hook was killed.
    Cut,
    /// It could not be run.
    NotStarted {
        /// What the system says.
        why: String,
    },
    /// Its end was not seen: the process that had started it died first. It is not run again.
    Unseen,
}

impl fmt::Display for HookEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code } => write!(f, "exit {code}"),
            Self::Signalled { signal } => write!(f, "ended by signal {signal}"),
            Self::TimedOut { limit_ms } => write!(f, "killed at its limit of {limit_ms} ms"),
            Self::Cut => f.write_str("killed: a signal ended drygate"),
            Self::NotStarted { why } => write!(f, "could not be run: {why}"),
            Self::Unseen => f.write_str("end not seen: the process that started it died first"),
        }
    }
}

/// What a hook wrote to one of its outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookOutput {
    /// The beginning; what is no UTF-8 is replaced, what looks like a secret is withheld.
    pub text: String,
    /// How many bytes it wrote in all.
    pub bytes: u64,
}

/// What is known of a hook once it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookOutcome {
    /// How it ended.
    #[serde(flatten)]
    pub end: HookEnd,
    /// How long it took; 0 where nobody saw it.
    pub took_ms: u64,
    /// Standard output.
    pub stdout: HookOutput,
    /// Standard error.
    pub stderr: HookOutput,
}

impl HookOutcome {
    /// An outcome of which nothing but its end is known.
    pub fn bare(end: HookEnd) -> Self {
        Self {
            end,
            took_ms: 0,
            stdout: HookOutput::default(),
            stderr: HookOutput::default(),
        }
    }
}

/// A hook that was started while the run was not sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct HookRun {
    /// When it is run.
    pub hook: HookPoint,
    /// Journal line of the stop that it reports.
    pub stop: u64,
    /// Journal line of its start.
    pub started: u64,
    /// When it was started.
    pub at: UtcTime,
    /// Its program, without arguments.
    pub program: String,
    /// How it ended; `None`: it is not over, or that is recorded after the seal.
    pub outcome: Option<HookOutcome>,
}

/// The hook that the last stop calls for, with the journal line of that stop. Each stop has its hook run once, and none for a
/// stop that is answered already.
///
/// Whether the profile names a command for it is not known here.
pub fn due_hook(run: &RunState) -> Option<(HookPoint, u64)> {
    let raised = run.stops.last()?;
    // By the line of the stop, which a process that takes the run up knows too.
    let told = run.hooks.iter().any(|hook| hook.stop == raised.seq);
    let waits = raised.stop.stop_code == StopCode::StopApprovalRequired;
    // Who is called for a question that is answered already finds nothing to do.
    let answered = waits
        && (run.waits_at() != raised.stop.gate
            || run.pending_approval().is_some()
            || run.is_rejected());
    if told || answered || run.sealed.is_some() {
        return None;
    }
    let hook = if waits {
        HookPoint::OnWait
    } else {
        HookPoint::OnStop
    };
    Some((hook, raised.seq))
}

impl RunState {
    /// The hooks whose end is not recorded.
    pub fn open_hooks(&self) -> impl Iterator<Item = &HookRun> {
        self.hooks.iter().filter(|hook| hook.outcome.is_none())
    }

    /// The hooks whose program ran, as far as known.
    pub fn hooks_run(&self) -> impl Iterator<Item = &HookRun> {
        let failed = |end: &HookEnd| matches!(end, HookEnd::NotStarted { .. });
        let ran = move |hook: &&HookRun| hook.outcome.as_ref().is_none_or(|o| !failed(&o.end));
        self.hooks.iter().filter(ran)
    }

    pub(super) fn start_hook(&mut self, seq: u64, at: UtcTime, started: &HookStarted) {
        self.hooks.push(HookRun {
            hook: started.hook,
            stop: started.stop,
            started: seq,
            at,
            program: started.program.clone(),
            outcome: None,
        });
    }

    pub(super) fn end_hook(&mut self, started: u64, outcome: &HookOutcome) {
        let open = self.hooks.iter_mut().find(|hook| hook.started == started);
        if let Some(open) = open {
            open.outcome = Some(outcome.clone());
        }
    }
}

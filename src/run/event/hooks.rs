//! Hooks of the profile.

use serde::{Deserialize, Serialize};

use crate::run::{HookOutcome, HookPoint};

/// A hook of the profile is about to be run: journalled before its process is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookStarted {
    /// When it is run.
    pub hook: HookPoint,
    /// Journal line of the stop that it is told.
    pub stop: u64,
    /// Its program, without arguments.
    pub program: String,
}

/// A hook is over, or its end was not seen. It moved nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HookRan {
    /// When it is run.
    pub hook: HookPoint,
    /// Journal line of its start.
    pub started: u64,
    /// How it ended.
    pub outcome: Box<HookOutcome>,
}

//! Which locks a change may take, and for how long. Invariant: what is held longest is what is judged, whether it was read or sampled
//! (`LockPolicy::violations`).

use serde::{Deserialize, Serialize};

use super::{LockMode, RecordedChange};

/// What a profile forbids of the locks that a change holds when it is rehearsed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LockPolicy {
    /// Modes that it may not take on any relation that others can see, for however short: `AccessExclusiveLock`. `AccessShareLock`
    /// is not recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forbid: Vec<LockMode>,
    /// Milliseconds that a lock may be held while which rows cannot be written (`ShareLock` and stronger), on the machine that
    /// rehearses; none: without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_ms_max: Option<u64>,
}

impl LockPolicy {
    /// What a change did that it may not do: each lock with its statement and seconds.
    pub fn violations(&self, recorded: &RecordedChange) -> Vec<String> {
        let several = recorded.phases.len() > 1;
        let against = recorded.locks.iter().filter_map(|longest| {
            let lock = &longest.lock;
            let limit = self.held_ms_max.filter(|_| lock.mode.is_strong());
            let why = if self.forbid.contains(&lock.mode) {
                "which is forbidden".to_owned()
            } else {
                let limit = limit.filter(|limit| lock.held_ms > *limit)?;
                format!("at most {limit} ms are allowed")
            };
            let phase = if several {
                format!("{}.", longest.phase)
            } else {
                String::new()
            };
            Some(format!(
                "{}: {} held {} here, {why}, by statement {phase}{}: {}",
                lock.relation,
                lock.mode.name(),
                lock.held(),
                longest.statement,
                longest.text
            ))
        });
        against.collect()
    }

    /// `AccessExclusiveLock is forbidden; a strong lock may be held 2000 ms at most`.
    pub fn words(&self) -> String {
        let forbidden = self.forbid.iter();
        let mut words: Vec<String> = forbidden
            .map(|mode| format!("{} is forbidden", mode.name()))
            .collect();
        words.extend(
            self.held_ms_max
                .map(|limit| format!("a strong lock may be held {limit} ms at most")),
        );
        words.join("; ")
    }
}

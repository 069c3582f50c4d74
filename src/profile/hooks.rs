//! The table `[hooks]` of a profile: commands that run when a run waits, stops or ends. Invariant: a hook is a program with
//! arguments, never a shell line, and has a time limit (`Hooks`, `validate_hooks`).

use std::time::Duration;

use serde::Deserialize;

use super::findings::Findings;
use super::{PathStep, ttl_seconds};

/// The longest time limit of a hook: ten minutes.
const TIMEOUT_MAX_S: i64 = 600;

/// The most words that a hook may have, its program included.
const WORDS_MAX: usize = 64;

/// The hooks of a profile. Each is a program and its arguments; a name with `/` is taken from the directory of the profile, any other from `PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// Run when the run waits for a person at SG1 or SG2.
    pub on_wait: Option<Vec<String>>,
    /// Run at every other stop: drift, no database, a failed gate, a rejection.
    pub on_stop: Option<Vec<String>>,
    /// Run once the run is sealed.
    pub on_end: Option<Vec<String>>,
    /// `10s`, `2m`: how long a hook may take before its process group is killed.
    pub timeout: String,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            on_wait: None,
            on_stop: None,
            on_end: None,
            timeout: "10s".to_owned(),
        }
    }
}

impl Hooks {
    /// How long a hook may take. A text that is no duration, which no validated profile has, is no time at all.
    pub fn limit(&self) -> Duration {
        let seconds = ttl_seconds(&self.timeout).unwrap_or(0);
        Duration::from_secs(seconds.unsigned_abs())
    }

    /// Every hook that is named, with its key.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        [
            ("on_wait", &self.on_wait),
            ("on_stop", &self.on_stop),
            ("on_end", &self.on_end),
        ]
        .into_iter()
        .filter_map(|(key, words)| Some((key, words.as_deref()?)))
    }
}

/// Checks that each hook names a program, its words can be passed to `execve`, and the limit is from 1 s to 10 minutes.
pub(super) fn validate_hooks(findings: &mut Findings<'_, '_>, hooks: &Hooks) {
    let table = PathStep::Key("hooks");
    for (key, words) in hooks.named() {
        let here = [table, PathStep::Key(key)];
        let Some(program) = words.first() else {
            let message = format!(
                "hooks.{key} must name a program: [\"program\", \"argument\"]; leave it out for none"
            );
            findings.refuse(&here, message);
            continue;
        };
        findings.not_blank(&[table, PathStep::Key(key), PathStep::Index(0)], program);
        if words.len() > WORDS_MAX {
            let message = format!("hooks.{key} has more than {WORDS_MAX} words");
            findings.refuse(&here, message);
        }
        for (index, word) in words.iter().enumerate() {
            // Arguments of a process are C strings: the word would end at the NUL byte.
            if word.contains('\0') {
                let message = format!("hooks.{key} has a word with a NUL byte");
                findings.refuse(
                    &[table, PathStep::Key(key), PathStep::Index(index)],
                    message,
                );
            }
        }
    }
    let timeout = [table, PathStep::Key("timeout")];
    match ttl_seconds(&hooks.timeout) {
        Ok(seconds) if seconds <= TIMEOUT_MAX_S => {}
        Ok(_) => findings.refuse(&timeout, "hooks.timeout must be from 1s to 10m"),
        Err(error) => findings.refuse(&timeout, error.to_string()),
    }
}

//! What `profile check` says of the hooks. Invariant: none is run; a program that is not there is named, and fails no check, as in a run.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::profile::LoadedProfile;
use crate::report::visible;

use super::run_plan;

/// The hooks of a profile: key, program, and the file that would be run; `null`: there is none.
pub(super) fn hooks(loaded: &LoadedProfile) -> Vec<Value> {
    let directory = run_plan::directory(&loaded.origin);
    let hooks = &loaded.profile.hooks;
    let row = |(key, words): (&str, &[String])| {
        let program = words.first().map_or("", String::as_str);
        json!({
            "hook": key,
            "program": program,
            "file": found(program, &directory).map(|path| path.display().to_string()),
            "timeout": hooks.timeout,
        })
    };
    hooks.named().map(row).collect()
}

/// One line for each hook.
pub(super) fn lines(hooks: &[Value]) -> Vec<String> {
    let word = |hook: &Value, key: &str| visible(hook[key].as_str().unwrap_or_default());
    hooks
        .iter()
        .map(|hook| {
            let told = match hook["file"].as_str() {
                Some(file) => format!("{}, {} at most", visible(file), word(hook, "timeout")),
                None => format!("{} is not there or not executable", word(hook, "program")),
            };
            format!(
                "{:<12} {}  {told}; not run here",
                "hook",
                word(hook, "hook")
            )
        })
        .collect()
}

/// The file that a program's name stands for, as it will be looked for when the hook is run.
fn found(program: &str, directory: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(directory.join(program)).filter(|path| is_executable(path));
    }
    let path = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&path).map(|folder| folder.join(program));
    candidates.into_iter().find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    let mode = std::fs::metadata(path).map(|found| (found.is_file(), found.permissions().mode()));
    mode.is_ok_and(|(is_file, mode)| is_file && mode & 0o111 != 0)
}

//! How the person at this terminal can be notified. Invariant: the screen does not wait for the answer; until it is there, nobody is notified.

use std::process::{Command, Stdio};
use std::thread;

use crate::cli::Settings;
use crate::tui::{Dialect, Notifier, TerminalRoute};

/// A notifier for this terminal: by what it sets, or by what it told the tmux that we are in.
pub(super) fn notifier(settings: &Settings) -> Notifier {
    let notifier = Notifier::new();
    if !settings.notify.value {
        return notifier;
    }
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(dialect) = Dialect::of_variables(&variable) {
        notifier.learn(dialect, TerminalRoute::Direct);
    } else if variable("TMUX").is_some_and(|socket| !socket.is_empty()) {
        let learning = notifier.clone();
        // Without the thread nobody is notified, as without tmux's leave.
        let _ = thread::Builder::new()
            .name("tmux".to_owned())
            .spawn(move || {
                if let Some(dialect) = through_tmux() {
                    learning.learn(dialect, TerminalRoute::Tmux);
                }
            });
    }
    notifier
}

/// The dialect of the terminal that tmux is shown on, if tmux lets sequences pass to it.
fn through_tmux() -> Option<Dialect> {
    let said = Command::new("tmux")
        .args([
            "display-message",
            "-p",
            "#{allow-passthrough} #{client_termtype}",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (passes, terminal) = said.trim_end().split_once(' ')?;
    matches!(passes, "on" | "all" | "1" | "2").then(|| Dialect::of_name(terminal))?
}

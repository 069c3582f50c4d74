//! What a bug says, and how it ends. Invariant: whichever thread it is in, the process ends with exit code 1 and a terminal that was given back.

use std::panic;

use color_eyre::config::{HookBuilder, PanicHook, Theme};

use super::output;
use crate::run::exit;

const WHAT_TO_DO: &str = "This is a bug of drygate. What was acknowledged is in the journal: resume goes on with \
the run, verify checks it.";

/// From here on a panic says what happened on standard error and ends the process.
///
/// It must not unwind: a screen without its runner would wait for ever, and a runner without its screen is not watched.
/// A screen that holds the terminal gives it back first, by a hook of its own around this one.
pub fn end_on_panic() {
    let reporter = reporter();
    panic::set_hook(Box::new(move |info| {
        let report = reporter.panic_report(info).to_string();
        for line in report.lines() {
            output::say(&crate::report::visible(line));
        }
        std::process::exit(i32::from(exit::UNEXPECTED));
    }));
}

/// Without colours: every line passes through the escaping of everything that is printed.
fn reporter() -> PanicHook {
    let (reporter, _) = HookBuilder::new()
        .theme(Theme::new())
        .display_env_section(false)
        .panic_section(WHAT_TO_DO)
        .into_hooks();
    reporter
}

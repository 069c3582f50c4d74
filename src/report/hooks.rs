//! The hooks that were started before the seal, for reports 07 and 12. drygate knows the program, the times and the exit of a
//! hook, and says nothing about what it did with its input.

use serde_json::{Value, json};

use crate::documents::HookReport;
use crate::run::{HookPoint, RunState};

/// What report 07 says where no hook ran.
const NONE_LEFT: &str = "None: none left this machine before the seal. A hook that runs after the seal is recorded in hooks.jsonl.";

/// The sentence of report 07 and the rows of report 12; no rows where no hook was started.
pub(super) fn hooks(run: &RunState) -> Value {
    json!({ "left": left(run), "rows": rows(run) })
}

fn left(run: &RunState) -> String {
    let counts =
        HookPoint::ALL.map(|hook| (hook, run.hooks_run().filter(|h| h.hook == hook).count()));
    let named: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(hook, count)| format!("{hook} {count}"))
        .collect();
    if named.is_empty() {
        return NONE_LEFT.to_owned();
    }
    format!(
        "None by drygate itself. Hooks of the profile ran before the seal ({}): each was told its stop in one JSON document, and no report. \
         What a hook did with that is not visible to drygate. Each is in 12; one that ends or runs after the seal is recorded in hooks.jsonl.",
        named.join(", ")
    )
}

/// One row for each hook that was started.
pub(super) fn rows(run: &RunState) -> Vec<HookReport> {
    run.hooks
        .iter()
        .map(|hook| {
            // A hook names its stop by the number of the journal record.
            let stop = run.stops.iter().find(|raised| raised.seq == hook.stop);
            let outcome = hook.outcome.as_ref();
            HookReport {
                hook: hook.hook,
                program: hook.program.clone(),
                at: hook.at.to_string(),
                seq: hook.started,
                stop: stop.map_or("not recorded", |raised| raised.stop.stop_code.name()),
                end: outcome.map_or_else(
                    || "not over at the seal: hooks.jsonl".to_owned(),
                    |outcome| outcome.end.to_string(),
                ),
                took_ms: outcome
                    .map_or_else(|| "-".to_owned(), |outcome| outcome.took_ms.to_string()),
            }
        })
        .collect()
}

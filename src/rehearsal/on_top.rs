//! The change once more, on top of what its first run left: whether it is idempotent.
//! Invariant: what it writes again is counted by the server and by the schema, never concluded from its text (`on_top`).

use super::catalogue::Catalogue;
use super::change_run::run;
use super::recording_proxy::RecordingProxy;
use super::shadow::differing;
use super::shadow_database::{SENTINEL, ShadowDatabase};
use crate::run::RunOnTop;
use crate::survey::Rehearsed;

/// Runs it in a copy of `kept`, the first run, whose tables are `first`. The proxy withholds what an error could tell of rows.
pub(super) fn on_top(
    shadow: &ShadowDatabase,
    proxy: &RecordingProxy,
    (kept, first): (&str, &Catalogue),
) -> Result<RunOnTop, String> {
    let database = shadow.plan().database.clone();
    shadow.clone_run(kept)?;
    // The row of the first run; one is written again, and counted.
    shadow.ask(&database, &format!("DELETE FROM {SENTINEL}.written"))?;
    let (end, counters, _) = run(shadow, Some(proxy))?;
    let second = Catalogue::of(shadow, &database)?;
    if !end.succeeded {
        return Ok(RunOnTop {
            error: Some(end.error.unwrap_or_default()),
            ..RunOnTop::default()
        });
    }
    let counted = counters.finish(first, &second);
    let dumps = [shadow.dump_schema(kept)?, shadow.dump_schema(&database)?];
    let [before, after] = dumps.map(ShadowDatabase::schema_text);
    let mut lines = differing(&before?, &after?);
    lines.retain(|line| !line.starts_with(' '));
    Ok(RunOnTop {
        error: None,
        wrote: counted.phases.into_iter().flatten().collect(),
        written_anew: counted.blind,
        schema_lines: Rehearsed::new(lines.len() as u64),
    })
}

//! File names of the reports and the version of their templates, `TEMPLATE_VERSION`.

/// Version of the report templates, recorded in `run_sealed`. It goes up when the bytes of a report change: `verify` renders
/// the reports of a run anew to compare them, and says NOT CHECKED for a run of another version.
///
/// Changelog:
/// - 1: the thirteen documents of the contract, section 8.
/// - 2: what reading cost and the oldest xmin held in 10.
/// - 3: events count in words (`1 row`, `1 fact`), the budget of the run in 10.
/// - 4: reads while the run waits are counted in 10, not listed; 11 lists the first 10,000 grants.
/// - 6: titles, file names and rows in the words of the run; the live units as `live_units`.
pub const TEMPLATE_VERSION: u32 = 6;

use crate::audit::{report_file, reports_of};
use crate::run::RunState;

/// The file names of the reports of a run, in order; none where it has no run id.
pub fn names(run: &RunState) -> Vec<String> {
    let Some(run_id) = run.run_id() else {
        return Vec::new();
    };
    let names = reports_of(run).into_iter();
    names.map(|[name, _]| report_file(&name, run_id)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::names;
    use crate::report::fixture::run_with_change;

    #[test]
    fn the_names_of_the_source_report_and_one_more_with_a_change() {
        let mut run = run_with_change();
        let all = names(&run);
        assert_eq!(all.len(), 14);
        assert_eq!(all[0], "01-ssot-repo-precheck-2026-05-21.md");
        assert_eq!(all[6], "07-final-o4-live-dryrun-report-2026-05-21.md");
        assert_eq!(all[13], "14-rehearsal-2026-05-21.md");
        let mut created = (**run.created.as_ref().expect("created")).clone();
        created.change = None;
        run.created = Some(Arc::new(created));
        assert_eq!(names(&run), all[..13]);
    }
}

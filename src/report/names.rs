//! File names of the reports and the version of their templates, `TEMPLATE_VERSION`.

/// Version of the report templates, recorded in `run_sealed`. It goes up when the bytes of a report change: `verify` renders
/// the reports of a run anew to compare them, and says NOT CHECKED for a run of another version.
///
/// Changelog:
/// - 1: the thirteen documents of the contract, section 8.
/// - 2: what reading cost and the oldest xmin held in 10.
/// - 3: events count in words (`1 row`, `1 fact`), the budget of the run in 10.
/// - 4: reads while the run waits are counted in 10, not listed; 11 lists the first 10,000 grants.
pub const TEMPLATE_VERSION: u32 = 5;

pub use crate::audit::REPORTS;

/// The file names of the reports of a run; `date` is that of the run id, `2026-05-21`.
pub fn names(date: &str) -> [String; 13] {
    REPORTS.map(|name| format!("{name}-{date}.md"))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn the_names_of_the_source_report() {
        let names = names("2026-05-21");
        assert_eq!(names[0], "01-ssot-repo-precheck-2026-05-21.md");
        assert_eq!(names[6], "07-final-o4-live-dryrun-report-2026-05-21.md");
    }
}

//! G6: refs unchanged, reports rendered. main and tags decide the check; other refs that moved are listed apart.

use std::collections::BTreeMap;

use serde_json::json;

use crate::run::{Check, CheckName, RepositoryState, RunId, RunState};
use crate::survey::Digest;

/// The reports: number, file name without date and suffix, and title, where a run has no words of its own for them
/// ([`crate::run::TeamWords`]). The last is of runs with a change alone.
pub const REPORTS: [[&str; 3]; 14] = [
    ["01", "ssot-repo-precheck", "SSOT + repo precheck"],
    [
        "02",
        "dryrun-feasibility-and-scope",
        "Dry-run feasibility and scope",
    ],
    ["03", "context-and-prediction", "Context and prediction"],
    [
        "04",
        "live-dryrun-execution-result",
        "Live dry-run execution result",
    ],
    [
        "05",
        "resume-idempotency-result",
        "Resume/idempotency result",
    ],
    ["06", "test-safety-result", "Test safety result"],
    ["07", "final-dry-run-report", "Final dry-run report"],
    ["08", "live-facts-pre", "Live facts, pre"],
    ["09", "live-facts-post", "Live facts, post"],
    ["10", "non-mutation-proof", "Non-mutation proof"],
    ["11", "grant-matrix", "Grant matrix"],
    ["12", "approvals-and-stops", "Approvals and stops"],
    ["13", "forbidden-action-audit", "Forbidden-action audit"],
    ["14", "rehearsal", "Rehearsal of the change"],
];

/// The reports that a run has, each with the name of its file, without date and suffix, and its title.
pub fn reports_of(run: &RunState) -> Vec<[String; 2]> {
    let all = if run.change().is_some() { 14 } else { 13 };
    let named = REPORTS[..all].iter().map(|[number, file, title]| {
        let [file, title] = run.words().report(number, [file, title]);
        [format!("{number}-{file}"), format!("{number} - {title}")]
    });
    named.collect()
}

/// `07-final-dry-run-report-2026-05-21.md`.
pub fn report_file(name: &str, run_id: &RunId) -> String {
    format!("{name}-{}.md", run_id.date())
}

/// One report: its file name, and its digest or why it does not render.
pub type ReportRendering = (String, Result<Digest, String>);

/// Whether exactly these reports render, and every document that they are made from is there. `lost`: those that are not.
pub fn reports_render(
    reports: &[[String; 2]],
    run_id: &RunId,
    rendered: &[ReportRendering],
    lost: &[Digest],
) -> Check {
    let mut wrong: Vec<String> = rendered
        .iter()
        .filter_map(|(name, seen)| seen.as_ref().err().map(|why| format!("{name}: {why}")))
        .collect();
    let expected: Vec<String> = reports
        .iter()
        .map(|[name, _]| report_file(name, run_id))
        .collect();
    for name in &expected {
        let times = rendered.iter().filter(|(seen, _)| seen == name).count();
        if times != 1 {
            wrong.push(format!("{name} rendered {times} times"));
        }
    }
    let strangers = rendered.iter().filter(|(name, _)| !expected.contains(name));
    wrong.extend(strangers.map(|(name, _)| format!("{name} is no report")));
    wrong.extend(
        lost.iter()
            .map(|sha256| format!("the document {} is not among the blobs", sha256.short())),
    );
    let raw: Vec<_> = rendered
        .iter()
        .map(|(name, seen)| json!([name, seen.as_ref().ok()]))
        .collect();
    let says = if wrong.is_empty() {
        format!("{} reports", rendered.len())
    } else {
        wrong.join("; ")
    };
    Check::evaluated(
        CheckName::ReportsRender,
        wrong.is_empty(),
        says,
        json!({"reports": raw, "lost": lost}),
    )
}

/// What moved in a repository between two looks at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moved {
    /// Changes of main and tags.
    pub guarded: Vec<String>,
    /// Changes of all other refs.
    pub others: Vec<String>,
}

pub(super) fn moved(before: &RepositoryState, now: &RepositoryState) -> Moved {
    let map = |state: &RepositoryState| -> BTreeMap<String, String> {
        state.refs.iter().cloned().collect()
    };
    let (one, two) = (map(before), map(now));
    let mains: Vec<String> = [before, now]
        .iter()
        .filter_map(|state| {
            state
                .main
                .as_ref()
                .map(|(name, _)| format!("refs/heads/{name}"))
        })
        .collect();
    let mut moved = Moved::default();
    if before.main != now.main {
        let word = |state: &RepositoryState| {
            state.main.as_ref().map_or_else(
                || "none".to_owned(),
                |(name, commit)| format!("{name} {commit}"),
            )
        };
        moved
            .guarded
            .push(format!("main: {} -> {}", word(before), word(now)));
    }
    let mut names: Vec<&String> = one.keys().chain(two.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (was, is) = (one.get(name), two.get(name));
        // main is compared above, by name and commit.
        if was == is || mains.contains(name) {
            continue;
        }
        let side = |commit: Option<&String>| commit.map_or("none", String::as_str).to_owned();
        let line = format!("{name}: {} -> {}", side(was), side(is));
        if name.starts_with("refs/tags/") {
            moved.guarded.push(line);
        } else {
            moved.others.push(line);
        }
    }
    moved
}

/// Whether main and the tags are what they were at G0.
pub fn main_and_tags_unchanged(
    before: Option<&RepositoryState>,
    now: Option<&RepositoryState>,
) -> Check {
    const NAME: CheckName = CheckName::MainAndTagsUnchanged;
    let (Some(before), Some(now)) = (before, now) else {
        return Check::not_checked(
            NAME,
            "no repository was seen both at G0 and now",
            "--repo DIR or run inside a work tree",
        );
    };
    let moved = moved(before, now);
    let says = match (moved.guarded.is_empty(), moved.others.is_empty()) {
        (true, true) => "main and tags unchanged".to_owned(),
        (true, false) => format!(
            "main and tags unchanged; moved by others: {}",
            moved.others.join("; ")
        ),
        (false, _) => moved.guarded.join("; "),
    };
    let raw = json!({
        "main_before": before.main, "main_now": now.main, "moved": moved.guarded, "moved_by_others": moved.others,
    });
    Check::evaluated(NAME, moved.guarded.is_empty(), says, raw)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::repository;
    use super::{
        ReportRendering, main_and_tags_unchanged, report_file, reports_of, reports_render,
    };
    use crate::run::{RepositoryState, RunId, RunState, Verdict};
    use crate::survey::Digest;

    fn refs(damage: impl FnOnce(&mut RepositoryState)) -> (Verdict, String) {
        let (before, mut now) = (repository(), repository());
        damage(&mut now);
        let check = main_and_tags_unchanged(Some(&before), Some(&now));
        (check.verdict, check.says)
    }

    #[test]
    fn main_and_tags_are_guarded_and_other_refs_are_named() {
        assert_eq!(refs(|_| {}).0, Verdict::Pass);
        assert_eq!(
            refs(|r| r.main = Some(("main".to_owned(), "9".repeat(40)))).0,
            Verdict::Fail
        );
        assert_eq!(
            refs(|r| r.refs.push(("refs/tags/v2".to_owned(), "9".repeat(40)))).0,
            Verdict::Fail
        );
        assert_eq!(refs(|r| drop(r.refs.pop())).0, Verdict::Fail);
        let (verdict, says) = refs(|r| r.refs[0].1 = "9".repeat(40));
        assert_eq!(verdict, Verdict::Pass);
        assert!(
            says.contains("moved by others: refs/heads/feature/x"),
            "{says}"
        );
        assert_eq!(
            main_and_tags_unchanged(None, Some(&repository())).verdict,
            Verdict::NotChecked
        );
    }

    #[test]
    fn exactly_the_thirteen_reports_must_render() {
        let run_id: RunId = "ictr-20260521T021523Z-8a941203"
            .parse()
            .expect("well formed");
        let reports = reports_of(&RunState::default());
        let all: Vec<ReportRendering> = reports
            .iter()
            .map(|[name, _]| (report_file(name, &run_id), Ok(Digest::of(name))))
            .collect();
        let verdict =
            |seen: &[ReportRendering]| reports_render(&reports, &run_id, seen, &[]).verdict;
        assert_eq!(all.len(), 13);
        assert_eq!(all[6].0, "07-final-dry-run-report-2026-05-21.md");
        assert_eq!(verdict(&all), Verdict::Pass);
        assert_eq!(verdict(&all[1..]), Verdict::Fail);
        let mut broken = all.clone();
        broken[3].1 = Err("no template".to_owned());
        assert_eq!(verdict(&broken), Verdict::Fail);
        let mut twice = all.clone();
        twice[3] = twice[4].clone();
        assert_eq!(verdict(&twice), Verdict::Fail);
        let lost = reports_render(&reports, &run_id, &all, &[Digest::of("grants")]);
        assert_eq!(lost.verdict, Verdict::Fail);
    }
}

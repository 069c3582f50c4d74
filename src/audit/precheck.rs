//! G0: profile, SSOT documents, repository. Always the same six checks; without a repository four of them are NOT CHECKED,
//! never PASS (test `no_repository_is_not_checked_four_times_with_a_remedy`).

use serde_json::{Value, json};

use super::main_and_tags_unchanged;
use crate::profile::Profile;
use crate::run::{Check, CheckName, RepositoryState, RunState};
use crate::survey::Digest;

/// An SSOT document of the profile: its name and its SHA-256, or why it cannot be read.
pub type SsotFile = (String, Result<Digest, String>);

const REPOSITORY_REMEDY: &str = "--repo DIR or run inside a work tree";
const COMMIT_REMEDY: &str = "git commit: a run is tied to the commit that it was started on";
const REPOSITORY_CHECKS: [CheckName; 4] = [
    CheckName::RepositoryPresent,
    CheckName::BranchAndHead,
    CheckName::MainAndFeatureHeads,
    CheckName::WorkTreeRecorded,
];

/// The six checks of G0, in the order of the table.
pub fn g0(
    profile: &Profile,
    profile_sha256: &Digest,
    ssot: &[SsotFile],
    repository: &Result<RepositoryState, String>,
) -> Vec<Check> {
    let mut checks = vec![
        Check::evaluated(
            CheckName::ProfileLoads,
            !profile.name.is_empty(),
            format!("{} {}", profile.name, profile_sha256.short()),
            json!({"profile": profile.name, "sha256": profile_sha256}),
        ),
        ssot_documents(profile, ssot),
    ];
    checks.extend(repository_checks(repository));
    checks
}

/// What a run that is not started yet would say of the repository: at G0, and without one at G6 as well, which compares with G0.
pub fn repository_checks_ahead(repository: &Result<RepositoryState, String>) -> Vec<Check> {
    let mut checks = repository_checks(repository).to_vec();
    if repository.is_err() {
        let no_push = CheckName::ForbiddenPushTag;
        checks.push(Check::not_checked(
            no_push,
            "no repository",
            REPOSITORY_REMEDY,
        ));
        checks.push(main_and_tags_unchanged(None, None));
    }
    checks
}

/// The four of G0 that are about the repository.
fn repository_checks(repository: &Result<RepositoryState, String>) -> [Check; 4] {
    match repository {
        Ok(seen) => checks_of(seen),
        Err(why) => {
            let remedy = if why == RepositoryState::NO_COMMIT {
                COMMIT_REMEDY
            } else {
                REPOSITORY_REMEDY
            };
            REPOSITORY_CHECKS.map(|name| Check::not_checked(name, why.clone(), remedy))
        }
    }
}

/// What the repository was at G0, by the check that recorded it.
pub fn repository_at_g0(run: &RunState) -> Option<RepositoryState> {
    run.repository.as_deref().cloned()
}

/// The SSOT documents as the recorded checks of G0 saw them.
pub fn recorded_ssot(checks: &[Check]) -> Vec<SsotFile> {
    let check = checks.iter().find(|c| c.name == CheckName::SsotDocuments);
    let documents = check.and_then(|check| check.own_raw().get("documents")?.as_array());
    documents
        .into_iter()
        .flatten()
        .filter_map(|document| {
            let text = |field: &str| Some(document.get(field)?.as_str()?.to_owned());
            let sha256 = text("sha256").and_then(|sha256| sha256.parse::<Digest>().ok());
            Some((
                text("name")?,
                sha256.ok_or_else(|| text("missing").unwrap_or_default()),
            ))
        })
        .collect()
}

/// The SSOT documents that a recorded check looked at, by digest: their texts are kept as blobs.
pub fn ssot_digests(check: &Check) -> Vec<Digest> {
    if check.name != CheckName::SsotDocuments {
        return Vec::new();
    }
    let documents = check.own_raw().get("documents").and_then(Value::as_array);
    documents
        .into_iter()
        .flatten()
        .filter_map(|document| document.get("sha256")?.as_str()?.parse().ok())
        .collect()
}

/// Whether every SSOT document of the profile was read.
pub fn ssot_documents(profile: &Profile, ssot: &[SsotFile]) -> Check {
    const NAME: CheckName = CheckName::SsotDocuments;
    if profile.ssot.is_empty() {
        return Check::not_checked(
            NAME,
            "the profile names no SSOT document",
            "name the documents that the run is founded on in [[ssot]]",
        );
    }
    let unseen = profile
        .ssot
        .iter()
        .filter(|document| !ssot.iter().any(|(name, _)| *name == document.name))
        .map(|document| format!("{}: not looked at", document.name));
    let missing: Vec<String> = ssot
        .iter()
        .filter_map(|(name, seen)| seen.as_ref().err().map(|why| format!("{name}: {why}")))
        .chain(unseen)
        .collect();
    let raw: Vec<_> = ssot
        .iter()
        .map(|(name, seen)| match seen {
            Ok(sha256) => json!({"name": name, "sha256": sha256}),
            Err(why) => json!({"name": name, "missing": why}),
        })
        .collect();
    let says = if missing.is_empty() {
        match ssot.len() {
            1 => "1 document exists".to_owned(),
            several => format!("{several} documents exist"),
        }
    } else {
        missing.join("; ")
    };
    Check::evaluated(NAME, missing.is_empty(), says, json!({"documents": raw}))
}

fn checks_of(seen: &RepositoryState) -> [Check; 4] {
    let [present, head, heads, tree] = REPOSITORY_CHECKS;
    [
        Check::evaluated(
            present,
            !seen.head.is_empty(),
            seen.directory.clone(),
            json!({"repository": seen}),
        ),
        Check::evaluated(
            head,
            is_commit(&seen.head),
            format!(
                "{} {} {}",
                seen.branch.as_deref().unwrap_or("detached HEAD"),
                short(&seen.head),
                seen.subject
            ),
            json!({"branch": seen.branch, "head": seen.head, "subject": seen.subject}),
        ),
        main_and_feature(heads, seen),
        Check::evaluated(
            tree,
            true,
            if seen.clean {
                "the work tree is clean"
            } else {
                "the work tree has changes: recorded, not required to be clean"
            },
            json!({"clean": seen.clean}),
        ),
    ]
}

fn main_and_feature(name: CheckName, seen: &RepositoryState) -> Check {
    let Some((main, commit)) = &seen.main else {
        return Check::not_checked(
            name,
            "the repository has neither main nor master",
            "a repository with a branch main or master",
        );
    };
    let feature = seen.feature_head.as_deref();
    Check::evaluated(
        name,
        is_commit(commit) && feature.is_none_or(is_commit),
        format!(
            "{main} {}, feature {}",
            short(commit),
            feature.map_or("none", short)
        ),
        json!({"main": main, "main_HEAD": commit, "feature_HEAD": feature}),
    )
}

fn is_commit(text: &str) -> bool {
    // SHA-1 or SHA-256, as the repository is set up.
    matches!(text.len(), 40 | 64) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{profile, repository};
    use super::{SsotFile, g0};
    use crate::run::{RepositoryState, Verdict};
    use crate::survey::Digest;

    fn document() -> SsotFile {
        ("icx-const lifecycle".to_owned(), Ok(Digest::of("text")))
    }

    fn verdicts(ssot: &[SsotFile], repository: &Result<RepositoryState, String>) -> Vec<Verdict> {
        let checks = g0(&profile(), &Digest::of("profile"), ssot, repository);
        checks.into_iter().map(|c| c.verdict).collect()
    }

    #[test]
    fn all_six_pass_on_a_sound_repository() {
        assert_eq!(
            verdicts(&[document()], &Ok(repository())),
            [Verdict::Pass; 6]
        );
    }

    #[test]
    fn no_repository_is_not_checked_four_times_with_a_remedy() {
        let checks = g0(
            &profile(),
            &Digest::of("p"),
            &[document()],
            &Err("none here".to_owned()),
        );
        let open: Vec<_> = checks
            .iter()
            .filter(|c| c.verdict == Verdict::NotChecked)
            .collect();
        assert_eq!(open.len(), 4);
        assert!(
            open.iter()
                .all(|c| c.remedy.as_deref() == Some("--repo DIR or run inside a work tree"))
        );
    }

    #[test]
    fn a_document_that_is_missing_or_was_not_looked_at_fails() {
        let missing = (document().0, Err("no such file".to_owned()));
        assert_eq!(verdicts(&[missing], &Ok(repository()))[1], Verdict::Fail);
        assert_eq!(verdicts(&[], &Ok(repository()))[1], Verdict::Fail);
        let mut none = profile();
        none.ssot.clear();
        let checks = g0(&none, &Digest::of("p"), &[], &Ok(repository()));
        assert_eq!(checks[1].verdict, Verdict::NotChecked);
    }

    #[test]
    fn heads_must_be_commits_and_a_changed_work_tree_is_recorded() {
        let with = |damage: fn(&mut RepositoryState)| {
            let mut state = repository();
            damage(&mut state);
            verdicts(&[document()], &Ok(state))
        };
        assert_eq!(with(|r| r.head = "gone".to_owned())[3], Verdict::Fail);
        assert_eq!(
            with(|r| r.feature_head = Some("x".to_owned()))[4],
            Verdict::Fail
        );
        assert_eq!(with(|r| r.main = None)[4], Verdict::NotChecked);
        assert_eq!(with(|r| r.clean = false)[5], Verdict::Pass);
    }
}

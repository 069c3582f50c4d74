//! The name of a tar entry, checked before anything is written.
//! Invariant: a name that passes stays below the directory of its run. Held by
//! `judge` and the test `a_name_that_could_do_harm_is_refused`.

use super::layout::{BESIDE, RUN};
use super::{ArchiveError, EntryRefusal};
use crate::journal::travels;
use crate::run::RunId;

/// What an entry is, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// A file of the run, by its path below the run's directory.
    OfRun(String),
    /// One of the files that an archive has beside the run.
    Beside(String),
}

/// Checks the name of an entry, and gives the run that it belongs to and what it is.
pub(super) fn judge(name: &[u8]) -> Result<(RunId, Named), ArchiveError> {
    let shown = String::from_utf8_lossy(name).into_owned();
    let refused = |refusal| ArchiveError::refused(shown.clone(), refusal);
    // Path traversal first: absolute names and `..` are refused before the rest of the name is looked at.
    if name.first() == Some(&b'/') {
        return Err(refused(EntryRefusal::Absolute));
    }
    let name = std::str::from_utf8(name).map_err(|_| refused(EntryRefusal::Name))?;
    if name.split('/').any(|part| part == "..") {
        return Err(refused(EntryRefusal::Climbs));
    }
    let (top, below) = name
        .split_once('/')
        .ok_or_else(|| refused(EntryRefusal::Name))?;
    // The first part must be a run id, whose characters are harmless in every file system.
    let run_id: RunId = top.parse().map_err(|_| refused(EntryRefusal::Name))?;
    if BESIDE.contains(&below) {
        return Ok((run_id, Named::Beside(below.to_owned())));
    }
    match below.strip_prefix(RUN).and_then(|it| it.strip_prefix('/')) {
        // `travels` lets ASCII letters, digits, `.`, `_` and `-` pass and no part that begins with a dot, so that neither a
        // backslash nor a hidden file gets through.
        Some(file) if travels(file) => Ok((run_id, Named::OfRun(file.to_owned()))),
        _ => Err(refused(EntryRefusal::Name)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Named, judge};
    use crate::archive::{ArchiveError, EntryRefusal};

    const RUN_ID: &str = "ictr-20260521T021523Z-8a941203";

    #[rstest]
    #[case::absolute("/etc/passwd", EntryRefusal::Absolute)]
    #[case::climbs("ictr-20260521T021523Z-8a941203/run/../../../x", EntryRefusal::Climbs)]
    #[case::climbs_at_once("../x", EntryRefusal::Climbs)]
    #[case::no_run("run/journal.jsonl", EntryRefusal::Name)]
    #[case::no_directory("journal.jsonl", EntryRefusal::Name)]
    #[case::lock("ictr-20260521T021523Z-8a941203/run/LOCK", EntryRefusal::Name)]
    #[case::mark("ictr-20260521T021523Z-8a941203/run/IMPORTED", EntryRefusal::Name)]
    #[case::temporary("ictr-20260521T021523Z-8a941203/run/.tmp-HEAD", EntryRefusal::Name)]
    #[case::dot("ictr-20260521T021523Z-8a941203/run/./HEAD", EntryRefusal::Name)]
    #[case::doubled("ictr-20260521T021523Z-8a941203/run//HEAD", EntryRefusal::Name)]
    #[case::backslash("ictr-20260521T021523Z-8a941203/run/..\\x", EntryRefusal::Name)]
    #[case::escape("ictr-20260521T021523Z-8a941203/run/\u{1b}[2J", EntryRefusal::Name)]
    #[case::nothing("ictr-20260521T021523Z-8a941203/run/", EntryRefusal::Name)]
    #[case::beside("ictr-20260521T021523Z-8a941203/other.txt", EntryRefusal::Name)]
    fn a_name_that_could_do_harm_is_refused(#[case] name: &str, #[case] why: EntryRefusal) {
        match judge(name.as_bytes()) {
            Err(ArchiveError::Refused { entry, refusal }) => {
                assert_eq!((entry.as_str(), refusal), (name, why));
            }
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn the_files_of_an_archive_are_told_apart() {
        let of = |name: &str| judge(format!("{RUN_ID}/{name}").as_bytes()).expect("a good name");
        assert_eq!(of("run/HEAD").1, Named::OfRun("HEAD".to_owned()));
        assert_eq!(
            of("run/kb/report.json").1,
            Named::OfRun("kb/report.json".to_owned())
        );
        assert_eq!(of("run.html").1, Named::Beside("run.html".to_owned()));
        assert_eq!(of("SHA256SUMS").0.as_str(), RUN_ID);
    }
}

//! The name of an entry, judged. Invariant: a name that passes stays below the directory of its run, whatever a file system makes of it.

use super::layout::{BESIDE, RUN};
use super::{ArchiveError, EntryRefusal};
use crate::journal::travels;
use crate::run::RunId;

/// What an entry of an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// A file of the run, by its path below the run's directory.
    OfRun(String),
    /// A file beside the run.
    Beside(String),
}

/// Judges the name of a file and gives the run that it is of.
pub(super) fn judge(name: &[u8]) -> Result<(RunId, Named), ArchiveError> {
    let shown = String::from_utf8_lossy(name).into_owned();
    let refused = |refusal| ArchiveError::refused(shown.clone(), refusal);
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
    let run_id: RunId = top.parse().map_err(|_| refused(EntryRefusal::Name))?;
    if BESIDE.contains(&below) {
        return Ok((run_id, Named::Beside(below.to_owned())));
    }
    match below.strip_prefix(RUN).and_then(|it| it.strip_prefix('/')) {
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

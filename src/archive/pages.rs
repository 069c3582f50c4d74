//! The files of an archive that people without drygate open: they are made from the run, and compared with it again.
//! Invariant: each has the bytes that the run gives, or that is said (`Pages::compare`; test
//! `a_page_of_an_archive_that_was_edited_is_found` of tests/integration/archive.rs).

use std::collections::BTreeMap;

use super::layout::{CHECKING, PAGE, SCRIPT, SCRIPT_TEXT};
use crate::run::{JournalHead, RunId};
use crate::survey::Digest;

/// Version of the pages. A change of their bytes needs a new one as soon as a release has written them: 1, drygate 0.1.0, which
/// did not name it; 2, CHECKING.txt names it and the head; 3, the page has the words of the run and the rows of a rehearsed change.
const VERSION: u32 = 3;

/// What stands before the version in CHECKING.txt.
const NAMES_VERSION: &str = "Pages of version ";

/// The text on how to check an archive. `{run_id}`, `{standing}` and `{pages}` are replaced.
const CHECKING_TEXT: &str = include_str!("../../assets/archive/CHECKING.txt");

/// What the pages of an archive say of its run.
#[derive(Debug, Clone)]
pub struct PagesOf<'a> {
    /// Its id.
    pub run_id: &'a RunId,
    /// One line about the state of the run.
    pub standing: &'a str,
    /// The last line of its journal that is in the archive.
    pub head: JournalHead,
}

/// The pages of an archive by name, as the run gives them. `page`: the run as a page.
pub(super) fn pages(of: &PagesOf<'_>, page: &str) -> [(&'static str, String); 3] {
    [
        (CHECKING, checking(VERSION, of)),
        (SCRIPT, SCRIPT_TEXT.to_owned()),
        (PAGE, page.to_owned()),
    ]
}

fn checking(version: u32, of: &PagesOf<'_>) -> String {
    let pages = if version == 1 {
        String::new()
    } else {
        format!("head={}\n{NAMES_VERSION}{version}.\n", of.head)
    };
    CHECKING_TEXT
        .replace("{run_id}", of.run_id.as_str())
        .replace("{standing}", of.standing)
        .replace("{pages}", &pages)
}

/// The pages of an archive as they were found in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    /// SHA-256 of each by its name.
    pub(super) found: BTreeMap<String, Digest>,
    /// The version that CHECKING.txt names.
    pub(super) version: Option<u32>,
}

/// What the pages of an archive are against its run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PagesCompared {
    /// Those that are not what the run gives, a sentence each.
    pub findings: Vec<String>,
    /// Those that cannot be made again, a sentence each.
    pub not_checked: Vec<String>,
}

impl Pages {
    /// The version that this text of CHECKING.txt names.
    pub(super) fn version_in(text: &str) -> Option<u32> {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(NAMES_VERSION))?;
        line.strip_suffix('.')?.parse().ok()
    }

    /// Compares with what the run gives. `page` makes the run as a page; an error says why it cannot be made.
    pub fn compare(&self, of: &PagesOf<'_>, page: Result<String, String>) -> PagesCompared {
        let mut compared = PagesCompared::default();
        let version = self.version.unwrap_or(1);
        if version > VERSION {
            compared.not_checked.push(format!(
                "the pages of the archive: they are of version {version}, this drygate makes version {VERSION}"
            ));
            return compared;
        }
        let mut expected = vec![
            (CHECKING, Digest::of(checking(version, of))),
            (SCRIPT, Digest::of(SCRIPT_TEXT)),
        ];
        match page {
            Ok(page) if version == VERSION => expected.push((PAGE, Digest::of(page))),
            Ok(_) => compared.not_checked.push(format!(
                "{PAGE}: it is of version {version} of the pages, this drygate makes version {VERSION}"
            )),
            Err(why) => compared.not_checked.push(format!("{PAGE}: {why}")),
        }
        for (name, sha256) in expected {
            match self.found.get(name) {
                None => compared
                    .findings
                    .push(format!("{name}: is missing in the archive")),
                Some(found) if *found != sha256 => compared
                    .findings
                    .push(format!("{name}: is not what the run gives")),
                Some(_) => {}
            }
        }
        compared
    }
}

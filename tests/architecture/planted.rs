//! The planted bugs, their places and the tests that notice them. Invariant: each bug has one line in the table and a place in the
//! code, each line has its bug, and the test that it names exists. That the test notices is seen by `scripts/planted-bugs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use drygate::planted::PlantedBug;

use super::named_tests::has_test;
use super::{File, collect, has_word};

/// A line of tests/planted_bugs.txt.
struct Line<'t> {
    bug: &'t str,
    program: &'t str,
    test: &'t str,
    says: &'t str,
}

fn lines(table: &str) -> Vec<Line<'_>> {
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let [bug, program, test, says] = cells[..] else {
            panic!("{row:?} has no four cells");
        };
        Line {
            bug,
            program,
            test,
            says,
        }
    })
    .collect()
}

/// Every fault of the table, as `bug: what is wrong`.
fn faults(table: &str, files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    let lines = lines(table);
    for bug in PlantedBug::ALL {
        let (name, variant) = (bug.name(), format!("PlantedBug::{bug:?}"));
        let of_bug = lines.iter().filter(|line| line.bug == name).count();
        if of_bug != 1 {
            found.push(format!("{name}: {of_bug} lines, one is needed"));
        }
        let is_planted = |(path, text): &File| path.starts_with("src/") && has_word(text, &variant);
        if !files.iter().any(is_planted) {
            found.push(format!("{name}: it is planted nowhere"));
        }
    }
    let known: BTreeSet<&str> = PlantedBug::ALL.map(PlantedBug::name).into();
    for line in lines {
        let bug = line.bug;
        if !known.contains(bug) {
            found.push(format!("{bug}: there is no such bug"));
        }
        if line.says.is_empty() {
            found.push(format!("{bug}: what the test then says is left open"));
        }
        let (program, test) = (line.program, line.test);
        if !has_test(program, test, files) {
            found.push(format!("{bug}: {program} has no test {test}"));
        }
    }
    found
}

fn repository() -> (String, Vec<File>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("tests/planted_bugs.txt")).expect("the table");
    let mut files = Vec::new();
    collect(root, "src", &mut files);
    collect(root, "tests", &mut files);
    (table, files)
}

#[test]
fn every_planted_bug_has_its_place_and_the_test_that_notices() {
    let (table, files) = repository();
    assert_eq!(faults(&table, &files), Vec::<String>::new());
}

#[test]
fn a_line_that_is_wrong_is_named() {
    let (table, files) = repository();
    let first = PlantedBug::ALL[0].name();
    let without = |table: &str| -> String {
        let kept = table.split_inclusive('\n');
        kept.filter(|line| !line.starts_with(first)).collect()
    };
    let wrong = |line: &str| faults(&format!("{}{line}\n", without(&table)), &files);
    let test = "every_planted_bug_has_its_place_and_the_test_that_notices";
    assert!(wrong(&format!("{first} | architecture | planted::{test} | x")).is_empty());
    assert_eq!(
        wrong(&format!("{first} | architecture | planted::no_{test} | x")),
        [format!(
            "{first}: architecture has no test planted::no_{test}"
        )]
    );
    let lost = format!("{first}: 0 lines, one is needed");
    assert_eq!(faults(&without(&table), &files).join(", "), lost);
    assert_eq!(
        wrong(&format!("invented | architecture | planted::{test} | x")),
        [lost, "invented: there is no such bug".to_owned()]
    );
    let nowhere = faults(&table, &files_of(&files, "tests/"));
    assert_eq!(nowhere.len(), PlantedBug::ALL.len() + in_lib(&table));
}

/// The files of one folder.
fn files_of(files: &[File], folder: &str) -> Vec<File> {
    let kept = files.iter().filter(|(path, _)| path.starts_with(folder));
    kept.cloned().collect()
}

/// How many lines name a unit test, which is in `src`.
fn in_lib(table: &str) -> usize {
    let lines = lines(table);
    lines.iter().filter(|line| line.program == "lib").count()
}
